"""The Render panel: a labels layer gets an image; a slice of it follows the hand, then the whole is made.

``label_reader`` reads the layer beside the viewer, ``studio`` renders it, ``where`` says which slice is looked at,
``preview`` shows that. ``form`` asks for the settings: ``contrast_box`` for the preset, ``intensity_box`` for what
takes its place, ``stage_list`` for what the scanner does, ``label_tab`` for what labels are made of. ``draws`` offers
other seeds, ``snippets`` writes down how to make the same without the viewer.
"""
