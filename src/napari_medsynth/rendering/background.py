"""Regions of a real image where labels do not cover it: :class:`ClusterBackground`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.case import Case
from ..core.errors import ConfigError, LabelError
from ..core.labels import MAX_LABEL, Label, LabelMap, LabelTable
from ..core.settings import setting
from ..core.step import Step
from ..core.volume import Volume

Floats = npt.NDArray[np.float32]

#: HU half-way between air around the body and aerated lung.
CT_AIR = -930.0

_BINS = 256
_ENDS = (0.5, 99.5)  #: percentiles between which the bins lie
_AIR_BINS = 100  #: of the histogram in which air is looked for
_DARK = 3  #: air's peak is among this many of them: its mode is the standard deviation of the noise
_RISE = 1.3  #: a second peak is at least this much higher than the valley before it


@dataclass(frozen=True, kw_only=True)
class ClusterBackground(Step):
    """Label the background of a real image by its intensity, so that all of it can be rendered.

    Label maps of single organs leave most of an image without a label, and one Gaussian for all of that looks like
    nothing real. This divides it into regions of like intensity, each its own label: ``"background 1"`` is the darkest.
    Air around the body stays background. Labels that are there stay as they are; variation inside them is what
    the texture of :class:`~napari_medsynth.rendering.step.Render` is for.

    Notes
    -----
    The intensities are clustered by k-means, whose optimum in one dimension is found exactly (Wang and Song, The R
    Journal 3, 2011), here over a histogram: nothing is random. Sub-labels of unlabelled tissue by clustering are what
    SynthSeg's authors advise outside the brain.
    """

    name: ClassVar[str] = "cluster_background"
    version: ClassVar[int] = 1

    k: int = setting(4, "How many regions, air not counted", low=1, high=16)
    smoothing: float = setting(
        1.0, "Standard deviation of the blur before, so that regions hang together", unit="mm", low=0, high=20
    )

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Draw nothing: the same image gives the same regions."""
        return {}

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Return the case with more labels.

        Raises
        ------
        ConfigError
            If it lacks an image or labels, or the image has channels.
        LabelError
            If there are no label values left.
        """
        if case.image is None or case.labels is None:
            missing = "image" if case.image is None else "labels"
            raise ConfigError(f"case {case.id!r} has no {missing}; expected an image and its labels")
        if case.image.channels:
            raise ConfigError(f"image of case {case.id!r} has channels; expected one, which is divided")
        return replace(case, labels=self.divided(case.image, case.labels))

    def divided(self, image: Volume, labels: LabelMap) -> LabelMap:
        """Return ``labels`` with the background of ``image`` divided; both on one grid."""
        free = (labels.array == 0) & np.isfinite(image.array)
        if not free.any():
            return labels
        smooth = _smoothed(image, free, self.smoothing)
        values = smooth[free]
        regions = np.zeros(values.size, dtype=np.uint8)
        solid = values >= _air_level(values, image.modality)
        regions[solid] = _clustered(values[solid], self.k)
        return _extended(labels, free, regions)


def _smoothed(image: Volume, free: npt.NDArray[np.bool_], width: float) -> Floats:
    """Blur what is free by ``width`` mm, without a share of what is not."""
    array = np.where(free, image.array, 0).astype(np.float32)
    if width == 0:
        return array
    from scipy.ndimage import gaussian_filter

    sigma = [width / spacing for spacing in image.spacing]
    weight = gaussian_filter(free.astype(np.float32), sigma, truncate=3)
    blurred = gaussian_filter(array, sigma, truncate=3)
    return np.asarray(np.divide(blurred, weight, out=blurred, where=free), dtype=np.float32)


def _air_level(values: Floats, modality: str) -> float:
    """Return the intensity below which there is air; minus infinity if there is none.

    But for CT, air is a peak at the dark end of the histogram, with a valley behind it and tissue behind that. A scan
    that the body fills has no such peak.
    """
    if modality == "CT":
        return CT_AIR
    low, high = np.percentile(values, _ENDS)
    counts, edges = np.histogram(values, bins=_AIR_BINS, range=(min(0.0, low), max(high, low + 1)))
    peak = int(np.argmax(counts[:_DARK]))
    rest = counts[peak:]
    rises = np.flatnonzero(rest > _RISE * np.minimum.accumulate(rest) + values.size / 1000)
    valley = int(np.argmin(rest[: rises[0]])) if rises.size else 0
    is_air = valley > 0 and rest[0] > 2 * rest[valley]
    return float(edges[peak + valley]) if is_air else -np.inf


def _clustered(values: Floats, k: int) -> npt.NDArray[np.uint8]:
    """Return for each value the number of its cluster, from 1, the darkest first."""
    if values.size == 0:
        return np.zeros(0, dtype=np.uint8)
    low, high = np.percentile(values, _ENDS)
    if high <= low:
        return np.ones(values.size, dtype=np.uint8)
    index = np.clip((values - low) * (_BINS / (high - low)), 0, _BINS - 1).astype(np.uint8)
    counts = np.bincount(index, minlength=_BINS)
    return np.asarray(_bin_clusters(counts, k)[index], dtype=np.uint8)


def _bin_clusters(counts: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.uint8]:
    """Divide the bins of a histogram into at most ``k`` runs of least squared distance to their means.

    ``cost[i, j]`` is that of one run of bins i … j, ``best[j]`` the least cost of bins 0 … j in the runs made so far.
    """
    size = counts.size
    bins = np.arange(size, dtype=np.float64)
    sums = [np.concatenate(([0.0], np.cumsum(counts * bins**power))) for power in (0, 1, 2)]
    mass, first, second = (np.subtract.outer(s[1:], s[:-1]).T for s in sums)
    cost = np.where(np.triu(np.ones((size, size), dtype=bool)), second - first**2 / np.maximum(mass, 1), np.inf)
    best, starts = cost[0], []
    for _ in range(min(k, int(np.count_nonzero(counts))) - 1):
        total = best[:-1, np.newaxis] + cost[1:]
        starts.append(1 + np.argmin(total, axis=0))
        best = total.min(axis=0)
    cuts, stop = [], size - 1
    for start in reversed(starts):
        cuts.append(int(start[stop]))
        stop = cuts[-1] - 1
    return np.asarray(1 + np.searchsorted(sorted(cuts), bins, side="right"), dtype=np.uint8)


def _extended(labels: LabelMap, free: npt.NDArray[np.bool_], regions: npt.NDArray[np.uint8]) -> LabelMap:
    """Return the label map with regions 1, 2, 3 … of the free voxels at values that nothing has."""
    found = np.flatnonzero(np.bincount(regions)[1:]) + 1
    taken = max([0, *labels.values(), *(entry.value for entry in labels.table)])
    if taken + found.size > MAX_LABEL:
        raise LabelError(f"label map uses values up to {taken}; expected {found.size} more below {MAX_LABEL + 1}")
    new = np.zeros(int(found.max(initial=0)) + 1, dtype=np.uint16)
    new[found] = np.arange(taken + 1, taken + 1 + found.size)
    array = labels.array.astype(np.uint8 if taken + found.size < 256 else np.uint16)
    array[free] = new[regions]
    names = [Label(taken + n, f"background {n}", "surroundings", context=True) for n in range(1, 1 + found.size)]
    return replace(labels, array=array, table=LabelTable((*labels.table, *names)))
