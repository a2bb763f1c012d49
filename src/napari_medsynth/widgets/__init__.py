"""The panels in napari; the only room that knows napari, Qt or magicgui."""
