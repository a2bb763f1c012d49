"""What patches of an image look like, in a few numbers: :func:`patch_features`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..core.volume import Volume

#: Percentiles that become 0 and 1, as a segmentation network gets an image.
_RANGE = (0.5, 99.5)

#: A patch whose intensities deviate less than this shows air, or nothing.
_LEAST_DEVIATION = 0.01

#: How many places are tried for each patch that is wanted.
_TRIES = 10

#: Edges of the bands of spatial frequency, as shares of the highest one.
_BANDS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)

#: Names of the features, in order.
FEATURES = (
    "mean",
    "standard deviation",
    "skewness",
    "kurtosis",
    "10th percentile",
    "median",
    "90th percentile",
    "gradient, mean",
    "gradient, 90th percentile",
    "gradient, rows to columns",
    "local deviation, mean",
    "local deviation, 10th percentile",
    "fine detail",
    *(f"spectrum {low:g}–{high:g}" for low, high in pairwise(_BANDS)),
)

FloatArray = npt.NDArray[np.float64]


def patch_features(image: Volume, size: int, count: int, rng: np.random.Generator) -> FloatArray:
    """Measure patches of the slices of an image, at random places where there is something to see.

    Slices lie across the axis with the thickest voxels, the first of them if there are several. Where there are
    channels, the first one is looked at.

    Parameters
    ----------
    image
        In any unit; its 0.5th and 99.5th percentile become 0 and 1.
    size
        Side of a patch in voxels; the slices' smaller side where that is less.
    count
        Patches that are wanted; fewer are found where most of the image is empty.
    rng
        Of the places.

    Returns
    -------
    features
        ``(patches, len(FEATURES))``.
    """
    array = image.array[0] if image.channels else image.array
    spacing = image.spacing if image.ndim == 3 else (np.inf, *image.spacing)
    slices = np.moveaxis(array.reshape(image.shape3), int(np.argmax(spacing)), 0)
    low, high = np.percentile(slices, _RANGE)
    side = min(size, *slices.shape[1:])
    rows: list[FloatArray] = []
    for _ in range(_TRIES * count):
        z, y, x = (int(rng.integers(n)) for n in (len(slices), *(n - side + 1 for n in slices.shape[1:])))
        part = slices[z, y : y + side, x : x + side].astype(np.float64)
        patch = np.clip((part - low) / max(high - low, 1e-12), 0, 1)
        if patch.std() >= _LEAST_DEVIATION:
            rows.append(_features(patch))
        if len(rows) == count:
            break
    return np.array(rows).reshape(-1, len(FEATURES))


def _features(patch: FloatArray) -> FloatArray:
    from scipy import ndimage, stats

    slopes = np.gradient(patch)
    steepness = np.hypot(*slopes)
    mean = ndimage.uniform_filter(patch, 5)
    local = np.sqrt(np.maximum(ndimage.uniform_filter(patch**2, 5) - mean**2, 0))
    energy = [float(np.mean(slope**2)) for slope in slopes]
    return np.array(
        [
            patch.mean(),
            patch.std(),
            stats.skew(patch, axis=None),
            stats.kurtosis(patch, axis=None),
            *np.percentile(patch, (10, 50, 90)),
            steepness.mean(),
            np.percentile(steepness, 90),
            np.log((energy[0] + 1e-9) / (energy[1] + 1e-9)),
            local.mean(),
            np.percentile(local, 10),
            (patch - ndimage.gaussian_filter(patch, 1)).std(),
            *_spectrum(patch),
        ]
    )


def _spectrum(patch: FloatArray) -> list[float]:
    """Return the logarithm of the power in each band of spatial frequency, all directions together."""
    side = len(patch)
    window = np.hanning(side + 2)[1:-1]
    power = np.abs(np.fft.fft2((patch - patch.mean()) * np.outer(window, window))) ** 2 / side**2
    ticks = np.abs(np.fft.fftfreq(side)) / 0.5
    radius = np.hypot(ticks[:, None], ticks)
    bands = pairwise(_BANDS)
    return [float(np.log(power[(radius > low) & (radius <= high)].mean() + 1e-12)) for low, high in bands]
