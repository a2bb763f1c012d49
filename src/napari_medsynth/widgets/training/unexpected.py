"""What no person could have brought about: :func:`raised`."""

from __future__ import annotations


def raised(error: Exception) -> None:
    """Raise the error of work in the background, for napari to show: nothing that was entered can cause it."""
    raise error
