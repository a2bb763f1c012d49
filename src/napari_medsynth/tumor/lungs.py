"""The lungs of a chest CT, found by what they are made of: no learned weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.affine import CANONICAL
from ..core.box import Box
from ..core.errors import GridError, HostError
from ..core.grid import unreorder
from ..core.labels import Label, LabelMap, LabelTable
from ..core.volume import Volume
from .airways import find_airways
from .regions import Mask, closed, dilated, eroded, filled, without_specks
from .sides import LEFT, RIGHT, Sides, tell_sides
from .thorax import Hu, body_centre, coarsen, lung_air

LUNGS = LabelTable(
    (
        Label(RIGHT, "right lung", "lung", "right", (0.85, 0.45, 0.40)),
        Label(LEFT, "left lung", "lung", "left", (0.35, 0.60, 0.85)),
    )
)

#: Experts draw the edge of a lung nearer to the wall than half-way (measured on NSCLC-Radiomics contours).
_EDGE_HU = -200
#: Vessels and small nodules at the rim are taken in by closing with this radius in mm, ``(z, y, x)``. It is smaller
#: along z, where closing would bridge from the lung over the diaphragm and the hilum.
_CLOSING_MM = (3.0, 6.0, 6.0)
#: Vessels cut across leave holes of this size at most in an axial slice, in mm².
_VESSEL_MM2 = 300.0
#: Parts smaller than this share of the largest are throat and bronchi that were cut off, or gas in the gut.
_SMALLEST_PART = 0.02


def find_lungs(ct: Volume) -> LabelMap:
    """Find the right and the left lung of a chest CT.

    Lung air is found on blocks of about 2 mm, without the room, the table and gas in the gut; windpipe and main
    bronchi are grown from above and taken out; lungs that touch are torn apart; vessels and what lies enclosed are
    filled in. Then the edge, and only the edge, is drawn again voxel by voxel.

    Parameters
    ----------
    ct
        ``(z, y, x)`` in HU, in any order and direction of axes. The field of view may cut through the body.

    Returns
    -------
    labels
        1 right lung, 2 left lung (the patient's sides), on the grid of ``ct``. Tumors that lung encloses belong to
        it, as in the contours of NSCLC-Radiomics; those that grow from the wall or the mediastinum do not.

    Raises
    ------
    HostError
        If there is nothing that can be a lung.
    GridError
        If ``ct`` is 2D or has channels.
    """
    if ct.ndim != 3 or ct.channels:
        raise GridError(f"ct has shape {ct.array.shape}; expected one volume (z, y, x) to find lungs in")
    upright = ct.reoriented()
    hu, block = coarsen(upright.array, upright.spacing)
    spacing = [s * b for s, b in zip(upright.spacing, block, strict=True)]
    sides, box = _coarse_lungs(hu, spacing)
    order, flips = ct.affine.order_for(CANONICAL)
    fine = _refined(upright.array, sides, box, block)
    return LabelMap(unreorder(fine, order, flips), ct.affine, LUNGS)


def _coarse_lungs(hu: Hu, spacing: Sequence[float]) -> tuple[Sides, Box]:
    """Both lungs on the coarse grid, airways left out, vessels filled in; and the box in which they lie."""
    air = lung_air(hu, spacing)
    middle = body_centre(hu, air)
    box = (Box.around(air) or Box((0, 0, 0), air.shape)).grown((2, 4, 4)).clipped(air.shape)
    hu, air = hu[box.slices], air[box.slices]
    walls = dilated(find_airways(hu, air, spacing))
    lungs = without_specks(air & ~walls, _SMALLEST_PART)
    if not lungs.any():
        raise HostError("no lung found in ct: there is nothing beside the airways; expected a chest CT in HU")
    sides = tell_sides(lungs, middle - box.start[2], spacing)
    right, left = (_solid(sides == side, spacing) & ~walls for side in (RIGHT, LEFT))
    taken = sides > 0
    sides = sides.copy()
    sides[right & ~taken & ~left] = RIGHT
    sides[left & ~taken & ~right] = LEFT
    return sides, box


def _solid(lung: Mask, spacing: Sequence[float]) -> Mask:
    steps = [round(mm / s) for mm, s in zip(_CLOSING_MM, spacing, strict=True)]
    return filled(closed(lung, steps), _VESSEL_MM2, spacing)


def _refined(ct: npt.NDArray[np.number], sides: Sides, box: Box, block: tuple[int, ...]) -> Sides:
    """Draw the edge on the full grid: within one coarse voxel of it, what is below -300 HU is lung.

    Works slice by slice, so that nothing but the result is ever as large as the scan.
    """
    grown, core = _band(sides)
    fine = np.zeros(ct.shape, dtype=np.uint8)
    where = [slice(a * b, min(c * b, n)) for a, c, b, n in zip(box.start, box.stop, block, ct.shape, strict=True)]
    rows = np.arange(where[1].start, where[1].stop) // block[1] - box.start[1]
    columns = np.arange(where[2].start, where[2].stop) // block[2] - box.start[2]
    for z in range(where[0].start, where[0].stop):
        near = z // block[0] - box.start[0]
        if not grown[near].any():
            continue
        inner, outer = (np.take(np.take(m[near], rows, 0), columns, 1) for m in (core, grown))
        plane = ct[z, where[1], where[2]]
        fine[z, where[1], where[2]] = np.where(inner | (plane < _EDGE_HU), outer, np.uint8(0))
    return fine


def _band(sides: Sides) -> tuple[Sides, Mask]:
    """Lungs grown by one coarse voxel, each away from the other, and the part that is lung without a look."""
    right, left = sides == RIGHT, sides == LEFT
    grown = sides.copy()
    wide_right, wide_left = dilated(right), dilated(left)
    grown[wide_right & ~left & ~wide_left] = RIGHT
    grown[wide_left & ~right & ~wide_right] = LEFT
    return grown, eroded(sides > 0)
