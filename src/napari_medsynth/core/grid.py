"""What images and label maps share: an array that knows where it lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .affine import CANONICAL, Affine
from .box import Box
from .errors import GridError


@dataclass(frozen=True, eq=False)
class Gridded:
    """A read-only array ``(y, x)`` or ``(z, y, x)`` on a grid in the patient.

    Parameters
    ----------
    array
        The voxels. Kept C-contiguous and read-only; copied only if it is not C-contiguous already.
    affine
        Where they lie; 1 mm voxels if left out.
    """

    array: npt.NDArray[Any]
    affine: Affine = field(default_factory=Affine.from_spacing)

    def __post_init__(self) -> None:
        array = np.ascontiguousarray(self.array).view()
        self._check(array)
        array.setflags(write=False)
        object.__setattr__(self, "array", array)

    def _check(self, array: npt.NDArray[Any]) -> None:
        sizes = array.shape[self._leading :]
        if len(sizes) not in (2, 3):
            raise GridError(f"{type(self).__name__} has shape {array.shape}; expected (y, x) or (z, y, x)")
        if 0 in array.shape:
            raise GridError(f"{type(self).__name__} has shape {array.shape}; expected at least one voxel on each axis")

    @property
    def _leading(self) -> int:
        """Number of axes before the spatial ones."""
        return 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along the spatial axes, ``(y, x)`` or ``(z, y, x)``."""
        return self.array.shape[self._leading :]

    @property
    def ndim(self) -> int:
        """2 or 3: the number of spatial axes."""
        return len(self.shape)

    @property
    def shape3(self) -> tuple[int, int, int]:
        """Voxels along ``(z, y, x)``; a 2D image has one slice."""
        return (1, *self.shape) if self.ndim == 2 else self.shape  # type: ignore[return-value]

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres per voxel along the spatial axes."""
        return self.affine.spacing[-self.ndim :]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in mL; for a 2D image, of a voxel 1 mm thick."""
        return float(np.prod(self.spacing)) / 1000

    def same_grid(self, other: Gridded) -> bool:
        """Whether both have the same shape and lie in the same place, to a hundredth of a voxel."""
        return self.shape == other.shape and self.affine.is_close(other.affine, self.shape3)

    def require_same_grid(self, other: Gridded, mine: str, theirs: str) -> None:
        """Raise :class:`GridError` that states both grids unless they are the same."""
        if self.shape != other.shape:
            raise GridError(f"{mine} is {_size(self)} voxels and {theirs} is {_size(other)}; expected the same grid")
        if not self.affine.is_close(other.affine, self.shape3):
            found = f"{mine} is on {self.affine} and {theirs} on {other.affine}"
            raise GridError(f"{found}; expected the same grid (resample one of them first)")

    def crop(self, box: Box) -> Self:
        """Return the voxels inside ``box``, where they lie in the patient."""
        if box != box.clipped(self.shape):
            raise GridError(f"crop {box.start}–{box.stop} leaves the array of shape {self.shape}")
        start = (0,) * (3 - self.ndim) + box.start
        return replace(
            self,
            array=self.array[(slice(None),) * self._leading + box.slices].copy(),
            affine=self.affine.shifted(start),
        )

    def reoriented(self, orientation: str = CANONICAL) -> Self:
        """Return the same voxels with axes permuted and flipped to be nearest to ``orientation``; none is resampled."""
        if self.ndim == 2:
            return self
        order, flips = self.affine.order_for(orientation)
        if order == (0, 1, 2) and not any(flips):
            return self
        affine = self.affine.reordered(order, flips, self.shape)
        return replace(self, array=reorder(self.array, order, flips, self._leading), affine=affine)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_size(self)} {self.array.dtype}, {self.affine})"


def reorder(
    array: npt.NDArray[Any], order: tuple[int, ...], flips: tuple[bool, ...], leading: int = 0
) -> npt.NDArray[Any]:
    """Transpose the last axes of ``array`` by ``order``, then reverse those that ``flips`` names; a view."""
    array = array.transpose(*range(leading), *(leading + n for n in order))
    return array[(slice(None),) * leading + tuple(slice(None, None, -1 if flip else 1) for flip in flips)]


def unreorder(array: npt.NDArray[Any], order: tuple[int, ...], flips: tuple[bool, ...]) -> npt.NDArray[Any]:
    """Undo :func:`reorder`; a view."""
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return array.transpose(np.argsort(order))


def _size(grid: Gridded) -> str:
    return "×".join(str(n) for n in grid.shape)
