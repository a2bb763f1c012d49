"""One mask a structure, made of a label map: :func:`masks_of`."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence
from contextlib import suppress
from math import prod

import numpy as np
import numpy.typing as npt

from ..core.labels import LabelMap
from .catalogue import Structure

#: Voxels that are looked at together, at least: they and their comparison stay in the cache.
_CHUNK = 1 << 17

#: Bytes from which on memory is asked for page by page.
_LARGE = 1 << 25


def masks_of(labels: LabelMap, targets: Sequence[Structure]) -> npt.NDArray[np.bool_]:
    """Return where each structure is.

    Only the rows around each structure are written. The rest stays memory that was never touched, which costs nothing
    where the operating system hands out zeros when asked.

    Parameters
    ----------
    labels
        3D label map.
    targets
        The structures, in the order in which their masks are wanted.

    Returns
    -------
    ndarray
        ``(structure, z, y, x)``, C-contiguous.
    """
    array = labels.array
    masks = _untouched((len(targets), *array.shape))
    slices = min(len(array), -(-_CHUNK // (array.shape[1] * array.shape[2])))
    hits = np.empty((slices, *array.shape[1:]), dtype=np.bool_)
    for start in range(0, len(array), slices):
        part = array[start : start + slices]
        for mask, entry in zip(masks, targets, strict=True):
            here = np.equal(part, entry.label.value, out=hits[: len(part)])
            if here.any():
                rows = np.flatnonzero(here.any(axis=0).any(axis=1))
                filled = slice(rows[0], rows[-1] + 1)
                mask[start : start + slices, filled] = here[:, filled]
    return masks


def _untouched(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return zeros of which only what is written takes memory."""
    if sys.platform != "linux" or prod(shape) < _LARGE:
        return np.zeros(shape, dtype=np.bool_)
    # NumPy asks Linux for huge pages of 2 MiB, and a mask that is written here and there touches nearly all of them.
    memory = mmap.mmap(-1, prod(shape), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages does not know the advice, and does not need it
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=np.bool_).reshape(shape)
