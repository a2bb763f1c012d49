"""Smooth lines through a few given points: profiles along the trunk, and the courses of tubes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]


class Profile:
    """Figures that change smoothly along an axis, between rows that give them at some places.

    Parameters
    ----------
    rows
        Each begins with the place; then come the figures. Beyond the first and last they stay as they are.
    """

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        table = np.asarray(sorted(rows, key=lambda row: row[0]), dtype=np.float64)
        self._at = np.arange(table[0, 0], table[-1, 0] + 1.0)
        self._values = np.ascontiguousarray(_hermite(table[:, 0], table[:, 1:], self._at).T)

    def __call__(self, place: FloatArray) -> tuple[FloatArray, ...]:
        """Return the figures at each place; float32, shaped as ``place``."""
        return tuple(np.interp(place, self._at, row).astype(np.float32) for row in self._values)

    def slopes(self, place: FloatArray) -> tuple[FloatArray, ...]:
        """Return how fast the figures grow at each place."""
        rows = np.gradient(self._values, self._at, axis=1)
        return tuple(np.interp(place, self._at, row).astype(np.float32) for row in rows)


def smooth(points: npt.NDArray[np.floating], pieces: int) -> npt.NDArray[np.float64]:
    """Return a course ``(n, k)`` with ``pieces`` steps from each point to the next, without corners."""
    knots = np.arange(len(points), dtype=np.float64)
    fine = np.linspace(0, len(points) - 1, (len(points) - 1) * pieces + 1)
    return _hermite(knots, np.asarray(points, dtype=np.float64), fine)


def _hermite(
    at: npt.NDArray[np.float64], values: npt.NDArray[np.float64], places: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Cubic interpolation of rows that never overshoots (Fritsch and Butland, SIAM J Sci Stat Comput 5:300, 1984)."""
    gap = np.diff(at)[:, None]
    slope = np.diff(values, axis=0) / gap
    before, after = slope[:-1], slope[1:]
    inner = np.where(before * after > 0, 2 * before * after / np.where(before + after == 0, 1, before + after), 0)
    tangent = np.concatenate((slope[:1], inner, slope[-1:]))
    n = np.clip(np.searchsorted(at, places, side="right") - 1, 0, len(gap) - 1)
    t = ((places - at[n]) / gap[n, 0])[:, None]
    start = (1 + 2 * t) * (1 - t) ** 2 * values[n] + t * (1 - t) ** 2 * gap[n] * tangent[n]
    stop = t**2 * (3 - 2 * t) * values[n + 1] + t**2 * (t - 1) * gap[n] * tangent[n + 1]
    return np.asarray(start + stop)
