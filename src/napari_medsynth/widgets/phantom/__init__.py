"""The Phantom panel: a body is chosen and varied with a live preview, then made as image and labels layers.

``sizing`` says how large things are and how coarse a preview may be, ``looks`` turns a made body into layers,
``preview`` shows one that is not made yet, ``snippets`` writes down how to make the same without the viewer. The
panel only shows and asks.
"""
