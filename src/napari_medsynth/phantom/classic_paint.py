"""How the classic anatomy's solids are painted, one over the other: :class:`Sheet`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from .catalogue import Structure
from .frame import Frame
from .shapes import SHAPES, FloatArray, Offsets, Triple, cover, roundness

_SLAB = 1 << 15  #: voxels painted at once: a few arrays of them fit into the cache


@dataclass(frozen=True)
class Sheet:
    """An image and its labels while they are painted.

    Parameters
    ----------
    values, labels
        ``(z, y, x)`` float32 and uint8; changed in place.
    frame
        Which part of the body they show.
    width
        How many voxels an edge fades over.
    """

    values: FloatArray
    labels: npt.NDArray[np.uint8]
    frame: Frame
    width: float

    def paint(self, entry: Structure, drawn: Mapping[str, Any]) -> None:
        """Paint a solid in its box, a few slices at a time.

        Voxels whose middle lies inside get its label, whatever the blur. If it is too small to hold one, the voxel that
        it lies in gets it.
        """
        place = _Place.of(self.frame, drawn)
        box = place.box(self.width / 2).clipped(self.frame.shape)
        details = {**entry.details, "side": entry.label.side}
        inwards = np.float32(roundness(place.radii, self.width))
        seen = False
        for part in _slabs(box):
            distance = SHAPES[entry.shape](place.offsets(part), place.radii, details)
            inside = distance < 0
            seen = seen or bool(inside.any())
            np.copyto(self.labels[part.slices], np.uint8(entry.label.value), where=inside)
            distance += inwards
            there = self.values[part.slices]
            there += cover(distance, self.width) * (np.float32(drawn["intensity"]) - there)
        middle = Box(place.nearest, tuple(n + 1 for n in place.nearest))
        if not seen and middle == middle.clipped(self.frame.shape):
            self.labels[middle.slices] = entry.label.value


@dataclass(frozen=True)
class _Place:
    """Where a solid lies in an image: middle and radii in voxels, ``(z, y, x)``."""

    middle: Triple
    radii: Triple

    @classmethod
    def of(cls, frame: Frame, drawn: Mapping[str, Any]) -> _Place:
        ends = zip(drawn["centre"], frame.centre, frame.step, frame.shape, strict=True)
        z, y, x = ((c - m) / s + (n - 1) / 2 for c, m, s, n in ends)
        rz, ry, rx = (size / 2 / step for size, step in zip(drawn["size"], frame.step, strict=True))
        return cls((z, y, x), (rz, ry, rx))

    @property
    def nearest(self) -> tuple[int, ...]:
        """Index of the voxel that the middle lies in."""
        return tuple(round(m) for m in self.middle)

    def box(self, margin: float) -> Box:
        """Return the voxels that the solid and ``margin`` voxels around it can reach."""
        reach = [(m - r - margin, m + r + margin) for m, r in zip(self.middle, self.radii, strict=True)]
        return Box(tuple(int(np.ceil(a)) for a, _ in reach), tuple(int(np.floor(b)) + 1 for _, b in reach))

    def offsets(self, box: Box) -> Offsets:
        """Return how far the voxels of ``box`` lie from the middle, ready to broadcast."""
        ends = zip(box.start, box.stop, self.middle, strict=True)
        z, y, x = (np.arange(a, b, dtype=np.float32) - np.float32(m) for a, b, m in ends)
        return z[:, None, None], y[:, None], x


def _slabs(box: Box) -> Iterator[Box]:
    if box.is_empty:
        return
    depth, height, width = box.shape
    step = max(1, _SLAB // (height * width))
    for start in range(box.start[0], box.start[0] + depth, step):
        yield Box((start, *box.start[1:]), (min(start + step, box.stop[0]), *box.stop[1:]))
