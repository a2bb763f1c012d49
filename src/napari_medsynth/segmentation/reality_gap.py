"""How far synthetic training is from real training, and what closes the gap: :func:`gap`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.errors import ConfigError
from ..metrics.intervals import Interval, bootstrap_interval, paired_difference, paired_ratio

#: Name of the row that stands for all structures: the mean over those that a case has.
OVERALL = "all structures"

_NO_GAP = "B − A is not surely different from 0: there is no gap to close"

#: Score of each (case, structure), averaged over the training seeds.
Table = dict[tuple[str, str], float]


@dataclass(frozen=True)
class CaseScore:
    """One model's score of one structure in one case.

    Parameters
    ----------
    case, patient
        Which image, and of whom.
    structure
        Name of the label.
    value
        The score: Dice, for example; nan where it is not defined.
    seed
        Of the training: models that differ in it alone are repetitions.
    """

    case: str
    patient: str
    structure: str
    value: float
    seed: int = 0


@dataclass(frozen=True)
class Closed:
    """What share of the gap fine-tuning on ``cases`` real cases closes.

    Parameters
    ----------
    cases
        Real cases that the synthetic model was fine-tuned on.
    score
        The fine-tuned model's mean score.
    share
        ``(F − A) / (B − A)``: 0 no better than A, 1 as good as B, beyond 1 better; nan where there is no gap to close.
    note
        Why there is no share; empty if there is one.
    """

    cases: int
    score: Interval
    share: Interval
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"cases": self.cases, "score": self.score.to_json(), "share": self.share.to_json(), "note": self.note}


@dataclass(frozen=True)
class StructureGap:
    """The gap in one structure.

    Parameters
    ----------
    name
        The structure, or :data:`OVERALL`.
    a, b
        Mean scores of model A (synthetic) and model B (real).
    difference
        Mean of B − A over the same cases.
    closed
        What fine-tuning closes of it, by the number of real cases.
    """

    name: str
    a: Interval
    b: Interval
    difference: Interval
    closed: tuple[Closed, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        parts = {key: getattr(self, key).to_json() for key in ("a", "b", "difference")}
        return {"name": self.name, **parts, "closed": [closed.to_json() for closed in self.closed]}


@dataclass(frozen=True)
class Gap:
    """The reality gap between models A and B; the first row is :data:`OVERALL`.

    Parameters
    ----------
    metric
        What was scored.
    structures
        A row for all structures together and one for each.
    cases, patients
        How many both models were tested on.
    seeds
        Trainings of each model whose scores were averaged: ``{"A": 3, "B": 3, "A + 5": 3}``.
    """

    metric: str
    structures: tuple[StructureGap, ...]
    cases: int
    patients: int
    seeds: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None for what is nan."""
        rows = [row.to_json() for row in self.structures]
        counts = {"cases": self.cases, "patients": self.patients, "seeds": dict(self.seeds)}
        return {"metric": self.metric, **counts, "structures": rows}


def gap(
    a: Iterable[CaseScore],
    b: Iterable[CaseScore],
    *,
    finetuned: Mapping[int, Iterable[CaseScore]] | None = None,
    metric: str = "Dice",
    seed: int = 0,
    level: float = 0.95,
) -> Gap:
    """Compare a model that learned from rendered label maps with one that learned from real images.

    Scores are averaged over training seeds, then paired by case and structure; what one model has no score for is left
    out. Intervals are from resampling patients: they say how the models would compare on other patients, not how
    other trainings would turn out.

    Parameters
    ----------
    a, b
        Scores of model A (synthetic) and model B (real); of several seeds each, if there are.
    finetuned
        By the number of real cases, scores of A fine-tuned on them.
    metric
        What the scores are, for the table.
    seed, level
        Of the intervals, as in :func:`~napari_medsynth.metrics.intervals.bootstrap_interval`.

    Raises
    ------
    ConfigError
        If no case was scored by both models, or a case is said to be of two patients.
    """
    lists = {"A": list(a), "B": list(b)}
    tuned = {f"A + {cases}": (cases, list(scores)) for cases, scores in sorted((finetuned or {}).items())}
    every = {**lists, **{name: scores for name, (_, scores) in tuned.items()}}
    patients = _patients(score for scores in every.values() for score in scores)
    tables = {name: _averaged(scores) for name, scores in every.items()}
    common = [key for key in tables["A"] if key in tables["B"]]
    if not common:
        raise ConfigError("models A and B have no scored structure of a case in common; expected the same test cases")
    names = [OVERALL, *dict.fromkeys(structure for _, structure in common)]
    context = _Context(patients, seed, level)
    rows = tuple(context.row(name, tables, {label: cases for label, (cases, _) in tuned.items()}) for name in names)
    cases = {case for case, _ in common}
    seeds = {name: len({score.seed for score in scores}) for name, scores in every.items()}
    return Gap(metric, rows, len(cases), len({patients[case] for case in cases}), seeds)


@dataclass(frozen=True)
class _Context:
    """What all rows share."""

    patients: Mapping[str, str]
    seed: int
    level: float

    def row(self, name: str, tables: Mapping[str, Table], tuned: Mapping[str, int]) -> StructureGap:
        """Return the row of a structure, or of all of them."""
        shared = [key for key in tables["A"] if key in tables["B"]]
        a, b = (_cases_of(tables[model], name, shared) for model in ("A", "B"))
        cases = sorted(a)
        owners = [self.patients[case] for case in cases]
        one, other = [a[case] for case in cases], [b[case] for case in cases]
        difference = paired_difference(other, one, owners, seed=self.seed, level=self.level)
        closed = tuple(
            self._closed(number, name, tables["A"], tables["B"], tables[label]) for label, number in tuned.items()
        )
        return StructureGap(name, self._mean(one, owners), self._mean(other, owners), difference, closed)

    def _closed(self, number: int, name: str, a: Table, b: Table, tuned: Table) -> Closed:
        shared = [key for key in a if key in b and key in tuned]
        low, high, reached = (_cases_of(table, name, shared) for table in (a, b, tuned))
        cases = sorted(low)
        owners = [self.patients[case] for case in cases]
        width = [high[case] - low[case] for case in cases]
        gained = [reached[case] - low[case] for case in cases]
        score = self._mean([reached[case] for case in cases], owners)
        whole = bootstrap_interval(width, owners, seed=self.seed, level=self.level)
        if whole.excludes_zero:
            share = paired_ratio(gained, width, owners, seed=self.seed, level=self.level)
            return Closed(number, score, share)
        none = Interval(math.nan, math.nan, math.nan, whole.n, self.level)
        return Closed(number, score, none, whole.note or _NO_GAP)

    def _mean(self, values: Sequence[float], owners: Sequence[str]) -> Interval:
        return bootstrap_interval(values, owners, seed=self.seed, level=self.level)


def _patients(scores: Iterable[CaseScore]) -> dict[str, str]:
    found: dict[str, str] = {}
    for score in scores:
        known = found.setdefault(score.case, score.patient)
        if known != score.patient:
            raise ConfigError(
                f"case {score.case!r} is of patients {known!r} and {score.patient!r}; expected one patient"
            )
    return found


def _averaged(scores: Iterable[CaseScore]) -> Table:
    """Return the mean over training seeds of each case and structure; those that are nan are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    for score in scores:
        if not math.isnan(score.value):
            found.setdefault((score.case, score.structure), []).append(score.value)
    return {key: float(np.mean(values)) for key, values in found.items()}


def _cases_of(table: Table, name: str, shared: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Return the score of a structure by case, or the mean over all structures; only of what is in ``shared``."""
    found: dict[str, list[float]] = {}
    for case, structure in shared:
        if name in (OVERALL, structure):
            found.setdefault(case, []).append(table[case, structure])
    return {case: float(np.mean(values)) for case, values in found.items()}
