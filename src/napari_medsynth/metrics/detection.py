"""Whether lesions are found, and how many false alarms that costs: :func:`match_lesions`, :func:`froc`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError
from ..core.labels import LabelMap
from ..core.rng import stream
from ..core.volume import Volume
from .intervals import Interval, finite

#: False positives a scan at which sensitivity is usually given (LUNA16: Setio et al., Medical Image Analysis 42, 2017).
OPERATING_POINTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

Mask = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lesion:
    """One connected part of a mask.

    Parameters
    ----------
    centre_mm
        World position ``(x, y, z)`` of its centre of mass, mm, RAS.
    radius_mm
        Radius of a ball of its volume (2D: of a disc of its area), in mm.
    voxels
        How many voxels it has.
    score
        How sure it is; 1 if nothing says so.
    """

    centre_mm: tuple[float, float, float]
    radius_mm: float
    voxels: int
    score: float = 1.0


@dataclass(frozen=True)
class Hits:
    """What was found in one scan.

    Parameters
    ----------
    patient
        Whose scan it is.
    lesions
        True lesions in it.
    candidates
        For each candidate its score, and the numbers of the lesions that it hits: none is a false positive.
    """

    patient: str
    lesions: int
    candidates: tuple[tuple[float, tuple[int, ...]], ...]


def match_lesions(
    truth: LabelMap,
    found: LabelMap,
    score: Volume | None = None,
    *,
    patient: str,
    rule: Literal["overlap", "centre"] = "overlap",
    radius_mm: float | None = None,
    min_voxels: int = 1,
) -> Hits:
    """Match candidates to true lesions; both are connected parts (also by corners) of what is not background.

    Parameters
    ----------
    truth, found
        On one grid. All their labels count as lesion: take the labels apart before, if there are others.
    score
        How sure each voxel is, on the same grid; a candidate's score is the largest in it. Left out, all have 1.
    patient
        Whose scan it is.
    rule
        ``"overlap"``: a candidate hits each lesion that it shares a voxel with. ``"centre"``: the nearest lesion whose
        centre is no further from its own than ``radius_mm``, or than the lesion's radius if that is left out, as in
        LUNA16 (Setio et al., Medical Image Analysis 42, 2017).
    radius_mm
        See ``rule``.
    min_voxels
        Candidates of fewer voxels are left out.

    Raises
    ------
    GridError
        If the grids differ.
    ConfigError
        If a score is not finite.
    """
    truth.require_same_grid(found, "truth", "found")
    if score is not None:
        found.require_same_grid(score, "found", "score")
    true_parts, lesions = _parts(truth, None)
    parts, candidates = _parts(found, score)
    if rule == "overlap":
        hit = _overlapping(true_parts, parts, len(candidates))
    else:
        hit = [_nearest(candidate, lesions, radius_mm) for candidate in candidates]
    kept = [(c.score, h) for c, h in zip(candidates, hit, strict=True) if c.voxels >= min_voxels]
    return Hits(patient, len(lesions), tuple(kept))


def lesions_of(labels: LabelMap, score: Volume | None = None) -> tuple[Lesion, ...]:
    """Return the connected parts (also by corners) of what is not background."""
    return tuple(_parts(labels, score)[1])


@dataclass(frozen=True)
class Point:
    """Sensitivity at a number of false positives a scan.

    Parameters
    ----------
    threshold
        Candidates count from this score on.
    false_positives
        Mean number a scan.
    sensitivity
        Share of all lesions that are hit, 0 … 1.
    """

    threshold: float
    false_positives: float
    sensitivity: float


@dataclass(frozen=True)
class Froc:
    """Free-response ROC curve.

    Parameters
    ----------
    points
        From the strictest threshold on: both numbers only grow.
    sensitivities
        At :data:`OPERATING_POINTS`, with intervals from resampling patients.
    mean
        Of these: the score of LUNA16.
    scans, patients, lesions
        How many there are.
    """

    points: tuple[Point, ...]
    sensitivities: tuple[Interval, ...]
    mean: Interval
    scans: int
    patients: int
    lesions: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None for what is nan."""
        points = [[finite(p.threshold), p.false_positives, finite(p.sensitivity)] for p in self.points]
        at = dict(zip(map(str, OPERATING_POINTS), (s.to_json() for s in self.sensitivities), strict=True))
        counts = {"scans": self.scans, "patients": self.patients, "lesions": self.lesions}
        return {"points": points, "sensitivity_at": at, "mean": self.mean.to_json(), **counts}


def froc(scans: Sequence[Hits], *, seed: int, level: float = 0.95, resamples: int = 1000) -> Froc:
    """Return sensitivity against false positives a scan (Bunch et al., "A free-response approach", 1978).

    A lesion is found at a threshold if a candidate of that score or more hits it; a second one that hits it is no false
    positive. Between two points of the curve the lower one counts: no threshold gives what lies between.

    Parameters
    ----------
    scans
        Those without lesions too: their false positives count.
    seed, level
        Of the intervals, which are percentiles from resampling patients.
    resamples
        How often patients are drawn anew.

    Raises
    ------
    ConfigError
        If there is no scan, or no lesion in any.
    """
    lesions = sum(scan.lesions for scan in scans)
    if lesions == 0:
        raise ConfigError(f"FROC of {len(scans)} scans with no lesion; expected at least one lesion")
    events = _Events(scans)
    patients = len(events.patients)
    points = events.points(np.ones(patients))
    estimate = _at_operating_points(points)
    rng = stream(seed, 0, "froc")
    drawn = (np.bincount(rng.integers(patients, size=patients), minlength=patients) for _ in range(resamples))
    sampled = [_at_operating_points(events.points(weight.astype(float))) for weight in drawn] if patients > 1 else []
    intervals = [
        _percentiles(float(estimate[n]), [float(row[n]) for row in sampled], patients, level)
        for n in range(len(OPERATING_POINTS))
    ]
    mean = _percentiles(float(estimate.mean()), [float(row.mean()) for row in sampled], patients, level)
    return Froc(tuple(Point(*map(float, row)) for row in points), tuple(intervals), mean, len(scans), patients, lesions)


class _Events:
    """What happens as the threshold falls: a lesion is found, or a false positive comes."""

    def __init__(self, scans: Sequence[Hits]) -> None:
        self.patients = list(dict.fromkeys(scan.patient for scan in scans))
        owner = {patient: n for n, patient in enumerate(self.patients)}
        rows: list[tuple[float, int, bool]] = []
        self._scans, self._lesions = (np.zeros(len(self.patients)) for _ in range(2))
        for scan in scans:
            self._scans[owner[scan.patient]] += 1
            self._lesions[owner[scan.patient]] += scan.lesions
            best: dict[int, float] = {}
            for score, hit in scan.candidates:
                for lesion in hit:
                    best[lesion] = max(score, best.get(lesion, -math.inf))
                if not hit:
                    rows.append((score, owner[scan.patient], False))
            rows += [(score, owner[scan.patient], True) for score in best.values()]
        rows.sort(key=lambda row: -row[0])
        self._score = np.array([row[0] for row in rows], dtype=np.float64)
        self._owner = np.array([row[1] for row in rows], dtype=np.int64)
        self._found = np.array([row[2] for row in rows], dtype=bool)

    def points(self, weight: FloatArray) -> FloatArray:
        """Return rows of threshold, false positives a scan and sensitivity, with a weight for each patient."""
        scans, lesions = float(weight @ self._scans), float(weight @ self._lesions)
        each = weight[self._owner]
        false = np.cumsum(each * ~self._found) / scans
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.cumsum(each * self._found) / lesions
        last = np.append(np.diff(self._score) != 0, True)[: self._score.size]  # equal scores come together
        rows = np.stack([self._score[last], false[last], found[last]], axis=1)
        return np.concatenate([[[math.inf, 0.0, 0.0 if lesions else math.nan]], rows])


def _at_operating_points(points: FloatArray) -> FloatArray:
    """Return the sensitivity at each operating point: that of the last point with no more false positives."""
    last = np.searchsorted(points[:, 1], OPERATING_POINTS, side="right") - 1
    return np.asarray(points[last, 2], dtype=np.float64)


def _percentiles(estimate: float, sampled: Sequence[float], n: int, level: float) -> Interval:
    known = [value for value in sampled if not math.isnan(value)]  # a sample may have no lesion
    if not known:
        return Interval(estimate, math.nan, math.nan, n, level)
    low, high = np.percentile(known, (50 * (1 - level), 50 * (1 + level)))
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate), n, level, "percentile")


def _parts(labels: LabelMap, score: Volume | None) -> tuple[npt.NDArray[np.int32], list[Lesion]]:
    """Return the number of each voxel's part, from 1, and the parts."""
    from scipy import ndimage

    mask = labels.array != 0
    numbered, count = ndimage.label(mask, np.ones((3,) * mask.ndim), output=np.int32)
    if count == 0:
        return numbered, []
    index = np.arange(1, count + 1)
    voxels = np.bincount(numbered.reshape(-1), minlength=count + 1)[1:]
    centres = np.array(ndimage.center_of_mass(mask, numbered, index))
    best = np.ones(count) if score is None else ndimage.maximum(score.array, numbered, index)
    if not np.isfinite(best).all():
        raise ConfigError("score of a candidate is not finite; expected a number for each voxel")
    places = labels.affine.to_world(np.pad(centres, ((0, 0), (3 - mask.ndim, 0))))
    size = float(np.prod(labels.spacing)) * voxels
    radii = np.cbrt(size * 3 / (4 * np.pi)) if mask.ndim == 3 else np.sqrt(size / np.pi)
    rows = zip(places.tolist(), radii.tolist(), voxels.tolist(), best.tolist(), strict=True)
    return numbered, [Lesion(tuple(place), radius, n, float(s)) for place, radius, n, s in rows]


def _overlapping(truth: npt.NDArray[np.int32], found: npt.NDArray[np.int32], candidates: int) -> list[tuple[int, ...]]:
    """Return for each candidate the numbers, from 0, of the lesions that it shares voxels with."""
    shared = (truth > 0) & (found > 0)
    pairs = np.unique(np.stack([found[shared], truth[shared]], axis=1), axis=0) - 1
    return [tuple(pairs[pairs[:, 0] == n, 1].tolist()) for n in range(candidates)]


def _nearest(candidate: Lesion, lesions: Sequence[Lesion], radius_mm: float | None) -> tuple[int, ...]:
    """Return the number of the nearest lesion within reach, if there is one."""
    distances = [math.dist(candidate.centre_mm, lesion.centre_mm) for lesion in lesions]
    reach = [lesion.radius_mm if radius_mm is None else radius_mm for lesion in lesions]
    near = [(d, n) for n, (d, most) in enumerate(zip(distances, reach, strict=True)) if d <= most]
    return (min(near)[1],) if near else ()
