"""Whether a model is as often right as it claims: :class:`Reliability`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError, GridError
from .intervals import finite

#: Voxels that are looked at together: memory does not grow with the image.
_CHUNK = 1 << 18

#: How far the probabilities of a voxel may be from a sum of 1: half precision rounds as much.
_SUM_TOLERANCE = 1e-2

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A reliability curve: how often what was claimed with some confidence is right.

    Parameters
    ----------
    confidence
        ``(bins,)`` mean claimed probability in each bin; nan where there is none.
    accuracy
        ``(bins,)`` share that is right; nan where there is none.
    count
        ``(bins,)`` number of voxels.
    """

    confidence: FloatArray
    accuracy: FloatArray
    count: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |accuracy − confidence| over voxels, 0 … 1; nan without voxels."""
        total = int(self.count.sum())
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.count) / total) if total else math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None for what is nan."""
        shares = {name: [finite(v) for v in getattr(self, name)] for name in ("confidence", "accuracy")}
        return {**shares, "count": self.count.tolist(), "error": finite(self.error)}


class Reliability:
    """Counts what probabilities of many images claim and how often it is so; memory does not grow with their number.

    Parameters
    ----------
    classes
        Classes of the network, background included; class 0 is background.
    bins
        Bins of equal width between 0 and 1. Guo et al., "On calibration of modern neural networks" (ICML 2017) take 15.

    Notes
    -----
    Most voxels of a scan are surely background, which makes any model look well calibrated. ``where`` of :meth:`add`
    restricts it to voxels that matter, such as those near a structure.

    Raises
    ------
    ConfigError
        If there are not two classes or one bin at least.
    """

    def __init__(self, classes: int, bins: int = 15) -> None:
        if classes < 2 or bins < 1:
            raise ConfigError(f"Reliability has {classes} classes and {bins} bins; expected at least 2 and 1")
        self.classes, self.bins = classes, bins
        #: Rows: each class against the rest, and last the class that the model chose.
        self._count = np.zeros((classes + 1, bins), dtype=np.int64)
        self._claimed = np.zeros((classes + 1, bins))
        self._right = np.zeros((classes + 1, bins), dtype=np.int64)
        self._squares = 0.0

    @property
    def voxels(self) -> int:
        """How many voxels were added."""
        return int(self._count[-1].sum())

    def add(
        self,
        probabilities: npt.NDArray[np.floating[Any]],
        truth: npt.NDArray[np.integer[Any]],
        where: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Count one image.

        Parameters
        ----------
        probabilities
            ``(class, …)``, each voxel's summing to 1.
        truth
            ``(…)`` number of the true class, 0 … classes − 1.
        where
            ``(…)`` voxels to count; all if left out.

        Raises
        ------
        GridError
            If the shapes do not fit.
        ConfigError
            If probabilities are not ones, or a true class is none.
        """
        spatial = probabilities.shape[1:]
        shapes = [truth.shape] if where is None else [truth.shape, where.shape]
        if len(probabilities) != self.classes or any(shape != spatial for shape in shapes):
            found = f"probabilities have shape {probabilities.shape} and truth {truth.shape}"
            raise GridError(f"{found}; expected ({self.classes}, …) and the same spatial shape")
        rows, true_class = probabilities.reshape(self.classes, -1), truth.reshape(-1)
        chosen = None if where is None else where.reshape(-1)
        for start in range(0, true_class.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            keep = slice(None) if chosen is None else chosen[part]
            self._add(rows[:, part][:, keep].astype(np.float64), true_class[part][keep].astype(np.int64))

    def _add(self, probabilities: FloatArray, truth: npt.NDArray[np.int64]) -> None:
        if truth.size == 0:
            return
        if truth.min() < 0 or truth.max() >= self.classes:
            raise ConfigError(f"truth holds class {truth.min()} … {truth.max()}; expected 0 … {self.classes - 1}")
        low, sums = probabilities.min(), probabilities.sum(axis=0)
        if not (low >= -1e-6 and np.abs(sums - 1).max() <= _SUM_TOLERANCE):
            found = f"least is {low:g}, their sum at a voxel {sums.min():g} … {sums.max():g}"
            raise ConfigError(f"probabilities are none: {found}; expected numbers from 0 with a sum of 1")
        hits = np.arange(self.classes)[:, None] == truth
        self._squares += float(((probabilities - hits) ** 2).sum())
        top = probabilities.argmax(axis=0)
        claimed = np.take_along_axis(probabilities, top[None], axis=0)[0]
        for row in range(self.classes):
            self._tally(row, probabilities[row], hits[row])
        self._tally(self.classes, claimed, top == truth)

    def _tally(self, row: int, claimed: FloatArray, right: npt.NDArray[np.bool_]) -> None:
        which = np.clip((claimed * self.bins).astype(np.int64), 0, self.bins - 1)
        self._count[row] += np.bincount(which, minlength=self.bins)
        self._claimed[row] += np.bincount(which, weights=claimed, minlength=self.bins)
        self._right[row] += np.bincount(which[right], minlength=self.bins)

    def curve(self, of: int | None = None) -> Curve:
        """Return the curve of the class that was chosen, or of class ``of`` against the rest."""
        row = self.classes if of is None else of
        count = self._count[row]
        with np.errstate(divide="ignore", invalid="ignore"):
            return Curve(self._claimed[row] / count, self._right[row] / count, count.copy())

    @property
    def ece(self) -> float:
        """Expected calibration error of the class that was chosen, 0 … 1 (Guo et al., ICML 2017)."""
        return self.curve().error

    @property
    def classwise_ece(self) -> float:
        """Mean over the classes but background of each one's calibration error, 0 … 1."""
        return float(np.mean([self.curve(of).error for of in range(1, self.classes)]))

    @property
    def brier(self) -> float:
        """Mean squared error of the probabilities, summed over classes, 0 … 2 (Brier, 1950); nan without voxels."""
        return self._squares / self.voxels if self.voxels else math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        errors = {name: finite(getattr(self, name)) for name in ("ece", "classwise_ece", "brier")}
        curves = [self.curve(of).to_json() for of in range(self.classes)]
        return {**errors, "voxels": self.voxels, "curve": self.curve().to_json(), "classes": curves}


def reliability(
    pairs: Iterable[tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.integer[Any]]]], bins: int = 15
) -> Reliability:
    """Count pairs of probabilities and truth, as :meth:`Reliability.add` takes them, one image after another.

    Raises
    ------
    ConfigError
        If there is no pair.
    """
    found: Reliability | None = None
    for probabilities, truth in pairs:
        found = found or Reliability(len(probabilities), bins)
        found.add(probabilities, truth)
    if found is None:
        raise ConfigError("reliability was given no image; expected at least one")
    return found
