"""Where an array lies in the patient: :class:`Affine`.

Arrays are indexed ``(z, y, x)``; world coordinates are millimetres in RAS (``x`` to the right, ``y`` to the
front, ``z`` to the head), as in NIfTI. Column ``n`` of the matrix is therefore the step in the world that one
step along array axis ``n`` takes. Spacing, origin, direction and orientation are derived, never stored twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .errors import GridError

FloatArray = npt.NDArray[np.float64]

#: Array axes run to the head, to the back and to the left: how CT is stored and how viewers expect it.
CANONICAL = "SPL"

#: Neither a step nor an origin lies further out; beyond it, arithmetic on a damaged header would overflow.
MAX_MM = 1e9

_AXIS_OF = {"R": (0, 1.0), "L": (0, -1.0), "A": (1, 1.0), "P": (1, -1.0), "S": (2, 1.0), "I": (2, -1.0)}
_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))


@dataclass(frozen=True, eq=False)
class Affine:
    """Index ``(z, y, x)`` to world ``(x, y, z)`` in millimetres, RAS.

    Parameters
    ----------
    matrix
        ``(4, 4)`` float64. Columns 0–2 belong to array axes 0–2, column 3 is the centre of voxel (0, 0, 0).
        A 2D image ``(y, x)`` uses columns 1 and 2; column 0 is then its unit normal.

    Raises
    ------
    GridError
        If the matrix is not a finite, invertible 4×4 affine, or holds more than a thousand kilometres.
    """

    matrix: FloatArray

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise GridError(f"affine has shape {matrix.shape}; expected (4, 4)")
        if not np.isfinite(matrix).all():
            raise GridError(f"affine holds values that are not finite: {matrix[:3].tolist()}")
        if not np.array_equal(matrix[3], (0, 0, 0, 1)):
            raise GridError(f"last row of the affine is {matrix[3].tolist()}; expected [0, 0, 0, 1]")
        if np.abs(matrix[:3]).max() > MAX_MM:
            raise GridError(f"affine holds {np.abs(matrix[:3]).max():g} mm; expected at most {MAX_MM:g} mm")
        lengths = np.linalg.norm(matrix[:3, :3], axis=0)
        if lengths.min() <= 0 or abs(np.linalg.det(matrix[:3, :3] / lengths)) < 1e-6:
            raise GridError(f"affine is singular: its axes have lengths {lengths.tolist()} mm and do not span space")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_spacing(
        cls,
        spacing: Sequence[float] = (1.0, 1.0, 1.0),
        origin: Sequence[float] = (0.0, 0.0, 0.0),
        orientation: str = CANONICAL,
    ) -> Affine:
        """Make an affine with axes along the body.

        Parameters
        ----------
        spacing
            Millimetres per voxel along the array axes, ``(z, y, x)`` or ``(y, x)``.
        origin
            World position ``(x, y, z)`` in mm, RAS, of the centre of voxel (0, 0, 0).
        orientation
            Three letters, one per array axis, each the side that a growing index goes to, e.g. ``"SPL"``.
        """
        steps = (1.0, *spacing) if len(spacing) == 2 else tuple(spacing)
        if len(steps) != 3:
            raise GridError(f"spacing has {len(steps)} values; expected 2 or 3")
        if not all(np.isfinite(s) and s > 0 for s in steps):
            raise GridError(f"spacing is {tuple(spacing)}; expected finite values above 0 mm")
        if len(origin) != 3:
            raise GridError(f"origin has {len(origin)} values; expected 3, (x, y, z)")
        matrix = np.eye(4)
        matrix[:3, :3] = _axes(orientation) * np.asarray(steps)
        matrix[:3, 3] = origin
        return cls(matrix)

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres per voxel along the array axes ``(z, y, x)``."""
        return tuple(float(v) for v in np.linalg.norm(self.matrix[:3, :3], axis=0))  # type: ignore[return-value]

    @property
    def origin(self) -> tuple[float, float, float]:
        """World position ``(x, y, z)`` of the centre of the first voxel, in mm, RAS."""
        return tuple(float(v) for v in self.matrix[:3, 3])  # type: ignore[return-value]

    @cached_property
    def direction(self) -> FloatArray:
        """``(3, 3)``; column ``n`` is the unit vector of array axis ``n`` in the world."""
        return np.divide(self.matrix[:3, :3], self.spacing, dtype=np.float64)

    @cached_property
    def orientation(self) -> str:
        """Three letters: the side of the body that each array axis runs to, most nearly."""
        return "".join(_LETTERS[axis][0 if sign > 0 else 1] for axis, sign in _nearest_axes(self.direction))

    @cached_property
    def inverse(self) -> FloatArray:
        """World ``(x, y, z, 1)`` to index ``(z, y, x, 1)``."""
        return np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)

    @property
    def is_oblique(self) -> bool:
        """Whether the array axes are turned against the axes of the body by more than 0.01 degrees."""
        return bool(np.abs(self.direction).max(axis=0).min() < np.cos(np.deg2rad(0.01)))

    def to_world(self, index: npt.ArrayLike) -> FloatArray:
        """World ``(…, 3)`` in mm, RAS, of array indices ``(…, 3)`` in ``(z, y, x)``, whole or not."""
        return np.asarray(np.asarray(index) @ self.matrix[:3, :3].T + self.matrix[:3, 3], dtype=np.float64)

    def to_index(self, world: npt.ArrayLike) -> FloatArray:
        """Array index ``(…, 3)`` in ``(z, y, x)``, not rounded, of world positions ``(…, 3)`` in mm, RAS."""
        return np.asarray(np.asarray(world) @ self.inverse[:3, :3].T + self.inverse[:3, 3], dtype=np.float64)

    def shifted(self, start: Sequence[float]) -> Affine:
        """Return the affine of a crop that begins at index ``start`` ``(z, y, x)``."""
        matrix = self.matrix.copy()
        matrix[:3, 3] = self.to_world(start)
        return Affine(matrix)

    def reordered(self, order: Sequence[int], flips: Sequence[bool], shape: Sequence[int]) -> Affine:
        """Return the affine of the array after ``transpose(order)`` and then flips; ``shape`` is that before both."""
        start = [n - 1 if flip else 0 for n, flip in zip(np.take(shape, order), flips, strict=True)]
        matrix = self.matrix.copy()
        matrix[:3, :3] = matrix[:3, list(order)]
        matrix[:3, 3] += matrix[:3, :3] @ np.asarray(start, dtype=np.float64)
        matrix[:3, :3] *= np.where(flips, -1.0, 1.0)
        return Affine(matrix)

    def order_for(self, orientation: str) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """Transpose order and flips that bring the array nearest to ``orientation``, e.g. ``"SPL"``."""
        _axes(orientation)
        mine = _nearest_axes(self.direction)
        order = [next(n for n, (axis, _) in enumerate(mine) if axis == _AXIS_OF[c][0]) for c in orientation]
        flips = [mine[n][1] != _AXIS_OF[c][1] for n, c in zip(order, orientation, strict=True)]
        return tuple(order), tuple(flips)

    def is_close(self, other: Affine, shape: Sequence[int], tolerance: float = 1e-2) -> bool:
        """Whether every corner of an array of ``shape`` lies within ``tolerance`` voxels of where ``other`` has it."""
        corners = np.array(np.meshgrid(*[(0, max(n - 1, 1)) for n in shape])).reshape(3, -1).T
        gap = np.linalg.norm(self.to_world(corners) - other.to_world(corners), axis=1).max()
        return bool(gap <= tolerance * min(self.spacing))

    def __repr__(self) -> str:
        spacing = "×".join(f"{s:.4g}" for s in self.spacing)
        origin = ", ".join(f"{o:.4g}" for o in self.origin)
        return f"Affine({self.orientation}, {spacing} mm, origin ({origin}))"


def _axes(orientation: str) -> FloatArray:
    """``(3, 3)`` unit vectors of an orientation code, one column per array axis."""
    known = [_AXIS_OF[c] for c in orientation if c in _AXIS_OF]
    if len(orientation) != 3 or sorted(axis for axis, _ in known) != [0, 1, 2]:
        raise GridError(f"orientation is {orientation!r}; expected one letter each of R/L, A/P and S/I, e.g. 'SPL'")
    axes = np.zeros((3, 3))
    for column, (row, sign) in enumerate(known):
        axes[row, column] = sign
    return axes


def _nearest_axes(direction: FloatArray) -> list[tuple[int, float]]:
    """For each array axis, the world axis that it runs along most nearly and its sign; each world axis once."""
    left = np.abs(direction).copy()
    found: dict[int, int] = {}
    for _ in range(3):
        world, axis = np.unravel_index(int(np.argmax(left)), left.shape)
        found[int(axis)] = int(world)
        left[world, :] = left[:, axis] = -1.0
    return [(found[n], 1.0 if direction[found[n], n] > 0 else -1.0) for n in range(3)]
