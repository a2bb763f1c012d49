"""The Tumors panel: cut lesions out of scans (Extract), keep them (Library), put them into other scans (Place).

What a person does by hand is worked out without Qt and without OpenGL, so that it can be tested and scripted:
``session`` keeps the lesions of one scan with undo, ``ghost`` is the lesion that is not placed yet, ``placer`` brings
both into a viewer. The tabs only show and ask.
"""
