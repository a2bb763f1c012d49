"""Noise and fine texture: measured in a scan, and made to match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def grain(shape: Sequence[int], spacing: Sequence[float], length_mm: float, seed: int) -> Field:
    """Gaussian noise of mean 0 and standard deviation 1 that is correlated over ``length_mm``.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel.
    length_mm
        Standard deviation of the Gaussian that white noise is smoothed with.
    seed
        The same seed gives the same noise.
    """
    from scipy import ndimage

    noise = np.random.default_rng(seed).standard_normal(tuple(shape), dtype=np.float32)
    sigma = [length_mm / s if length_mm / s > 0.25 else 0.0 for s in spacing]
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return np.asarray(smooth / _gain(sigma), dtype=np.float32)


def noise_level(image: Field, weight: npt.NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Noise of a scan, from the parts of it that hold nothing else.

    The local standard deviation in 3×3 in-plane windows is smallest where the tissue is even; the tenth percentile of
    it, put right for its bias, is the noise. Returns standard deviation (HU) and correlation of in-plane neighbours.

    Parameters
    ----------
    image
        ``(z, y, x)`` HU.
    weight
        Where to look; everywhere if left out.
    """
    from scipy import ndimage

    mean = ndimage.uniform_filter(image, (1, 3, 3))
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(image * image, (1, 3, 3)) - mean * mean, 0))
    chosen = np.ones(image.shape, dtype=bool) if weight is None else weight
    if chosen.sum() < 27:
        return 0.0, 0.0
    even = chosen & (spread <= np.quantile(spread[chosen], 0.25))
    level = float(np.quantile(spread[chosen], 0.1)) / _TENTH_PERCENTILE
    rest = (image - mean)[even]
    lag = ((image - mean)[..., 1:] * (image - mean)[..., :-1])[even[..., 1:] & even[..., :-1]]
    if lag.size == 0 or rest.std() == 0:
        return level, 0.0
    # taking the 3×3 mean away leaves a correlation of -1/8 in white noise
    return level, float(np.clip(lag.mean() / rest.var() + 0.125, 0, 0.9))


#: Tenth percentile of the standard deviation of 9 normal numbers (χ with 8 degrees of freedom, divided by 9).
_TENTH_PERCENTILE = 0.623


def _gain(sigma: Sequence[float]) -> float:
    """Standard deviation of white noise after Gaussian smoothing with these widths in voxels."""
    gain = 1.0
    for width in sigma:
        if width > 0:
            place = np.arange(-int(4 * width + 0.5), int(4 * width + 0.5) + 1)
            kernel = np.exp(-0.5 * (place / width) ** 2)
            gain *= float(np.sqrt((kernel**2).sum()) / kernel.sum())
    return gain
