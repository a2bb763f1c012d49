"""Intensities of classes, measured on real images: :func:`estimate_prior`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError, GridError, LabelError
from ..core.labels import LabelMap
from ..core.volume import Volume
from .contrast import plain_name, without_side
from .distribution import Distribution
from .prior import BACKGROUND, ClassPrior, Prior

Key = Literal["name", "tissue"]

#: Lowest and highest value of an image that is not CT, as SynthSeg's scale has them.
SCALE = (0.0, 255.0)

#: Percentiles of an image that go to the ends of the scale; beyond lie single voxels, e.g. of vessels.
ENDS = (0.5, 99.5)

#: A label of fewer voxels says little about its deviation; it counts where no scan has more of its class.
FEW = 20

_MAD_TO_STD = 1.4826  #: of a normal distribution
_DIGITS = 4


def estimate_prior(
    images_and_labels: Iterable[tuple[Volume, LabelMap]],
    *,
    by: Key = "name",
    hounsfield: bool | None = None,
    source: str = "the measured prior",
) -> Prior:
    """Measure what intensities each class has in real images, robustly.

    Of each scan, a class's mean is the median of its voxels and its deviation 1.4826 times their median absolute
    deviation, as in SynthSeg's estimation of priors (Billot et al., Medical Image Analysis 86, 2023). Several scans
    give normal distributions: the mean of both over the scans, and how much the scans differ. One scan gives constants.
    How much of the variance is smooth follows from the differences of neighbouring voxels. Images that are not CT are
    brought to 0 … 255 first, from their 0.5th to their 99.5th percentile.

    Parameters
    ----------
    images_and_labels
        Images, each with its label map on the same grid.
    by
        ``"name"``: each structure is a class, left and right together. ``"tissue"``: all structures of a tissue are one
        class, which also keeps how much they differ from one another in a scan; one without a tissue is its own.
    hounsfield
        Whether intensities are kept as they are; left out, those of images of modality ``"CT"`` are.
    source
        What the prior is called in messages.

    Returns
    -------
    Prior
        With a class for every structure or tissue that is in a scan, and one for the background where there is some.
        One class for a background that holds several tissues is coarse: see
        :class:`~napari_medsynth.rendering.background.ClusterBackground`.

    Raises
    ------
    ConfigError
        If there is no scan, or CT and other images are mixed.
    GridError
        If an image and its labels are not on one grid, or the image has channels.
    LabelError
        If a label map is all background.
    """
    measured: dict[str, list[_Measured]] = defaultdict(list)
    kinds = set()
    for image, labels in images_and_labels:
        keep = image.modality == "CT" if hounsfield is None else hounsfield
        kinds.add(keep)
        for name, found in _measure(image, labels, by, keep).items():
            measured[name].append(found)
    if len(kinds) != 1:
        given = "images in Hounsfield units and others" if kinds else "no image"
        raise ConfigError(f"a prior is to be estimated from {given}; expected images of one kind")
    return Prior({name: _summary(parts) for name, parts in measured.items()}, source=source)


#: Voxels, median, deviation, how much the labels of the class differ, and the smooth share of its variance.
_Measured = tuple[int, float, float, float, float]

#: Voxels of one structure, and the differences of those that are neighbours.
_Voxels = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _measure(image: Volume, labels: LabelMap, by: Key, keep: bool) -> Mapping[str, _Measured]:
    """Measure each class of one scan."""
    if image.channels:
        raise GridError(f"image has {image.array.shape[0]} channels; expected one, of which intensities are measured")
    image.require_same_grid(labels, "image", "labels")
    values = labels.values()
    if not values:
        raise LabelError(f"label map of {labels.shape} voxels is all background; expected labels to measure")
    scaled = image.array.astype(np.float32) if keep else _scaled(image)
    parts: dict[str, dict[str, list[_Voxels]]] = defaultdict(lambda: defaultdict(list))
    entries = {entry.value: entry for entry in labels.table}
    with np.errstate(invalid="ignore"):  # of infinite voxels, which are left out below
        steps = np.diff(scaled, axis=-1)
    for value in (0, *values):
        inside = labels.array == value
        voxels, changes = scaled[inside], steps[inside[..., 1:] & inside[..., :-1]]
        voxels, changes = voxels[np.isfinite(voxels)], changes[np.isfinite(changes)]
        entry = entries.get(value, labels.table[value]) if value else None
        name = BACKGROUND if entry is None else without_side(entry.name)
        tissue = plain_name(entry.tissue) if entry is not None and by == "tissue" else ""
        if voxels.size:
            parts[tissue or name][name].append((voxels, changes))
    return {name: _of_class(list(structures.values())) for name, structures in parts.items()}


def _scaled(image: Volume) -> npt.NDArray[np.float32]:
    array = image.array.astype(np.float32)
    finite = array if image.is_finite else array[np.isfinite(array)]
    low, high = np.percentile(finite, ENDS) if finite.size else (0.0, 0.0)
    if high <= low:
        raise ConfigError(f"image has the same value {low:g} nearly everywhere; expected one with contrast")
    return np.asarray((array - low) * ((SCALE[1] - SCALE[0]) / (high - low)) + SCALE[0], dtype=np.float32)


def _of_class(structures: list[list[_Voxels]]) -> _Measured:
    """Measure one class of one or several structures, left and right of each together."""
    pools = [tuple(np.concatenate(kind) for kind in zip(*parts, strict=True)) for parts in structures]
    large = [pool for pool in pools if pool[0].size >= FEW] or pools
    medians = [float(np.median(voxels)) for voxels, _ in large]
    stds = [_robust_std(voxels) for voxels, _ in large]
    each = float(np.std(medians, ddof=1)) if len(medians) > 1 else 0.0
    smooth = float(np.median([_smooth(*pool) for pool in large]))
    return sum(voxels.size for voxels, _ in large), float(np.mean(medians)), float(np.median(stds)), each, smooth


def _smooth(voxels: npt.NDArray[np.float32], changes: npt.NDArray[np.float32]) -> float:
    """Return the share of the variance that neighbours have in common.

    Differences of independent voxels have twice their variance.
    """
    variance = _robust_std(voxels) ** 2
    return float(np.clip(1 - _robust_std(changes) ** 2 / (2 * variance), 0, 1)) if variance and changes.size else 0.0


def _robust_std(values: npt.NDArray[Any]) -> float:
    return _MAD_TO_STD * float(np.median(np.abs(values - np.median(values))))


def _summary(scans: list[_Measured]) -> ClassPrior:
    """Return mean and spread over the scans."""
    enough = [scan for scan in scans if scan[0] >= FEW] or scans
    _, means, stds, each, smooth = (np.array(column) for column in zip(*enough, strict=True))
    shares = (round(float(column.mean()), _DIGITS) for column in (each, smooth))
    return ClassPrior(_spread(means), _spread(stds), *shares)


def _spread(values: npt.NDArray[np.float64]) -> Distribution:
    mean = round(float(values.mean()), _DIGITS)
    std = round(float(values.std(ddof=1)), _DIGITS) if values.size > 1 else 0.0
    return Distribution("normal", (mean, std)) if std else Distribution.constant(mean)
