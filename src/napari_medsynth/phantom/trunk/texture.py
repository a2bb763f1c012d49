"""Fine texture that depends on the body and the place, never on the grid: :class:`Texture`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

_CELLS = 40  #: knots of the tile along each axis
_CELL = 2.4  #: mm from knot to knot


class Texture:
    """Smooth noise of about unit variance with a grain of about 5 mm.

    A tile of noise is repeated every 96 mm and interpolated linearly between its knots. Along ``y`` and ``x`` that is
    done once, for the knots of all heights; what is left for each slice is to mix two planes.

    Parameters
    ----------
    seed
        Of the tile.
    y, x
        Where the voxels' centres lie, in mm.
    """

    def __init__(self, seed: int, y: FloatArray, x: FloatArray) -> None:
        columns = _between(_tile(seed), x, 2)
        self._planes = _between(columns, y, 1)

    def __call__(self, z: FloatArray, deep: slice, wide: slice) -> FloatArray:
        """Return the texture of some heights, in a box of rows and columns: ``(z, y, x)`` float32."""
        return _between(self._planes[:, deep, wide], z, 0)


def _between(knots: FloatArray, line: FloatArray, axis: int) -> FloatArray:
    """Interpolate along an axis, at places in mm."""
    place = np.asarray(line, dtype=np.float64) / _CELL
    first = np.floor(place)
    shape = [-1 if n == axis else 1 for n in range(3)]
    part = (place - first).astype(np.float32).reshape(shape)
    index = first.astype(np.intp) % _CELLS
    mixed = np.take(knots, index, axis)
    other = np.take(knots, (index + 1) % _CELLS, axis)
    other -= mixed
    other *= part
    mixed += other
    return np.asarray(mixed)


@lru_cache(maxsize=4)
def _tile(seed: int) -> FloatArray:
    """Periodic noise."""
    white = np.random.default_rng(seed).standard_normal((_CELLS,) * 3)
    waves = [np.fft.fftfreq(_CELLS), np.fft.fftfreq(_CELLS), np.fft.rfftfreq(_CELLS)]
    z, y, x = np.meshgrid(*waves, indexing="ij", sparse=True)
    smooth = np.fft.irfftn(np.fft.rfftn(white) * np.exp(-9 * (z**2 + y**2 + x**2)), s=(_CELLS,) * 3, axes=(0, 1, 2))
    return np.asarray(1.25 * smooth / smooth.std(), dtype=np.float32)
