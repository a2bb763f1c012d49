"""What a lesion touches: nothing, the wall of its organ, or a vessel.

The three classes are those that radiologists sort lung nodules into. Only a box around the lesion is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .measure import AERATED_BELOW, Mask, Spacing, free_gap_mm
from .seed import Attachment

#: What lies this near to a lesion, in mm, is touched by it. Contours are no truer than half a millimetre; where a whole
#: voxel of air lies between, as at 1 mm spacing, a lesion is near the wall and does not touch it.
TOUCH = 0.5

#: Soft tissue that holds a ball of this radius in mm is wall, not vessel: the vessels of the lung outside its hilum
#: are thinner than 8 mm.
WALL_RADIUS = 4.0

#: A vessel leads this far away from the lesion, in mm; what ends nearer is the lesion's own blurred rim.
VESSEL_REACH = 4.0

#: How far around a lesion its surroundings must be known to tell a wall from a vessel, in mm.
CONTEXT = 12.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Surroundings:
    """A lesion and what lies around it; all arrays ``(z, y, x)`` on one grid.

    Parameters
    ----------
    values
        The image, in HU.
    lesion, others
        This lesion, and others that are neither wall nor vessel.
    aerated
        Whether this is a lung, where soft tissue stands out.
    host
        The organ; None if it is not known.
    spacing
        Millimetres per voxel, ``(z, y, x)``.
    """

    values: npt.NDArray[Any]
    lesion: Mask
    others: Mask
    aerated: bool
    host: Mask | None
    spacing: Spacing


def attachment_of(around: Surroundings) -> Attachment:
    """Return what a lesion touches; the wall goes before a vessel.

    The wall is what lies outside the organ, or, where the organ is not known, soft tissue too thick for a vessel.
    Vessels are looked for in lungs only: there they are the thin soft tissue (above −500 HU) that leads from the
    lesion to at least 4 mm away. Where neither can be seen, the lesion counts as isolated.
    """
    if around.host is None and not around.aerated:
        return "isolated"
    gap = free_gap_mm(around.lesion, around.spacing)
    free = ~(around.lesion | around.others)
    soft = free & (around.values >= AERATED_BELOW)
    wall = _thick(soft if around.host is None else free & ~around.host, around.spacing)
    if (wall & (gap <= TOUCH)).any():
        return "juxta-pleural"
    return "juxta-vascular" if around.aerated and _leads_away(soft & ~wall, gap) else "isolated"


def _thick(mask: Mask, spacing: Spacing) -> Mask:
    """Part of ``mask`` that a ball of the wall's radius can reach; it goes on beyond the box's border (an opening)."""
    from scipy import ndimage

    if mask.all():
        return mask
    centres: Mask = ndimage.distance_transform_edt(mask, spacing) > WALL_RADIUS
    if not centres.any():
        return centres
    reached: Mask = ndimage.distance_transform_edt(~centres, spacing) <= WALL_RADIUS
    return mask & reached


def _leads_away(thin: Mask, gap: npt.NDArray[np.float32]) -> bool:
    """Whether a connected part of ``thin`` both touches the lesion and leads away from it."""
    from scipy import ndimage

    parts, _ = ndimage.label(thin, np.ones((3,) * thin.ndim, dtype=bool))
    touching = np.unique(parts[thin & (gap <= TOUCH)])
    far = np.unique(parts[thin & (gap >= VESSEL_REACH)])
    return bool(np.intersect1d(touching, far).size)
