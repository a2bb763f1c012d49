"""Which part of an anatomy an image shows, and how finely: :class:`Frame`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine

Triple = tuple[float, float, float]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Frame:
    """A field of view upon an anatomy, and its voxels.

    An anatomy has coordinates of its own, ``(z, y, x)``: ``z`` to the head, ``y`` to the back, ``x`` to the patient's
    left, from the middle of the body. They are millimetres, or fractions of the whole field of view.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel along ``(z, y, x)``.
    centre
        Where the middle of the image lies, in coordinates of the anatomy.
    scale
        Millimetres per unit of the anatomy's coordinates along ``(z, y, x)``; 1 where they are millimetres.
    """

    shape: tuple[int, int, int]
    spacing: Triple
    centre: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1.0, 1.0, 1.0)

    @cached_property
    def step(self) -> Triple:
        """Units of the anatomy's coordinates per voxel along ``(z, y, x)``."""
        z, y, x = (mm / unit for mm, unit in zip(self.spacing, self.scale, strict=True))
        return z, y, x

    @property
    def voxels(self) -> int:
        """How many voxels the image has."""
        return prod(self.shape)

    @property
    def affine(self) -> Affine:
        """Where the voxels lie: axes "SPL", the anatomy's middle at the world's origin."""
        at_corner = Affine.from_spacing(self.spacing)
        x, y, z = at_corner.to_world((np.asarray(self.shape) - 1) / 2)
        dx, dy, dz = at_corner.to_world(np.multiply(self.centre, self.scale) / self.spacing)
        return Affine.from_spacing(self.spacing, origin=(dx - x, dy - y, dz - z))

    def slab(self, start: int, stop: int) -> Frame:
        """Return the frame of the slices ``start <= z < stop``."""
        z, y, x = self.centre
        middle = (start + stop - self.shape[0]) / 2
        return replace(self, shape=(stop - start, *self.shape[1:]), centre=(z + middle * self.step[0], y, x))

    def lines(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the coordinates of the voxels' centres along ``z``, ``y`` and ``x``; float32."""
        z, y, x = (
            (centre + (np.arange(n) - (n - 1) / 2) * step).astype(np.float32)
            for n, centre, step in zip(self.shape, self.centre, self.step, strict=True)
        )
        return z, y, x

    def box(self, low: Sequence[float], high: Sequence[float]) -> tuple[slice, slice, slice]:
        """Return the voxels between two corners, and up to one more on each side; it may hold none."""
        z, y, x = (
            slice(max(int(np.searchsorted(line, a)) - 1, 0), int(np.searchsorted(line, b)) + 1)
            for line, a, b in zip(self.lines(), low, high, strict=True)
        )
        return z, y, x
