"""How many voxels two label maps have in common, for all labels in one pass: :class:`Overlap`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.labels import MAX_LABEL, LabelMap

#: Voxels that are counted together: they fit into the processor's cache.
_CHUNK = 1 << 18

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Voxels of each label in the truth, in what was found, and in both; index with the label's value.

    Parameters
    ----------
    truth, found, both
        ``(65536,)`` numbers of voxels.
    """

    truth: Counts
    found: Counts
    both: Counts

    @classmethod
    def of(cls, truth: LabelMap, found: LabelMap) -> Overlap:
        """Count two label maps.

        Raises
        ------
        GridError
            If they are not on one grid.
        """
        truth.require_same_grid(found, "truth", "found")
        counts = np.zeros((3, MAX_LABEL + 1), dtype=np.int64)
        a, b = truth.array.reshape(-1), found.array.reshape(-1)
        for start in range(0, a.size, _CHUNK):
            here, there = a[start : start + _CHUNK], b[start : start + _CHUNK]
            if not here.any() and not there.any():
                counts[:, 0] += here.size
                continue
            for row, part in zip(counts, (here, there, here[here == there]), strict=True):
                found_here = np.bincount(part)
                row[: found_here.size] += found_here
        return cls(*counts)

    def present(self) -> tuple[int, ...]:
        """Return the values in either map, without background, in ascending order."""
        return tuple(int(v) for v in np.flatnonzero(self.truth + self.found) if v)

    def dice(self, value: int) -> float:
        """Return the Dice coefficient of a label, 0 … 1; nan if it is in neither map."""
        total = int(self.truth[value] + self.found[value])
        return 2 * int(self.both[value]) / total if total else math.nan
