"""Where anatomy is painted: an image in HU and its labels, addressed in millimetres.

Positions are ``(z, y, x)`` in mm from the centre of the field of view: ``z`` to the head, ``y`` to the back and
``x`` to the patient's left. Shapes are given as distances in mm, negative inside, exact to first order near their
surface; that is all that partial volume needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
Slices = tuple[slice, ...]
Point = tuple[float, float, float]


class Canvas:
    """An image that shapes are painted on, one over the other.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel along ``(z, y, x)``.

    Attributes
    ----------
    hu, labels
        What has been painted so far: ``(z, y, x)`` float32 in HU, starting as air, and uint8, starting as 0.
    z, y, x
        Positions of the voxels in mm, shaped so that they broadcast against the image.
    edge
        Width in mm over which the edge of a shape fades: the mean voxel size.
    """

    def __init__(self, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
        self.hu: FloatArray = np.full(shape, -1000, dtype=np.float32)
        self.labels: npt.NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self._lines = [
            ((np.arange(n) - (n - 1) / 2) * s).astype(np.float32) for n, s in zip(shape, spacing, strict=True)
        ]
        self.z, self.y, self.x = (np.expand_dims(v, [m for m in range(3) if m != n]) for n, v in enumerate(self._lines))
        self.edge = float(np.mean(spacing))

    def box(self, low: Sequence[float], high: Sequence[float]) -> Slices:
        """Return the voxels between two corners in mm and up to one more on each side; it may hold none."""
        return tuple(
            slice(max(int(np.searchsorted(line, a)) - 1, 0), int(np.searchsorted(line, b)) + 1)
            for line, a, b in zip(self._lines, low, high, strict=True)
        )

    def offsets(self, box: Slices, centre: Sequence[float]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the mm from ``centre`` to the voxels of ``box`` along z, y and x, ready to broadcast."""
        z, y, x = (line[part] - np.float32(c) for line, part, c in zip(self._lines, box, centre, strict=True))
        return z[:, None, None], y[:, None], x

    def positions(self, index: Sequence[npt.NDArray[np.intp]]) -> npt.NDArray[np.float64]:
        """Return where the voxels at ``index``, one array per axis, lie: ``(…, 3)`` in mm."""
        return np.stack([line[n] for line, n in zip(self._lines, index, strict=True)], axis=-1).astype(np.float64)

    def cover(self, distance: FloatArray, softness: float = 0.0) -> FloatArray:
        """Return the part of each voxel, 0 … 1, inside a shape whose own edge fades over ``softness`` mm."""
        width = np.float32(np.hypot(self.edge, softness))
        return np.asarray(np.clip(0.5 - distance / width, 0, 1), dtype=np.float32)

    def paint(self, distance: FloatArray, hu: float | FloatArray, label: int | None, box: Slices = ()) -> None:
        """Paint a shape in ``hu``; voxels at least half inside get ``label``, or keep theirs where it is None."""
        cover = self.cover(distance)
        part = self.hu[box]
        part += cover * (hu - part)
        if label is not None:
            self.labels[box][cover > 0.5] = label

    def ellipsoid(self, centre: Point, radii: Point, turn: float = 0.0) -> tuple[Slices, FloatArray]:
        """Return the box of an ellipsoid turned by ``turn`` degrees from x towards y, and the distance in it."""
        across = float(np.hypot(radii[1], radii[2]))
        reach = (radii[0] + self.edge, across, across)
        box = self.box(np.subtract(centre, reach).tolist(), np.add(centre, reach).tolist())
        return box, superellipsoid(turned(self.offsets(box, centre), turn), radii)

    def tube(self, points: Sequence[Point], radii: Sequence[float], hu: float, label: int | None) -> None:
        """Paint a tube through ``points`` whose radius at each is given in ``radii``, in mm."""
        reach = max(radii) + self.edge
        box = self.box((np.min(points, axis=0) - reach).tolist(), (np.max(points, axis=0) + reach).tolist())
        pieces = zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
        distance = np.minimum.reduce([capsule(self.offsets(box, a), np.subtract(b, a), r, s) for a, b, r, s in pieces])
        self.paint(distance, hu, label, box)


def turned(offsets: Sequence[FloatArray], degrees: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the offsets along axes that are turned by ``degrees`` from x towards y."""
    z, y, x = offsets
    c, s = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    return z, y * c - x * s, x * c + y * s


def superellipsoid(
    offsets: Sequence[FloatArray], radii: Sequence[float | FloatArray], power: float = 2.0
) -> FloatArray:
    """Distance to ``Σ |offset / radius|^power = 1``, in mm: the field over its slope, exact near the surface.

    Offsets and radii may be of any shapes that broadcast, so that most of the work is done on lines, not volumes.
    """
    field, slope = np.float32(-1), np.float32(1e-12)
    for offset, radius in zip(offsets, radii, strict=True):
        part = np.abs(offset / radius)
        field = field + part**power
        slope = slope + (power * part ** (power - 1) / radius) ** 2
    return np.asarray(field / np.sqrt(slope), dtype=np.float32)


def capsule(offsets: Sequence[FloatArray], along: npt.NDArray[np.float64], start: float, stop: float) -> FloatArray:
    """Distance in mm to a rod from the origin to ``along`` whose radius goes from ``start`` to ``stop``."""
    z, y, x = offsets
    dz, dy, dx = (np.float32(v) for v in along)
    t = np.clip((z * dz + y * dy + x * dx) / np.float32(max(float(along @ along), 1e-6)), 0, 1)
    gap = np.sqrt((z - t * dz) ** 2 + (y - t * dy) ** 2 + (x - t * dx) ** 2)
    return np.asarray(gap - (start + t * np.float32(stop - start)), dtype=np.float32)
