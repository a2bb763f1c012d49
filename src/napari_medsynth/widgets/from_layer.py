"""napari layers as images and label maps, where they truly lie in the patient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..core.affine import CANONICAL, Affine
from ..core.errors import GridError
from ..core.grid import Gridded, unreorder
from ..core.labels import LabelMap, LabelTable, as_labels
from ..core.volume import Volume
from .metadata import LayerInfo, info_of
from .placement import FloatArray, affine_shown, shown_at

if TYPE_CHECKING:
    from napari.layers import Layer

Grid = TypeVar("Grid", bound=Gridded)

_SHARE = 1e-6  #: of a turn or a length; anything smaller is rounding


def volume_of(layer: Layer) -> Volume:
    """Return the image of a layer.

    The true affine is used while shape, scale and translate are as they were when the layer was made; after that,
    and for layers of others, what the layer says: ``scale``, ``translate``, an ``affine`` that only scales and
    moves, and ``units`` (pixels count as millimetres). Of several resolutions the finest is taken. The voxels are
    shared with the layer, not copied.

    Raises
    ------
    GridError
        If the layer is rotated or sheared, in colour, not 2D or 3D, or not measured in lengths.
    """
    array, info = _array_of(layer), info_of(layer)
    return Volume(array, _affine_of(layer, array.shape, info), info.modality if info else "")


def labels_of(layer: Layer) -> LabelMap:
    """Return the label map of a layer, placed as :func:`volume_of` does; a copy, so that painting does not reach it.

    Raises
    ------
    GridError
        As for :func:`volume_of`.
    LabelError
        If a value is negative or above 65535.
    """
    array, info = _array_of(layer), info_of(layer)
    values = as_labels(array, f"layer {layer.name!r}")
    if np.may_share_memory(values, array):
        values = values.copy()
    return LabelMap(values, _affine_of(layer, array.shape, info), info.table if info else LabelTable())


def as_filed(grid: Grid, info: LayerInfo | None) -> Grid:
    """Return what a file gets: the orientation that the layer's file had, and its very affine if nothing moved.

    Raises
    ------
    GridError
        If the metadata contradict themselves.
    """
    if info is None or grid.ndim == 2:
        return grid
    original = info.original_affine
    if grid.shape != info.shape or not np.array_equal(grid.affine.matrix, info.affine.matrix):
        return grid.reoriented(original.orientation)
    order, flips = original.order_for(CANONICAL)
    array = unreorder(grid.array, order, flips)
    if not original.reordered(order, flips, array.shape).is_close(grid.affine, grid.shape3):
        raise GridError(f"layer metadata is damaged: {original} for display is not {grid.affine}")
    return replace(grid, array=array, affine=original)


def _array_of(layer: Layer) -> npt.NDArray[Any]:
    if getattr(layer, "rgb", False):
        raise GridError(f"layer {layer.name!r} is in colour; expected one value per voxel (split its channels first)")
    if layer.ndim not in (2, 3):
        raise GridError(f"layer {layer.name!r} has {layer.ndim} axes; expected (y, x) or (z, y, x)")
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def _affine_of(layer: Layer, shape: tuple[int, ...], info: LayerInfo | None) -> Affine:
    scale, translate = _placement(layer)
    if info is not None and info.shape == shape:
        was_scale, was_translate = shown_at(info.affine, shape)
        near = _SHARE * np.abs(was_scale)
        if (np.abs(scale - was_scale) <= near).all() and (np.abs(translate - was_translate) <= 100 * near).all():
            return info.affine
    return affine_shown(scale, translate)


def _placement(layer: Layer) -> tuple[FloatArray, FloatArray]:
    """Scale and translate of a layer in mm, its own and those of its ``affine`` together."""
    linear = np.asarray(layer.affine.linear_matrix, dtype=np.float64)
    diagonal = np.diag(linear)
    turned = np.abs(linear - np.diag(diagonal)).max() > _SHARE * np.abs(diagonal).max()
    if turned or np.abs(layer.shear).max() > _SHARE or np.abs(layer.rotate - np.eye(layer.ndim)).max() > _SHARE:
        found = f"layer {layer.name!r} is rotated or sheared (by rotate, shear or affine)"
        raise GridError(f"{found}; expected scale and translate only (resample it first)")
    mm = _mm_per_unit(layer)
    return diagonal * layer.scale * mm, (diagonal * layer.translate + layer.affine.translate) * mm


def _mm_per_unit(layer: Layer) -> FloatArray:
    """Millimetres per unit of each axis; pixels, napari's word for not known, count as 1 mm."""
    from pint import DimensionalityError

    try:
        return np.array([1.0 if str(unit) == "pixel" else (1 * unit).to("mm").magnitude for unit in layer.units])
    except DimensionalityError as error:
        units = ", ".join(str(unit) for unit in layer.units)
        raise GridError(f"layer {layer.name!r} is measured in {units}; expected lengths, e.g. mm") from error
