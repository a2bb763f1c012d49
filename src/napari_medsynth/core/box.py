"""A box of voxels: the only part of a scan that a lesion changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Box:
    """Half-open box of voxel indices ``start <= index < stop``, one pair per axis."""

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @classmethod
    def around(cls, mask: npt.NDArray[np.bool_]) -> Box | None:
        """Return the smallest box around the true voxels of ``mask``, or None if there are none."""
        start, stop = [], []
        for axis in range(mask.ndim):
            others = tuple(n for n in range(mask.ndim) if n != axis)
            hits = np.flatnonzero(mask.any(axis=others))
            if hits.size == 0:
                return None
            start.append(int(hits[0]))
            stop.append(int(hits[-1]) + 1)
        return cls(tuple(start), tuple(stop))

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis; 0 where the box is empty."""
        return tuple(max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Index an array with this: ``array[box.slices]``."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def is_empty(self) -> bool:
        """Whether no voxel lies in the box."""
        return 0 in self.shape

    def grown(self, margin: Sequence[int]) -> Box:
        """Return the box with ``margin`` voxels more on both sides of each axis."""
        start = tuple(a - m for a, m in zip(self.start, margin, strict=True))
        return Box(start, tuple(b + m for b, m in zip(self.stop, margin, strict=True)))

    def clipped(self, shape: Sequence[int]) -> Box:
        """Return the part of the box inside an array of ``shape``."""
        start = tuple(min(max(a, 0), n) for a, n in zip(self.start, shape, strict=True))
        return Box(start, tuple(max(a, min(b, n)) for a, b, n in zip(start, self.stop, shape, strict=True)))

    def shifted(self, offset: Sequence[int]) -> Box:
        """Return the box moved by ``offset`` voxels."""
        start = tuple(a + o for a, o in zip(self.start, offset, strict=True))
        return Box(start, tuple(b + o for b, o in zip(self.stop, offset, strict=True)))

    def within(self, outer: Box) -> Box:
        """Return this box counted from the start of ``outer``."""
        return self.shifted([-a for a in outer.start])

    def overlaps(self, other: Box) -> bool:
        """Whether the two boxes share a voxel."""
        pairs = zip(self.start, self.stop, other.start, other.stop, strict=True)
        return all(max(a, c) < min(b, d) for a, b, c, d in pairs)
