"""Bringing the viewer to a place: :func:`show_place`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: A place this near to the edge of the canvas, as a share of its size, is not seen well.
_RIM = 0.1


def show_place(viewer: ViewerModel, world: Sequence[float]) -> None:
    """Show the slice of a place, and move the view there if the place lies outside of it.

    Parameters
    ----------
    viewer
        The viewer.
    world
        Where to, along the last three dimensions of the viewer, in its world.
    """
    first = viewer.dims.ndim - 3
    viewer.dims.set_point(list(range(first, viewer.dims.ndim)), list(world))
    camera = viewer.scene.camera
    shown = [world[axis - first] for axis in viewer.dims.displayed if axis >= first]
    centre = np.asarray(camera.center[-len(shown) :])
    seen = np.asarray(viewer.canvas.size) / camera.zoom * (0.5 - _RIM)
    if len(shown) == 3 or np.any(np.abs(np.asarray(shown) - centre) > seen):
        camera.center = (*camera.center[: 3 - len(shown)], *shown)
