"""Which slice of a label map the viewer shows: :func:`looked_at`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...core.box import Box

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True)
class Where:
    """A slice of an array ``(z, y, x)``.

    Parameters
    ----------
    axis
        Axis that is looked along: 0 for axial slices of an upright volume, 1 for coronal, 2 for sagittal ones.
    index
        Which slice.
    """

    axis: int
    index: int

    def box(self, shape: Sequence[int], reach: int = 0) -> Box:
        """Return the slice and ``reach`` slices on both sides of it, as far as there are any."""
        start, stop = [0] * len(shape), list(shape)
        start[self.axis], stop[self.axis] = self.index - reach, self.index + 1 + reach
        return Box(tuple(start), tuple(stop)).clipped(shape)


def looked_at(viewer: ViewerModel, layer: Layer, shape: Sequence[int]) -> Where | None:
    """Return the slice of a layer that the viewer shows.

    Parameters
    ----------
    viewer
        The viewer; whichever plane it shows and wherever its sliders are.
    layer
        The layer.
    shape
        Voxels of its finest resolution, ``(y, x)`` or ``(z, y, x)``. A 2D layer is its only slice.

    Returns
    -------
    Where or None
        None if the viewer shows no slice of it: it shows 3D, or a place beside the layer.
    """
    if len(shape) == 2:
        return Where(0, 0)
    dims = viewer.dims
    hidden = [axis - (dims.ndim - 3) for axis in dims.not_displayed]
    along = [axis for axis in hidden if axis >= 0]
    if dims.ndisplay != 2 or len(along) != 1:
        return None
    index = int(np.rint(layer.world_to_data(dims.point)[along[0]]))
    return Where(along[0], index) if 0 <= index < shape[along[0]] else None
