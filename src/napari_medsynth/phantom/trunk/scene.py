"""Where a body is painted, a slab at a time: :class:`Scene`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from .body import Body
from .fields import FloatArray, Offsets, section
from .part import Part

Slices = tuple[slice, slice, slice]
Labels = npt.NDArray[np.uint8]

#: HU of the thin compact bone of a trunk's bones, which no voxel of 1 mm resolves.
COMPACT = 480.0

_POWER = 2.35  #: how square the trunk's cross-sections are
_DOME = 2.3  #: how steeply the diaphragm's domes fall off
_DEEP = np.float32(6)  #: mm below the skin that nothing but fat comes closer
_SOFT = 5.0  #: mm over which the domes run into each other


class Scene:
    """Values and labels of a slab, and the fields that several painters need.

    All lengths are mm of the usual body, so that build is a matter of the grid's lines alone.

    Parameters
    ----------
    body
        What is painted.
    values, labels
        Parts ``(z, y, x)`` of the image in HU, float32, and of the labels, uint8; painted in place.
    lines
        Where the voxels' centres lie along ``z``, ``y`` and ``x``.
    edge
        Width in mm over which the edge of a shape fades.
    voxel
        Mean extent in mm of a voxel; smaller things are not worth painting.
    texture
        Gives noise of unit variance for the slab, with a grain of about 5 mm.
    """

    def __init__(
        self,
        body: Body,
        values: npt.NDArray[np.float32],
        labels: npt.NDArray[np.uint8],
        lines: tuple[FloatArray, FloatArray, FloatArray],
        edge: float,
        voxel: float,
        texture: Callable[[], FloatArray],
    ) -> None:
        self.body, self.values, self.labels = body, values, labels
        self.lines, self.edge, self.voxel, self._texture = lines, edge, voxel, texture
        self._rulers = [_ruler(line) for line in lines]

    # -------------------------------------------------------------------------------------------- places
    def box(self, low: Sequence[float], high: Sequence[float]) -> Slices | None:
        """Return the voxels between two corners, widened by the edge; None if there are none."""
        z = self._span(0, low[0], high[0])
        y = self._span(1, low[1], high[1]) if z else None
        x = self._span(2, low[2], high[2]) if y else None
        return (z, y, x) if z and y and x else None

    def _span(self, axis: int, low: float, high: float) -> slice | None:
        first, step, count = self._rulers[axis]
        reach = self.edge / 2
        start = max(ceil((low - reach - first) / step), 0)
        stop = min(floor((high + reach - first) / step) + 1, count)
        return slice(start, stop) if start < stop else None

    def reaches(self, low: float, high: float) -> bool:
        """Whether the slab holds anything between two heights."""
        line, reach = self.lines[0], self.edge / 2
        return bool(low - reach <= line[-1] and high + reach >= line[0])

    def within_skin(self, distance: FloatArray, box: Slices) -> FloatArray:
        """Cut a shape off a few mm below the skin's surface, so that nothing stands out of a lean body."""
        return np.asarray(np.maximum(distance, self.skin[box] + _DEEP))

    def around(self, centre: Sequence[float], reach: float | Sequence[float] | FloatArray) -> Slices | None:
        """Return the voxels less than ``reach`` mm from a place, as a box; None if there are none."""
        return self.box(np.subtract(centre, reach).tolist(), np.add(centre, reach).tolist())

    def offsets(self, box: Slices, centre: Sequence[float] = (0.0, 0.0, 0.0)) -> tuple[FloatArray, ...]:
        """Return the mm from ``centre`` to the voxels of ``box``, ready to broadcast."""
        z, y, x = (line[part] - np.float32(c) for line, part, c in zip(self.lines, box, centre, strict=True))
        return z[:, None, None], y[:, None], x

    # -------------------------------------------------------------------------------------------- paint
    def paint(self, distance: FloatArray, hu: float | FloatArray, label: int | Labels | None, box: Slices) -> None:
        """Paint a shape in ``hu``; voxels at least half inside get ``label``, or keep theirs where it is None."""
        cover = distance * np.float32(-1 / self.edge)
        cover += np.float32(0.5)
        if cover.max() <= 0:
            return
        np.clip(cover, 0, 1, out=cover)
        part = self.values[box]
        change = hu - part
        change *= cover
        part += change
        if label is not None:
            np.copyto(self.labels[box], np.asarray(label, dtype=np.uint8), where=cover > 0.5)

    def bone(self, distance: FloatArray, hu: float | FloatArray, label: int | Labels, box: Slices, rind: float) -> None:
        """Paint a bone: a rind of compact bone, ``rind`` mm thick, around cancellous bone of ``hu``."""
        self.paint(distance, COMPACT, label, box)
        self.paint(distance + np.float32(rind), hu, None, box)

    def grained(self, part: Part, box: Slices) -> float | FloatArray:
        """Return the values of a part with its texture."""
        amount = part.details.get("texture", 0.0) * min(1.0, 4.0 / self.voxel)
        return np.asarray(part.hu + np.float32(amount) * self.texture[box]) if amount else part.hu

    def wave(self, part: Part, offsets: Offsets, amount: float = 1.0) -> FloatArray:
        """Return how far a part's surface lies inwards, in mm: smooth hills and dales of its own."""
        share, *phases = part.wave
        z, y, x = (
            np.sin(offset * np.float32(2 * np.pi / max(0.8 * size, 20.0)) + np.float32(phase))
            for offset, size, phase in zip(offsets, part.entry.size, phases, strict=True)
        )
        return np.asarray((y * x + z) * np.float32(0.6 * amount * share * part.radii.mean()), dtype=np.float32)

    # -------------------------------------------------------------------------------------------- fields
    @cached_property
    def whole(self) -> Slices:
        """All voxels of the slab."""
        z, y, x = (slice(0, len(line)) for line in self.lines)
        return z, y, x

    @cached_property
    def texture(self) -> FloatArray:
        """Noise of unit variance with a grain of about 5 mm."""
        return self._texture()

    @cached_property
    def outer(self) -> FloatArray:
        """Distance to the outer surface of the muscles, with the furrow along the back."""
        z, y, x = self.offsets(self.whole)
        depth = np.float32(self.body.parts["muscle"].details["groove"])
        furrow = depth * np.exp(-((x / 16) ** 2)) * np.clip((y - 20) / 60, 0, 1)
        return outer_distance(self.body, z, y, x) + furrow

    @cached_property
    def skin(self) -> FloatArray:
        """Distance to the skin's surface."""
        z, y, _ = self.offsets(self.whole)
        front, back = self.body.fat_layer(z)
        return self.outer - np.float32(self.body.fat) * (front + (back - front) * np.clip(0.5 + y / 120, 0, 1))

    @cached_property
    def cavity(self) -> FloatArray:
        """Distance to the inside of chest wall, abdominal wall and pelvis."""
        return cavity_distance(self.body, *self.offsets(self.whole))

    @cached_property
    def under(self) -> FloatArray:
        """Distance to the diaphragm, negative under it."""
        z, y, x = self.offsets(self.whole)
        height = diaphragm(self.body, y, x)
        rise = np.gradient(height, y.ravel(), axis=0) if y.size > 1 else np.zeros_like(height)
        run = np.gradient(height, x, axis=1) if x.size > 1 else np.zeros_like(height)
        steep = 1 / np.sqrt(1 + rise**2 + run**2)
        return np.asarray(z * steep - height * steep, dtype=np.float32)

    def inside(self, box: Slices, gap: float = 3.0) -> FloatArray:
        """Distance to the room for organs of the abdomen, ``gap`` mm from wall and diaphragm."""
        wall = self.cavity[box] + np.float32(gap)
        return np.asarray(np.maximum(wall, self.under[box] + np.float32(gap + 1.5), out=wall))


def _ruler(line: FloatArray) -> tuple[float, float, int]:
    """Return where a line starts, its step, and how many places it has."""
    return float(line[0]), (float(line[-1] - line[0]) / (len(line) - 1) if len(line) > 1 else 1.0), len(line)


def cavity_distance(body: Body, z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
    """Distance to the inside of the trunk at places of any shapes that broadcast."""
    beyond = np.maximum(z - 309, -312 - z)
    return np.maximum(_trunk(body.cavity(z), body.cavity.slopes(z), y, x), beyond.astype(np.float32))


def outer_distance(body: Body, z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
    """Distance to the outer surface of the muscles."""
    return _trunk(body.outline(z), body.outline.slopes(z), y, x)


def diaphragm(body: Body, y: FloatArray, x: FloatArray) -> FloatArray:
    """Return how high the diaphragm stands: a higher dome right, a lower one left, and a saddle under the heart."""
    part = body.parts["diaphragm"]
    tops = []
    for top, y0, x0, deep, wide in part.details["domes"]:
        reach = ((y - y0) / np.float32(deep)) ** 2 + ((x - x0) / np.float32(wide)) ** 2
        tops.append((top + part.shift[0] - 100 * reach ** (_DOME / 2)) / _SOFT)
    return np.asarray(_SOFT * np.logaddexp.reduce(tops), dtype=np.float32)


def _trunk(rows: Sequence[FloatArray], slopes: Sequence[FloatArray], y: FloatArray, x: FloatArray) -> FloatArray:
    half, front, back = rows
    wider, _, deeper = slopes
    return section((y - (front + back) / 2, x), ((back - front) / 2, half), (deeper, wider), _POWER)
