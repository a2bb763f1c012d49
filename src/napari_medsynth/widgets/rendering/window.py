"""Contrast limits of a rendered image: :func:`window_of`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Soft-tissue window of CT, in HU: level 40, width 400.
SOFT_TISSUE = (-160.0, 240.0)

_ENDS = (0.5, 99.8)  #: percentiles: a few bright voxels do not darken all others


def window_of(array: npt.NDArray[Any], modality: str) -> tuple[float, float]:
    """Return contrast limits: the soft-tissue window of CT, else nearly the whole range of the image."""
    if modality == "CT":
        return SOFT_TISSUE
    few = array[tuple(slice(None, None, max(1, n // 128)) for n in array.shape)]
    low, high = (float(v) for v in np.percentile(few, _ENDS))
    return (low, high) if high > low else (low, low + 1.0)
