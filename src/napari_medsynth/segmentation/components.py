"""The largest connected part of each structure: :func:`keep_largest`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def keep_largest(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return classes of which each has only its largest connected part; the rest becomes background.

    Parameters
    ----------
    classes
        Whole numbers on a grid of 2 or 3 axes, 0 background. Voxels that touch at a face, an edge or a corner are
        connected. Of parts of the same size, the first in the order of the array stays.
    """
    from scipy import ndimage

    kept = classes.copy()
    connected = np.ones((3,) * classes.ndim)
    boxes = ndimage.find_objects(classes)
    for value, slices in enumerate(boxes, 1):
        if slices is None:
            continue
        mask = classes[slices] == value
        parts, count = ndimage.label(mask, structure=connected)
        if count > 1:
            largest = 1 + int(np.argmax(np.bincount(parts.reshape(-1))[1:]))
            kept[slices][mask & (parts != largest)] = 0
    return kept
