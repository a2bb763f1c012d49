"""Which way up a slice is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel


def keep_upright(viewer: ViewerModel) -> None:
    """Show coronal and sagittal slices with the head up from now on, as radiologists know them.

    napari's vertical axis grows downwards, which is right for axial slices (front up) but puts patients on their
    heads where ``z`` is vertical. A 3D view is left as it is: flipping one axis would mirror the patient.
    """

    def turn() -> None:
        dims = viewer.dims
        across = dims.axis_labels[dims.order[-2]] == "z" if dims.ndim > 1 else False
        wanted = "up" if across and dims.ndisplay == 2 else "down"
        viewer.scene.camera.orientation2d = (wanted, viewer.scene.camera.orientation2d[1])

    for event in (viewer.dims.events.order, viewer.dims.events.ndisplay, viewer.dims.events.axis_labels):
        event.connect(turn)
    turn()
