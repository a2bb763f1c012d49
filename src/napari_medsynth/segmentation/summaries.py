"""Means with intervals of an evaluation's scores: tables, curves, and the reality gap.

Scores of models that differ in the seed of their training alone are averaged first, case by case; intervals are from
resampling patients. So they say how the mean would vary with other patients, not with other trainings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..metrics.intervals import Interval, bootstrap_interval
from .reality_gap import OVERALL, CaseScore, Gap, gap
from .results import METRICS, Evaluation, Row
from .shifts import SHIFTS

#: Of the resampling: the same scores have the same intervals.
SEED = 0


@dataclass(frozen=True)
class Summary:
    """One mean of the scans as they are.

    Parameters
    ----------
    series, group
        Which models, on which kind of scan.
    structure
        A structure, or ``"all structures"``: the mean over those that a case has.
    metric
        One of :data:`~napari_medsynth.segmentation.results.METRICS`; of ``volume_error``, its size without its sign.
    mean
        With interval; ``n`` patients.
    cases
        How many scans had such a score.
    """

    series: str
    group: str
    structure: str
    metric: str
    mean: Interval
    cases: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**{k: v for k, v in vars(self).items() if k != "mean"}, "mean": self.mean.to_json()}


@dataclass(frozen=True)
class Curve:
    """Mean Dice of a series under growing amounts of one shift.

    Parameters
    ----------
    series, shift
        Which.
    levels
        Ascending; the scans as they are among them.
    means
        Of each level.
    """

    series: str
    shift: str
    levels: tuple[float, ...]
    means: tuple[Interval, ...]


def summary(found: Evaluation, metrics: Sequence[str] = METRICS) -> tuple[Summary, ...]:
    """Return the means of every series, group, structure and metric on the scans as they are."""
    made = []
    for series in found.series:
        for group in found.groups:
            rows = tuple(plain_rows(found, series, group))
            for structure in (OVERALL, *found.structures):
                for metric in metrics:
                    values = by_case(rows, metric, structure)
                    if values:
                        made.append(Summary(series, group, structure, metric, _mean(values, rows), len(values)))
    return tuple(made)


def curves(found: Evaluation) -> dict[str, tuple[Curve, ...]]:
    """Return the curves of every shift, one of each series; only the groups of cases that were shifted are in them."""
    shifts = dict.fromkeys(row.shift for row in found.rows if row.shift)
    return {shift: tuple(_curve(found, series, shift) for series in found.series) for shift in shifts}


def gap_of(found: Evaluation, group: str | None = None) -> Gap | None:
    """Return the reality gap in one group of cases, the first if left out; None without models A and B of one series.

    Fine-tuned models are those of as many real cases each.
    """
    group = found.groups[0] if group is None and found.groups else group
    scores: dict[tuple[str, int], list[CaseScore]] = {}
    ours: dict[str, str] = {}
    for model in found.models:
        first = ours.setdefault(f"{model.kind} {model.real_cases if model.kind == 'finetuned' else ''}", model.series)
        if first == model.series and model.kind in ("A", "B", "finetuned"):
            key = (model.kind, model.real_cases if model.kind == "finetuned" else 0)
            rows = (row for row in found.rows if row.model == model.name and row.group == group and not row.shift)
            named = [
                CaseScore(row.case, row.patient, row.structure, row.dice, _number(found, model.name)) for row in rows
            ]
            scores.setdefault(key, []).extend(named)
    a, b = scores.get(("A", 0)), scores.get(("B", 0))
    if not (a and b and _defined(a) & _defined(b)):
        return None
    tuned = {cases: values for (kind, cases), values in scores.items() if kind == "finetuned" and _defined(values)}
    return gap(a, b, finetuned=tuned, seed=SEED)


def differences(found: Gap) -> list[tuple[str, Interval]]:
    """Return the paired difference B − A of each structure, all structures first."""
    return [(row.name, row.difference) for row in found.structures]


def plain_rows(found: Evaluation, series: str, group: str) -> Iterable[Row]:
    """Return the scores of the scans as they are, of one series and group."""
    names = {model.name for model in found.models if model.series == series}
    return (row for row in found.rows if row.model in names and row.group == group and not row.shift)


def by_case(rows: Iterable[Row], metric: str, structure: str = OVERALL) -> dict[str, float]:
    """Return the score of each case: the mean over models and, for all structures, over those that the case has."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        value = _VALUES[metric](row)
        if structure in (OVERALL, row.structure) and not math.isnan(value):
            found.setdefault(row.case, {}).setdefault(row.structure, []).append(value)
    return {case: _average(_average(values) for values in parts.values()) for case, parts in found.items()}


_VALUES: dict[str, Callable[[Row], float]] = {
    "dice": lambda row: row.dice,
    "hd95_mm": lambda row: row.hd95_mm,
    "surface_dice": lambda row: row.surface_dice,
    "volume_error": lambda row: abs(row.volume_error),
}


def _curve(found: Evaluation, series: str, shift: str) -> Curve:
    names = {model.name for model in found.models if model.series == series}
    rows = [row for row in found.rows if row.model in names]
    groups = {row.group for row in rows if row.shift == shift}
    plain = [row for row in rows if not row.shift and row.group in groups]
    levels: dict[float, list[Row]] = {SHIFTS[shift].neutral: plain} if shift in SHIFTS else {}
    for row in rows:
        if row.shift == shift:
            levels.setdefault(row.level, []).append(row)
    ordered = sorted(levels)
    return Curve(series, shift, tuple(ordered), tuple(_mean(by_case(levels[k], "dice"), levels[k]) for k in ordered))


def _mean(values: dict[str, float], rows: Iterable[Row]) -> Interval:
    patients = {row.case: row.patient for row in rows}
    return bootstrap_interval(list(values.values()), [patients[case] for case in values], seed=SEED)


def _average(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _defined(scores: Iterable[CaseScore]) -> set[tuple[str, str]]:
    return {(score.case, score.structure) for score in scores if not math.isnan(score.value)}


def _number(found: Evaluation, name: str) -> int:
    return [model.name for model in found.models].index(name)
