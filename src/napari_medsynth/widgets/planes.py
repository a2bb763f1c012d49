"""From where the viewer looks: :func:`look_from`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: The views by name, and which of ``(z, y, x)`` is looked along.
PLANES = {"Axial": 0, "Coronal": 1, "Sagittal": 2}
VIEWS = (*PLANES, "3D")


def look_from(viewer: ViewerModel, view: str) -> None:
    """Show slices of a plane, or the whole in 3D from the front with the head up.

    Parameters
    ----------
    viewer
        The viewer; its last three dimensions are ``(z, y, x)``.
    view
        One of :data:`VIEWS`.
    """
    first = viewer.dims.ndim - 3
    along = first + PLANES.get(view, 0)
    rest = [axis for axis in range(first, viewer.dims.ndim) if axis != along]
    viewer.dims.order = (*range(first), along, *rest)
    viewer.dims.ndisplay = 2 if view in PLANES else 3
    if view not in PLANES:
        viewer.scene.camera.set_view_direction((0, 1, 0), (1, 0, 0))
    viewer.fit_to_view()
