"""What an evaluation found: :class:`Evaluation`, and how it is written as JSON.

``results.json`` is one object::

    format, version     "napari-medsynth evaluation", 1
    made                when, by which version of what, on which device, with which options and command
    models              [{name, series, kind, real_cases, seed, card}]
    cases               [{id, patient, group, seen}]      seen: why it is no fair test of some model, or ""
    conditions          [{shift, level, unit, about}]      shift "" is the scan as it is
    columns, scores     names, and one list a row: model × case × condition × structure; null where not defined
    calibration         {series: {group: reliability}}
    domain              {model: how well rendered and real images can be told apart}
    notes               what was left out, and why
    summary, gap        means with intervals and the reality gap; worked out of the scores, and not read again

``results.csv`` has the columns and scores alone, with empty cells where a score is not defined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any, Self

from ..core.errors import ReadError, shown
from ..metrics.intervals import finite
from ..metrics.scoring import StructureScore

FORMAT = "napari-medsynth evaluation"
VERSION = 1


class _Json:
    """A dataclass of plain values that is read from JSON with its types checked."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        types = {f.name: _TYPES[str(f.type)] for f in fields(cls)}  # type: ignore[arg-type]
        if not isinstance(value, dict) or set(value) != set(types):
            raise ReadError(f"{where} has {shown(value)}; expected {', '.join(types)}")
        for name, kind in types.items():
            if not isinstance(value[name], kind) or isinstance(value[name], bool):
                raise ReadError(f"{where} has {name} = {shown(value[name])}; expected another type")
        return cls(**value)


_TYPES: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "Mapping[str, Any]": dict}


@dataclass(frozen=True, kw_only=True)
class TestedModel(_Json):
    """One model of an evaluation.

    Parameters
    ----------
    name
        What it was called when it was given.
    series
        Models of one series are repetitions of one training, which differ in the seed alone; they are averaged.
    kind
        ``"A"`` learned from rendered label maps, ``"B"`` from real images, ``"mixed"`` from both, ``"finetuned"`` was
        A first; empty if its card does not say.
    real_cases
        Real cases that it learned from.
    seed
        Of its training.
    card
        Its card.
    """

    __test__ = False  # it is no test, whatever pytest makes of its name

    name: str
    series: str
    kind: str
    real_cases: int
    seed: int
    card: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TestedCase(_Json):
    """One case of an evaluation.

    Parameters
    ----------
    id, patient
        As in :class:`~napari_medsynth.datasets.found.FoundCase`.
    group
        Of which kind of scan it is, e.g. ``"t1"``; empty if there is one kind only.
    seen
        Which models were trained with it, if that was allowed.
    """

    __test__ = False

    id: str
    patient: str
    group: str
    seen: str


@dataclass(frozen=True, kw_only=True)
class Condition(_Json):
    """Under what the cases were segmented.

    Parameters
    ----------
    shift
        One of :data:`~napari_medsynth.segmentation.shifts.SHIFTS`; empty for the scans as they are, which are the
        neutral level of every shift.
    level, unit
        How much of it.
    about
        What it does.
    """

    shift: str
    level: float
    unit: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """How well one model found one structure of one case under one condition; scores that are not defined are nan.

    The scores are those of :class:`~napari_medsynth.metrics.scoring.StructureScore`.
    """

    model: str
    case: str
    patient: str
    group: str
    shift: str
    level: float
    value: int
    structure: str
    dice: float
    hd95_mm: float
    surface_dice: float
    truth_ml: float
    found_ml: float
    volume_error: float

    @classmethod
    def of(cls, model: str, case: TestedCase, condition: Condition, score: StructureScore) -> Self:
        """Make the row of a score."""
        measured = {k: v for k, v in asdict(score).items() if k != "name"}
        about: dict[str, Any] = {"model": model, "case": case.id, "patient": case.patient, "group": case.group}
        return cls(**about, shift=condition.shift, level=condition.level, structure=score.name, **measured)

    def to_json(self) -> list[Any]:
        """Return its values in the order of :data:`COLUMNS`; None for what is nan."""
        return [finite(value) if isinstance(value, float) else value for value in astuple(self)]


#: Names of the columns of ``results.csv``.
COLUMNS = tuple(f.name for f in fields(Row))

#: Those that hold text.
TEXT_COLUMNS = frozenset(f.name for f in fields(Row) if f.type == "str")

#: Scores that are compared.
METRICS = ("dice", "hd95_mm", "surface_dice", "volume_error")


@dataclass(frozen=True, eq=False)
class Picture:
    """A PNG of a case for the report: image, truth, and what models found; it is not kept in ``results.json``.

    Parameters
    ----------
    case, group
        Which case.
    dice
        Mean over structures and all models.
    models
        Names of those that are shown, from the left, each with its mean Dice.
    png
        The picture.
    """

    case: str
    group: str
    dice: float
    models: tuple[tuple[str, float], ...]
    png: bytes


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How good models are on cases that they never saw.

    Parameters
    ----------
    models, cases, conditions
        What was tested on what, and how.
    rows
        The scores: model × case × condition × structure.
    calibration
        Of each series and group, how sure it is and how often it is right.
    domain
        Of each model that renders, how well its images can be told from the real ones.
    made
        When, by what and with which options.
    notes
        What was left out, and why.
    pictures
        The worst cases.
    """

    models: tuple[TestedModel, ...]
    cases: tuple[TestedCase, ...]
    conditions: tuple[Condition, ...]
    rows: tuple[Row, ...]
    calibration: Mapping[str, Any] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = field(default=(), compare=False, repr=False)

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the series, in the order of the models."""
        return tuple(dict.fromkeys(model.series for model in self.models))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of cases, in their order."""
        return tuple(dict.fromkeys(case.group for case in self.cases))

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of the structures, by their values."""
        found = {row.structure: row.value for row in reversed(self.rows)}
        return tuple(sorted(found, key=lambda name: (found[name], name)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, as the module says."""
        from .summaries import gap_of, summary

        gap = gap_of(self)
        return {
            "format": FORMAT,
            "version": VERSION,
            "made": dict(self.made),
            **{name: [part.to_json() for part in getattr(self, name)] for name in _PARTS},
            "columns": list(COLUMNS),
            "scores": [row.to_json() for row in self.rows],
            "calibration": dict(self.calibration),
            "domain": dict(self.domain),
            "notes": list(self.notes),
            "summary": [entry.to_json() for entry in summary(self)],
            "gap": None if gap is None else gap.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], where: str = "evaluation") -> Self:
        """Make an evaluation of what :meth:`to_json` gave; it has no pictures.

        Raises
        ------
        ReadError
            If it is not of that form; ``where`` is named.
        """
        if value.get("format") != FORMAT or value.get("version") != VERSION:
            found = f"format {shown(value.get('format'))}, version {shown(value.get('version'))}"
            raise ReadError(f"{where} has {found}; expected {FORMAT!r}, version {VERSION}")
        if value.get("columns") != list(COLUMNS):
            raise ReadError(f"{where} has columns {shown(value.get('columns'))}; expected {', '.join(COLUMNS)}")
        parts = {
            name: tuple(kind.from_json(entry, f"{where}, {name},") for entry in _typed(value, name, list, where))
            for name, kind in _PARTS.items()
        }
        notes = _typed(value, "notes", list, where)
        return cls(
            **parts,  # type: ignore[arg-type]
            rows=tuple(
                row_of(entry, f"{where}, score {n},") for n, entry in enumerate(_typed(value, "scores", list, where))
            ),
            **{name: _typed(value, name, dict, where) for name in ("calibration", "domain", "made")},
            notes=tuple(str(note) for note in notes),
        )


_PARTS: dict[str, type[_Json]] = {"models": TestedModel, "cases": TestedCase, "conditions": Condition}


def _typed(value: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    found = value.get(name)
    if not isinstance(found, kind):
        raise ReadError(f"{where} has {name} = {shown(found)}; expected {'a list' if kind is list else 'a mapping'}")
    return found


def row_of(entry: object, where: str) -> Row:
    """Make a row of its values in the order of :data:`COLUMNS`; :class:`ReadError` if they are none."""
    if not isinstance(entry, list) or len(entry) != len(COLUMNS):
        raise ReadError(f"{where} is {shown(entry)}; expected {len(COLUMNS)} values")
    made: dict[str, Any] = {}
    for name, cell in zip(COLUMNS, entry, strict=True):
        kind = str if name in TEXT_COLUMNS else int if name == "value" else (int, float, type(None))
        if not isinstance(cell, kind) or isinstance(cell, bool):
            raise ReadError(
                f"{where} has {name} = {shown(cell)}; expected {'text' if name in TEXT_COLUMNS else 'a number'}"
            )
        made[name] = (math.nan if cell is None else float(cell)) if isinstance(kind, tuple) else cell
    return Row(**made)
