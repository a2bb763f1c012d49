"""Where napari shows an array that lies somewhere in the patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.affine import CANONICAL, Affine
from ..core.errors import GridError
from ..core.grid import Gridded

AXIS_LABELS = ("z", "y", "x")

FloatArray = npt.NDArray[np.float64]


def spatial_kwargs(grid: Gridded) -> dict[str, Any]:
    """Return ``scale``, ``translate``, ``units`` and ``axis_labels`` of a layer that shows ``grid``.

    Parameters
    ----------
    grid
        A 2D image, or a 3D one in canonical orientation (see :meth:`Gridded.reoriented`). A rotation against the
        axes of the body is not shown; the middle of the array is then where it lies in the patient. Hence the
        place of a crop of an oblique array is to be taken from the layer that shows the whole.

    Raises
    ------
    GridError
        If a 3D array is in another orientation.
    """
    scale, translate = shown_at(grid.affine, grid.shape)
    return {
        "scale": tuple(scale.tolist()),
        "translate": tuple(translate.tolist()),
        "units": ("mm",) * grid.ndim,
        "axis_labels": AXIS_LABELS[-grid.ndim :],
    }


def shown_at(affine: Affine, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return scale and translate in mm, one value per array axis, of an array of ``shape`` at ``affine``.

    Raises
    ------
    GridError
        If a 3D array is not in canonical orientation.
    """
    ndim = len(shape)
    if ndim == 3 and affine.orientation != CANONICAL:
        raise GridError(f"array is oriented {affine.orientation}; expected {CANONICAL} for display (reorient it first)")
    spacing = np.asarray(affine.spacing)
    towards = Affine.from_spacing(orientation=affine.orientation).direction.T
    first = towards @ affine.origin
    if affine.is_oblique:
        middle = (np.asarray((1, *shape)[-3:]) - 1) / 2
        first = towards @ affine.to_world(middle) - middle * spacing
    return spacing[-ndim:], first[-ndim:]


def affine_shown(scale: FloatArray, translate: FloatArray) -> Affine:
    """Return the affine of an array that is shown with this scale and translate, in mm, 2 or 3 values each."""
    steps, first = np.ones(3), np.zeros(3)
    steps[-len(scale) :], first[-len(translate) :] = scale, translate
    towards = Affine.from_spacing(orientation=CANONICAL).direction
    matrix = np.eye(4)
    matrix[:3, :3] = towards * steps
    matrix[:3, 3] = towards @ first
    return Affine(matrix)
