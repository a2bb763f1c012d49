"""Voxel types on their way in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..core.errors import ReadError, WriteError

Nonfinite = Literal["error", "fill"]

_WIDENED = {"bool": "uint8", "float16": "float32"}
_STORED = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def storable(array: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    """Return ``array`` in this machine's byte order and a type that every format holds; no value changes.

    Raises
    ------
    WriteError
        If there is no such type.
    """
    name = array.dtype.newbyteorder("=").name
    name = _WIDENED.get(name, name)
    if name not in _STORED:
        raise WriteError(f"{path} cannot hold voxels of type {array.dtype}; expected one of {', '.join(_STORED)}")
    return array.astype(name, copy=False)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], path: Path) -> npt.NDArray[Any]:
    """Allocate an array; a :class:`ReadError` that names the file if there is no memory for it."""
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        raise ReadError(
            f"{path} needs {np.prod(shape, dtype=float) * dtype.itemsize:.3g} bytes; too little memory is free"
        ) from error


def scaled(stored: npt.NDArray[Any], slope: float, inter: float, path: Path) -> npt.NDArray[Any]:
    """Return ``stored × slope + inter``.

    As ``int16`` or ``int32`` if every value is whole and fits, else as ``float32`` (``float64`` if stored so).
    Works slab by slab along the first axis, because doubles of a whole scan take four times its memory.
    """
    slabs = [slice(n, n + 16) for n in range(0, len(stored), 16)]
    target = _whole_type(stored, slabs, slope, inter)
    result = empty(stored.shape, target, path)
    for slab in slabs:
        result[slab] = stored[slab] * np.float64(slope) + np.float64(inter)
    return result


def _whole_type(stored: npt.NDArray[Any], slabs: list[slice], slope: float, inter: float) -> np.dtype[Any]:
    """Return the smallest type that holds all scaled values."""
    real = np.dtype(np.float64 if stored.dtype == np.float64 else np.float32)
    low = high = 0.0
    if stored.dtype.kind == "f":
        return real
    for slab in slabs:
        values = stored[slab] * np.float64(slope) + np.float64(inter)
        if not np.array_equal(values, np.rint(values)):
            return real
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    for whole in (np.int16, np.int32):
        if np.iinfo(whole).min <= low and high <= np.iinfo(whole).max:
            return np.dtype(whole)
    return real


def require_finite(array: npt.NDArray[Any], nonfinite: Nonfinite, path: Path) -> npt.NDArray[Any]:
    """Return ``array`` without NaN and infinities.

    Parameters
    ----------
    nonfinite
        ``"error"`` refuses them; ``"fill"`` puts the smallest finite value in their place.

    Raises
    ------
    ReadError
        If there are some and they are refused, or nothing else is there.
    """
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if nonfinite == "error":
        raise ReadError(f"{path} holds {count} voxels that are NaN or infinite; expected finite values")
    if count == array.size:
        raise ReadError(f"{path} holds no finite voxel")
    filled = array.copy()
    filled[bad] = array[~bad].min()
    return filled
