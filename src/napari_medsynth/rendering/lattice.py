"""How many voxels there are and how large they are: :class:`Lattice`."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.affine import CANONICAL
from ..core.grid import Gridded

Shape = tuple[int, int, int]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Lattice:
    """Voxels along ``(z, y, x)``; a 2D image is one slice.

    Parameters
    ----------
    shape
        Voxels along each axis.
    spacing
        Millimetres per voxel along each axis.
    orientation
        Which way each axis runs in the patient, as in :attr:`Affine.orientation`.
    """

    shape: Shape
    spacing: Triple
    orientation: str = CANONICAL

    @classmethod
    def of(cls, grid: Gridded) -> Lattice:
        """Return the lattice of an image or label map; a 2D one gets a slice as thick as its voxels are wide."""
        spacing = grid.spacing if grid.ndim == 3 else (max(grid.spacing), *grid.spacing)
        return cls(grid.shape3, tuple(spacing), grid.affine.orientation)  # type: ignore[arg-type]

    @property
    def is_flat(self) -> bool:
        """Whether there is one slice: nothing then moves or is blurred along z."""
        return self.shape[0] == 1

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes along which there is more than one voxel."""
        return tuple(axis for axis, size in enumerate(self.shape) if size > 1)

    def axis_through(self, sides: str) -> int:
        """Return the axis that runs most nearly between two sides of the patient, e.g. ``"LR"``."""
        return next(axis for axis, letter in enumerate(self.orientation) if letter in sides)

    @property
    def extent(self) -> Triple:
        """Millimetres from the first voxel's outer edge to the last one's, along ``(z, y, x)``."""
        z, y, x = (n * s for n, s in zip(self.shape, self.spacing, strict=True))
        return z, y, x

    @property
    def voxels(self) -> int:
        """How many voxels there are."""
        return self.shape[0] * self.shape[1] * self.shape[2]
