"""How good models are on scans that they never saw, as they are and made worse: :func:`evaluate`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, cast

import torch

from ..core.case import Case
from ..core.errors import ConfigError, shown
from ..core.labels import LabelMap
from ..core.progress import Job, Progress, told_as
from ..core.settings import Settings, nearest, setting
from ..core.version import __version__
from ..core.volume import Volume
from ..learning.devices import device_of
from ..metrics.scoring import mean_dice, scores
from .calibrating import Calibration
from .model import SegmentationModel
from .options import PredictOptions
from .prediction import predict
from .report_pictures import Worst
from .results import Condition, Evaluation, Row, TestedCase
from .shifts import SHIFTS
from .telling import rendered_apart
from .tested import AnyCase, Groups, tested_cases, tested_models
from .truth import truth_for

#: The scans as they are.
PLAIN = Condition(shift="", level=0.0, unit="", about="as they are")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(Settings):
    """What is measured, and under which conditions."""

    shifts: tuple[str, ...] = setting(
        tuple(SHIFTS), "Ways to make the scans of the first group worse; see napari_medsynth.segmentation.shifts"
    )
    levels: tuple[tuple[str, tuple[float, ...]], ...] = setting((), "Other levels than those of the shift itself")
    predict: PredictOptions = setting(PredictOptions(), "How the models are applied")
    tolerance_mm: float = setting(2.0, "How far surfaces may be apart in surface Dice", unit="mm", low=0)
    shifted_surfaces: bool = setting(False, "Distances between surfaces under shifts too, which take most of the time")
    calibration: bool = setting(True, "How sure the models are, and how often they are right")
    domain: bool = setting(True, "How well rendered images can be told from the real ones")
    worst: int = setting(6, "Pictures of the worst cases", low=0, high=50)
    allow_seen: bool = setting(False, "Test on what models were trained with, and say so")
    seed: int = setting(0, "Of the shifts and of the rendered images", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*self.shifts, *(name for name, _ in self.levels)):
            if name not in SHIFTS:
                raise ConfigError(f"EvaluateOptions.shifts has {shown(name)}; {nearest(name, SHIFTS)}")

    def conditions(self) -> tuple[Condition, ...]:
        """Return all conditions, the scans as they are first; those are every shift's neutral level."""
        other = dict(self.levels)
        found = [PLAIN]
        for name in dict.fromkeys(self.shifts):
            shift = SHIFTS[name]
            levels = sorted({float(level) for level in other.get(name, shift.levels)} - {float(shift.neutral)})
            found += [Condition(shift=name, level=level, unit=shift.unit, about=shift.about) for level in levels]
        return tuple(found)


def evaluate(
    models: Mapping[str, SegmentationModel],
    cases: Sequence[AnyCase] | Groups,
    options: EvaluateOptions | None = None,
    *,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
) -> Job[Evaluation]:
    """Test models on cases that they never saw.

    Before the first prediction it is made sure that no model was trained with a case, and that labels mean the same in
    all cases and models. A shift changes the scans of the first group only; a group of another contrast is a shift by
    itself.

    Parameters
    ----------
    models
        By name. Those whose trainings differ in the seed alone are repetitions and are averaged.
    cases
        With image and labels; or such by the kind of scan that they are, e.g. ``{"t1": …, "t2": …}``.
    options
        What is measured.
    device
        Where the networks run.

    Returns
    -------
    Job
        Reports each prediction; returns what was found. Nothing is written;
        :func:`~napari_medsynth.segmentation.result_files.write_results` does that.

    Raises
    ------
    SplitError
        If a model was trained with a case or its patient, and that is not allowed.
    LabelError
        If the labels of a case and of a model do not mean the same.
    ConfigError
        If there is no model or no case, or a case lacks image or labels.
    ReadError, GridError
        If a file is damaged, or an image is none that a model takes.
    """
    options = options or EvaluateOptions()
    groups: Groups = cases if isinstance(cases, Mapping) else {"": cases}
    if not models or not any(groups.values()):
        raise ConfigError(f"evaluate has {len(models)} models and no case; expected one of each at least")
    work = _Work(models, groups, options, device_of(device))
    started = time.monotonic()
    yield from work.checked()
    with _placed(models, work.device):
        yield from work.scored()
    yield from work.told_apart()
    return work.result(time.monotonic() - started)


@dataclass
class _Work:
    """An evaluation as it goes on."""

    models: Mapping[str, SegmentationModel]
    groups: Groups
    options: EvaluateOptions
    device: str
    cases: tuple[TestedCase, ...] = ()
    values: dict[str, set[int]] = field(default_factory=dict)
    conditions: dict[Condition, None] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    domain: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        self.tested = tested_models(self.models)
        self.worst = Worst(self.options.worst)

    @property
    def every(self) -> list[AnyCase]:
        """All cases, group after group."""
        return [case for cases in self.groups.values() for case in cases]

    def checked(self) -> Job[None]:
        """Make sure that cases are new to the models and labels mean the same; note which structures there are."""
        yield Progress(0, len(self.every), "looking whether a case was trained with")
        self.cases = tested_cases(self.models, self.groups, allow_seen=self.options.allow_seen)
        self.notes |= {f"not a fair test: {case.seen}": None for case in self.cases if case.seen}
        for number, case in enumerate(self.every):
            yield Progress(number, len(self.every), f"checking {case.id}")
            labels = _labels(case if isinstance(case, Case) else case.read(image=False))
            for name, model in self.models.items():
                truth = truth_for(model.card, labels, case.id)
                self.values.setdefault(name, set()).update(truth.labels.values())
                self.notes |= {f"{name} does not know {one}: background of the truth": None for one in truth.left_out}
        for name, model in self.models.items():
            absent = [entry.name for entry in model.labels if entry.value not in self.values[name]]
            if absent:
                self.notes[f"{name}: no case has {', '.join(absent)}; not scored"] = None

    def scored(self) -> Job[None]:
        """Segment every case under every condition with every model."""
        first = next(group for group, cases in self.groups.items() if cases)
        planned = self.options.conditions()
        total = sum(len(planned) if case.group == first else 1 for case in self.cases) * len(self.models)
        done = 0
        for tested, given in zip(self.cases, self.every, strict=True):
            case = given if isinstance(given, Case) else given.read()
            self._require_scan(case)
            for condition in planned if tested.group == first else (PLAIN,):
                shifted = self._shifted(case, condition)
                for name in self.models:
                    if shifted is not None:
                        told = Progress(done, total, _told(tested, condition, name))
                        yield from told_as(self._segmented(name, tested, condition, shifted), partial(_same, told))
                    done += 1
            self.worst.end(case, tested.group)

    def told_apart(self) -> Job[None]:
        """Render the labels of the first group as each synthetic training did, and tell them from its scans."""
        first = next(group for group, cases in self.groups.items() if cases)
        patients = {case.id: case.patient for case in self.cases}
        series = {model.series: self.models[model.name].card for model in reversed(self.tested)}
        for name, card in series.items() if self.options.domain else ():
            found = yield from rendered_apart(card, self.groups[first], patients, self.options.seed)
            if isinstance(found, str):
                self.notes[f"{name}: rendered and real images were not told apart: {found}"] = None
            elif found is not None:
                self.domain[name] = found.to_json()

    def result(self, seconds: float) -> Evaluation:
        """Return what was found."""
        made = {
            "made_with": __version__,
            "torch": torch.__version__,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
            "device": self.device,
            "options": self.options.to_json(),
        }
        return Evaluation(
            models=self.tested,
            cases=self.cases,
            conditions=tuple(self.conditions),
            rows=tuple(self.rows),
            calibration=self.calibration.to_json(),
            domain=self.domain,
            made=made,
            notes=tuple(self.notes),
            pictures=self.worst.pictures,
        )

    def _require_scan(self, case: Case) -> None:
        if case.image is None or case.labels is None:
            raise ConfigError(
                f"test case {case.id} has no {'image' if case.image is None else 'labels'}; expected both"
            )

    def _shifted(self, case: Case, condition: Condition) -> Case | None:
        """Return a case under a condition; None if it cannot be, as thick slices of a picture cannot."""
        if condition == PLAIN:
            return case
        shift = SHIFTS[condition.shift]
        if shift.misfit(case):
            self.notes[f"{case.id} is 2D: {condition.shift} was left out"] = None
            return None
        return shift.apply(case, condition.level, self.options.seed)

    def _segmented(self, name: str, tested: TestedCase, condition: Condition, case: Case) -> Job[None]:
        """Segment and score one case."""
        model, image = self.models[name], cast("Volume", case.image)
        truth = truth_for(model.card, cast("LabelMap", case.labels), case.id).labels
        found = yield from predict(model, image, self.options.predict, device=self.device)
        measured = scores(
            truth,
            found.labels,
            tolerance_mm=self.options.tolerance_mm,
            values=sorted(self.values[name]),
            surfaces=condition == PLAIN or self.options.shifted_surfaces,
        )
        self.conditions[condition] = None
        self.rows += [Row.of(name, tested, condition, score) for score in measured]
        if condition == PLAIN:
            series = next(model.series for model in self.tested if model.name == name)
            if self.options.calibration:
                yield Progress(0, 1, "calibration")
                self.calibration.add(series, tested.group, model, image, truth)
            self.worst.add(name, truth, found.labels, mean_dice(measured))


def _told(case: TestedCase, condition: Condition, name: str) -> str:
    return f"{name} · {case.id} · {condition.shift} {condition.level:g}{condition.unit}" if condition.shift else (
        f"{name} · {case.id}"
    )  # fmt: skip


def _same(told: Progress, _: Progress) -> Progress:
    """Tell of the whole, whatever its part tells."""
    return told


def _labels(case: Case) -> LabelMap:
    if case.labels is None:
        raise ConfigError(f"test case {case.id} has no labels; expected both image and labels")
    return case.labels


@contextmanager
def _placed(models: Mapping[str, SegmentationModel], device: str) -> Iterator[None]:
    """Put all networks on a device for a while, so that they are not moved at every image."""
    homes = {name: next(p.device for p in model.network.parameters()) for name, model in models.items()}
    try:
        for model in models.values():
            model.network.to(device)
        yield
    finally:
        for name, model in models.items():
            model.network.to(homes[name])
