"""How sure a mean is: intervals by resampling patients, not voxels or images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError
from ..core.rng import stream

#: How often patients are drawn anew; a 95 % end then rests on 125 draws beyond it.
RESAMPLES = 4999

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and how sure it is.

    Parameters
    ----------
    estimate
        What was measured; nan if there was nothing to measure.
    low, high
        Ends of the interval; nan where there is none, as with one patient.
    n
        Patients (or other groups) that were resampled: what the interval rests on.
    level
        Share of such intervals that hold the true value, if ``n`` is large.
    method
        ``"BCa"``, ``"percentile"``, ``"constant"`` (all patients are alike), or ``""`` if there is no interval.
    """

    estimate: float
    low: float
    high: float
    n: int
    level: float = 0.95
    method: str = ""

    @property
    def note(self) -> str:
        """Why there is no interval; empty if there is one."""
        return "" if self.method else f"no interval: N = {self.n}"

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval; False if there is none."""
        return bool(self.low > 0 or self.high < 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None where a number is nan or infinite."""
        ends = {name: finite(getattr(self, name)) for name in ("estimate", "low", "high")}
        return {**ends, "n": self.n, "level": self.level, "method": self.method}

    def __str__(self) -> str:
        ends = self.note or f"{self.low:.3f} … {self.high:.3f}, N = {self.n}"
        return f"{self.estimate:.3f} ({ends})"


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[Hashable] | None = None, *, seed: int, level: float = 0.95
) -> Interval:
    """Return the mean of values, with an interval from resampling the groups that they belong to.

    Parameters
    ----------
    values
        One number an image, for example; nan is left out.
    groups
        To which patient each belongs; left out, each is a patient of its own. All values of a patient are drawn
        together: scans of one patient are alike, and to count each as new evidence makes intervals too narrow.
    seed
        Of the resampling: the same seed, the same interval.
    level
        Share of such intervals that are to hold the true mean, 0 … 1, ends excluded.

    Returns
    -------
    Interval
        Bias-corrected and accelerated (Efron, "Better bootstrap confidence intervals", JASA 82, 1987); of percentiles
        where that is not defined, as ``method`` says. With few patients (under ten or so) any bootstrap is too narrow.

    Raises
    ------
    ConfigError
        If there are not as many groups as values, or ``level`` is not between 0 and 1.
    """
    array, owners = _checked(values, groups, level)
    kept = ~np.isnan(array)
    sums, counts = _by_group(array[kept], owners[kept])
    return _resampled(_pooled_mean, (sums, counts), seed, level)


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    *,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Return the mean of ``a − b``, pair by pair, with an interval as in :func:`bootstrap_interval`.

    Parameters
    ----------
    a, b
        Two models' scores of the same images, in the same order. A pair with a nan in it is left out.
    groups, seed, level
        As in :func:`bootstrap_interval`.

    Raises
    ------
    ConfigError
        If there are not as many of one as of the other.
    """
    if len(a) != len(b):
        raise ConfigError(f"paired_difference has {len(a)} and {len(b)} values; expected pairs")
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return bootstrap_interval(difference.tolist(), groups, seed=seed, level=level)


def paired_ratio(
    top: Sequence[float],
    bottom: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    *,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Return the mean of ``top`` over the mean of ``bottom``, both resampled together.

    The interval is one of percentiles: a ratio has no mean, so that bias cannot be corrected. It means something only
    where the mean of ``bottom`` is surely not 0; see :attr:`Interval.excludes_zero`.

    Parameters
    ----------
    top, bottom
        Of the same images, in the same order. A pair with a nan in it is left out.
    groups, seed, level
        As in :func:`bootstrap_interval`.

    Raises
    ------
    ConfigError
        If there are not as many of one as of the other.
    """
    if len(top) != len(bottom):
        raise ConfigError(f"paired_ratio has {len(top)} and {len(bottom)} values; expected pairs")
    above, owners = _checked(top, groups, level)
    below = np.asarray(bottom, dtype=np.float64)
    kept = ~(np.isnan(above) | np.isnan(below))
    sums, bottoms = (_by_group(values[kept], owners[kept])[0] for values in (above, below))
    return _resampled(_ratio, (sums, bottoms), seed, level, method="percentile")


def finite(value: float) -> float | None:
    """Return a number as JSON can keep it: None if it is nan or infinite."""
    return float(value) if math.isfinite(value) else None


def _checked(
    values: Sequence[float], groups: Sequence[Hashable] | None, level: float
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return values as an array, and a number for each one's group."""
    if not 0 < level < 1:
        raise ConfigError(f"level is {level:g}; expected a share between 0 and 1, such as 0.95")
    array = np.asarray(values, dtype=np.float64)
    if groups is None:
        return array, np.arange(array.size)
    if len(groups) != array.size:
        raise ConfigError(f"there are {array.size} values and {len(groups)} groups; expected a group for each value")
    numbers = {group: n for n, group in enumerate(dict.fromkeys(groups))}
    return array, np.array([numbers[group] for group in groups], dtype=np.int64)


def _by_group(values: FloatArray, owners: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return the sum and the number of each group's values; groups without any are left out."""
    counts = np.bincount(owners)
    sums = np.asarray(np.bincount(owners, weights=values), dtype=np.float64)
    return sums[counts > 0], np.asarray(counts[counts > 0], dtype=np.float64)


def _pooled_mean(sums: FloatArray, counts: FloatArray, axis: int = -1) -> FloatArray:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))


def _ratio(top: FloatArray, bottom: FloatArray, axis: int = -1) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(top.sum(axis=axis) / bottom.sum(axis=axis))


def _resampled(
    statistic: Callable[..., FloatArray],
    data: tuple[FloatArray, FloatArray],
    seed: int,
    level: float,
    method: str = "BCa",
) -> Interval:
    from scipy.stats import DegenerateDataWarning, bootstrap

    n = len(data[0])
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, level)
    estimate = float(statistic(*data))
    if n == 1 or not math.isfinite(estimate):
        return Interval(estimate, math.nan, math.nan, n, level)
    each = statistic(data[0][:, None], data[1][:, None])
    if np.ptp(each) <= 1e-12 * np.abs(each).max():  # also false where one is infinite
        return Interval(estimate, estimate, estimate, n, level, "constant")
    options = {
        "paired": True, "vectorized": True, "n_resamples": RESAMPLES, "batch": max(1, 2**21 // n),
        "confidence_level": level,
    }  # fmt: skip
    for name in dict.fromkeys((method, "percentile")):
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)  # what is not defined is nan, and seen below
            found = bootstrap(data, statistic, method=name, rng=stream(seed, 0, "bootstrap"), **options)
        low, high = (float(end) for end in found.confidence_interval)
        if math.isfinite(low) and math.isfinite(high):
            return Interval(estimate, min(low, estimate), max(high, estimate), n, level, name)
    return Interval(estimate, math.nan, math.nan, n, level)
