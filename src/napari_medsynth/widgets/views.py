"""Which way up a slice is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .placement import AXIS_LABELS

if TYPE_CHECKING:
    from napari.components import ViewerModel


def keep_upright(viewer: ViewerModel) -> None:
    """Show coronal and sagittal slices with the head up from now on, as radiologists know them, and 3D unmirrored.

    napari's vertical axis grows downwards, which is right for axial slices (front up) but puts patients on their
    heads where ``z`` is vertical. In 3D napari lets the first axis grow towards the person who looks: with axes to
    the head, to the back and to the left this mirrors the patient, so it is made to grow away.
    """

    def turn() -> None:
        dims, camera = viewer.dims, viewer.scene.camera
        is_ours = dims.ndim > 2 and tuple(dims.axis_labels[-3:]) == AXIS_LABELS
        upright = is_ours and dims.ndisplay == 2 and dims.axis_labels[dims.order[-2]] == "z"
        mirrored = is_ours and dims.ndisplay == 3 and _is_even(dims.order[-3:])
        wanted = ("away" if mirrored else "towards", "up" if upright else "down", camera.orientation2d[1])
        if wanted != tuple(camera.orientation):  # setting it is costly: napari works out the camera's angles anew
            camera.orientation = wanted

    for event in (viewer.dims.events.order, viewer.dims.events.ndisplay, viewer.dims.events.axis_labels):
        event.connect(turn)
    turn()


def _is_even(order: Sequence[int]) -> bool:
    """Whether an order of three axes turns ``(z, y, x)`` round, rather than into its mirror image."""
    z, y, x = order
    return (z - y) * (y - x) * (x - z) > 0
