"""Vessels inside a lung, so that lesions can keep away from them or grow around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.errors import GridError
from .regions import Mask, eroded

#: Above this lie 2.7 % of the voxels within expert lung contours (NSCLC-Radiomics): vessels and the walls of bronchi.
VESSEL_HU = -500
#: At the rim of the lung, in mm, voxels are half lung and half wall, and as dense as vessels.
_RIM_MM = 2.0
#: Smaller pieces are noise, in mm³: a length of vessel of 2 mm across and 3 mm long is larger.
_SMALLEST_MM3 = 8.0


def find_vessels(ct: npt.NDArray[np.number], host: Mask, spacing: Sequence[float]) -> Mask:
    """Find vessels within a lung by their density.

    Fast enough for a lesion's box while it is dragged; it does not tell vessels from nodules or consolidated lung.

    Parameters
    ----------
    ct
        ``(z, y, x)`` in HU; a whole scan or a box of one.
    host
        Where the lung is, same shape.
    spacing
        Voxels in mm, ``(z, y, x)``.

    Returns
    -------
    mask
        Vessel voxels of ``host``, same shape, without its rim of 2 mm. Pieces below 8 mm³ are noise and left out,
        unless they touch the edge of the array, behind which they, and the lung, may go on.

    Raises
    ------
    GridError
        If the shapes differ or are not 3D.
    """
    if ct.ndim != 3 or ct.shape != host.shape:
        raise GridError(f"ct is {ct.shape} and host {host.shape} voxels; expected two volumes (z, y, x) of one shape")
    from scipy import ndimage

    inner = host
    for step in range(round(_RIM_MM / min(spacing))):
        inner = eroded(inner, [axis for axis in range(3) if step < round(_RIM_MM / spacing[axis])])
    dense = inner & (ct > VESSEL_HU)
    labels, count = ndimage.label(dense)
    large = np.bincount(labels.reshape(-1), minlength=count + 1) * float(np.prod(spacing)) >= _SMALLEST_MM3
    for axis in range(3):
        for end in (0, -1):
            large[np.unique(np.take(labels, end, axis=axis))] = True
    large[0] = False
    return np.asarray(large[labels])
