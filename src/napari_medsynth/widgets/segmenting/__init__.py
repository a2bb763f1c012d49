"""The Segment panel: find structures with a model, compare, and learn from what went wrong.

What runs a network runs in a process of its own (:mod:`.running`); :mod:`.comparing` is without Qt and without layers.
"""
