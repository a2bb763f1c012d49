"""The vessels of the lungs: trees that fill each lobe, another way in each body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..trees import grow
from .fields import capsule
from .part import Part
from .scene import Scene

#: One branch a row: where it starts and stops, ``(z, y, x)`` each, and the radius at both ends.
Branches = npt.NDArray[np.float64]

_BLOOD = 110.0  #: HU
_FAINTEST = 0.4  #: share of a voxel that a vessel must fill to be painted


def branches(lobe: Part, places: npt.NDArray[np.float64]) -> Branches:
    """Return the branches ``(n, 8)`` of a lobe's artery and vein, which share the ``(n, 3)`` places they supply."""
    roots = lobe.details["trees"]
    found = [
        [*start, *stop, wide, narrow]
        for n, (z, y, x, radius) in enumerate(roots)
        if len(places) > n
        for start, stop, wide, narrow in grow((z, y, x), radius, places[n :: len(roots)])
    ]
    return np.asarray(found).reshape(-1, 8)


def paint_branches(scene: Scene, lobe: Part, made: Branches) -> None:
    """Paint branches into a lobe, to which they belong, as expert contours have it."""
    filled = np.minimum(1.0, 2.4 * made[:, 7] / scene.edge)  # one thinner than a voxel never fills it
    low, high = (
        np.minimum(made[:, :3], made[:, 3:6]) - made[:, 6:7],
        np.maximum(made[:, :3], made[:, 3:6]) + made[:, 6:7],
    )
    near = (filled >= _FAINTEST) & (high[:, 0] >= scene.lines[0][0]) & (low[:, 0] <= scene.lines[0][-1])
    for n in np.flatnonzero(near):
        box = scene.box(low[n].tolist(), high[n].tolist())
        if box is not None:
            start, stop, (wide, narrow) = made[n, :3], made[n, 3:6], made[n, 6:].tolist()
            shape = capsule(scene.offsets(box, start.tolist()), stop - start, wide, narrow)
            scene.paint(shape, lobe.hu + float(filled[n]) * (_BLOOD - lobe.hu), None, box)
