"""Noise and fine texture: measured in a scan, and made to match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def grain(shape: Sequence[int], spacing: Sequence[float], length_mm: float | Sequence[float], seed: int) -> Field:
    """Gaussian noise of mean 0 and standard deviation 1 that is correlated over ``length_mm``.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel.
    length_mm
        Standard deviation of the Gaussian that white noise is smoothed with; one number, or one for each axis.
    seed
        The same seed gives the same noise.
    """
    from scipy import ndimage

    noise = np.random.default_rng(seed).standard_normal(tuple(shape), dtype=np.float32)
    sigma = [width if width > 0.25 else 0.0 for width in np.divide(length_mm, spacing)]
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return np.asarray(smooth / _gain(sigma), dtype=np.float32)


@dataclass(frozen=True)
class Noise:
    """Noise of a scan: standard deviation in HU, and width in voxels along ``(z, y, x)`` as for :func:`grain`."""

    hu: float
    width: tuple[float, ...]


def noise_level(image: Field, weight: npt.NDArray[np.bool_] | None = None) -> Noise:
    """Noise of a scan, from the parts of it that hold nothing else.

    The local standard deviation in 3×3 in-plane windows is smallest where the tissue is even; the tenth percentile of
    it, put right for its bias, is the noise. Its width along each axis follows from the correlation of neighbours.

    Parameters
    ----------
    image
        ``(z, y, x)`` HU.
    weight
        Where to look; everywhere if left out. Too few voxels to measure hold no noise.
    """
    from scipy import ndimage

    mean = ndimage.uniform_filter(image, (1, 3, 3))
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(image * image, (1, 3, 3)) - mean * mean, 0))
    chosen = np.ones(image.shape, dtype=bool) if weight is None else weight
    if chosen.sum() < _ENOUGH:
        return Noise(0.0, (0.0,) * image.ndim)
    even = chosen & (spread <= np.quantile(spread[chosen], 0.25))
    level = float(np.quantile(spread[chosen], 0.1)) / _TENTH_PERCENTILE
    return Noise(level, tuple(_width(image, even, axis) for axis in range(image.ndim)))


def _width(image: Field, even: npt.NDArray[np.bool_], axis: int) -> float:
    """Width in voxels of the Gaussian that makes neighbours along ``axis`` as alike as they are.

    With a correlation ``r`` of neighbours, that of the next but one is ``r⁴``, and squared differences to the one
    and to the other have the ratio ``(1 - r) / (1 - r⁴) = 1 / (1 + r + r² + r³)``; no mean has to be known for it.
    """
    values, where = np.moveaxis(image, axis, 0), np.moveaxis(even, axis, 0)
    along = where[2:] & where[1:-1] & where[:-2]
    if along.sum() < _ENOUGH:
        return 0.0
    near, far = (float(np.square(values[2:] - v)[along].mean()) for v in (values[1:-1], values[:-2]))
    alike = np.linspace(0, 0.9, 91)
    r = float(np.interp(far / max(near, 1e-6), 1 + alike + alike**2 + alike**3, alike))
    return float(np.sqrt(-1 / (4 * np.log(r)))) if r > 0.02 else 0.0


#: Tenth percentile of the standard deviation of 9 normal numbers (χ with 8 degrees of freedom, divided by 9).
_TENTH_PERCENTILE = 0.623

_ENOUGH = 27  #: voxels; noise of fewer is not measured


def _gain(sigma: Sequence[float]) -> float:
    """Standard deviation of white noise after Gaussian smoothing with these widths in voxels."""
    gain = 1.0
    for width in sigma:
        if width > 0:
            place = np.arange(-int(4 * width + 0.5), int(4 * width + 0.5) + 1)
            kernel = np.exp(-0.5 * (place / width) ** 2)
            gain *= float(np.sqrt((kernel**2).sum()) / kernel.sum())
    return gain
