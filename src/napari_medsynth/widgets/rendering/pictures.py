"""Slices as small pictures: :func:`picture_of`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .where import Where

SIDE = 54  #: of a picture, in pixels

Picture = npt.NDArray[np.uint8]

#: Of a slice that is not in the part that a seed takes.
EMPTY: Picture = np.zeros((SIDE, SIDE), np.uint8)

_FINENESS = 2  #: samples a pixel, for screens that show more of them


def picture_of(array: npt.NDArray[np.float32], where: Where, spacing: Sequence[float]) -> Picture:
    """Return a slice as bytes, from its 1st to its 99th percentile, square in mm and with the head up.

    Parameters
    ----------
    array
        ``(z, y, x)`` with one voxel along the axis that is looked along, or ``(y, x)``.
    where
        Which slice it is.
    spacing
        Millimetres per voxel along the axes of ``array``.
    """
    flat = array if array.ndim == 2 else np.moveaxis(array, where.axis, 0)[0]
    rows_mm, columns_mm = spacing if array.ndim == 2 else [mm for n, mm in enumerate(spacing) if n != where.axis]
    if array.ndim == 3 and where.axis > 0:
        flat = flat[::-1]  # z grows to the head
    sizes = np.multiply(flat.shape, (rows_mm, columns_mm))
    height, width = np.maximum(1, np.rint(sizes * (_FINENESS * SIDE / sizes.max()))).astype(int)
    small = flat[np.ix_(_nearest(flat.shape[0], height), _nearest(flat.shape[1], width))]
    low, high = np.percentile(small, (1, 99))
    return np.clip((small - low) * (255 / max(high - low, 1e-9)), 0, 255).astype(np.uint8)


def _nearest(count: int, wanted: int) -> npt.NDArray[np.intp]:
    return ((np.arange(wanted) + 0.5) * (count / wanted)).astype(np.intp)
