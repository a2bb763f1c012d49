"""``medsynth evaluate``: how good models are on scans that they never saw."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from ..core.errors import ConfigError
from ..datasets.finding import LayoutName
from .console import Console

if TYPE_CHECKING:
    from ..datasets.found import FoundCase
    from ..segmentation.evaluation import EvaluateOptions
    from ..segmentation.model import SegmentationModel
    from ..segmentation.results import Evaluation

#: Shifts that scans are made worse by, if nothing else is asked for; ``all`` are more.
SHIFTED = ("resolution", "noise", "bias_field", "motion", "rotation")


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Test models on scans that they never saw, as they are and made worse.

    Models are those that 'medsynth train' saved in MODEL_DIR, or MODELS. They are tested on the patients that
    MODEL_DIR/split.json keeps for testing, without that file on all of DATA_DIR; a scan, or another scan of a patient,
    that a model was trained with is refused. Scans of SPIDER are tested by contrast: T2 is a shift for a model that
    learned from T1.

    Written are report.html, with tables, curves and the worst cases; results.csv, a row for each model, case, condition
    and structure; and results.json.
    """

    data_dir: Annotated[Path, arg(help="folder of the data")] = Path("./data")
    model_dir: Annotated[Path, arg(help="folder of the trained models")] = Path("./models/saved")
    output_dir: Annotated[Path, arg(help="folder to write the results to")] = Path("./results/evaluation_results")
    model: Annotated[
        Literal["A", "B", "both", "compare"],
        arg(help="A: from rendered label maps; B: from real images; compare: these and all mixed and fine-tuned ones"),
    ] = "both"
    num_classes: Annotated[
        int, arg(help="classes of SPIDER's data, background and canal included; other data have those of their labels")
    ] = 14
    resolution_factors: Annotated[tuple[float, ...], arg(help="sizes of voxels in those of the scan")] = (
        1.0,
        2.0,
        3.0,
        4.0,
    )
    models: Annotated[tuple[Path, ...], arg(help="models to test, in place of those in MODEL_DIR")] = ()
    shifts: Annotated[
        tuple[str, ...],
        arg(help="ways to make scans worse: also slice_thickness, gamma, inversion; all, or none"),
    ] = SHIFTED
    layout: Annotated[LayoutName, arg(help="how the data are laid out; auto looks")] = "auto"
    use_dummy_data: Annotated[bool, arg(help="test on the phantoms in MODEL_DIR/dummy_data")] = False
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], arg(help="where the networks run")] = "auto"
    flips: Annotated[
        Literal["none", "left-right", "all"], arg(help="mirror images that are segmented too and averaged")
    ] = "none"
    largest_component: Annotated[bool, arg(help="keep only the largest connected part of each structure")] = False
    tolerance_mm: Annotated[float, arg(help="how far surfaces may be apart in surface Dice, in mm")] = 2.0
    allow_seen: Annotated[bool, arg(help="test on scans that models were trained with too; the report says so")] = False
    max_cases: Annotated[int | None, arg(help="most scans of each kind")] = None
    seed: Annotated[int, arg(help="seed of all random draws")] = 0

    def run(self, console: Console) -> None:
        """Read models, find cases, measure, write."""
        from ..segmentation.evaluation import evaluate
        from ..segmentation.result_files import write_results

        options = self.options()
        models = self._models()
        groups = self._groups(models)
        made = console.finish(evaluate(models, groups, options, device=self.device))
        found = replace(made, made={**made.made, "command": self.command()})
        for line in dice_table(found).splitlines():
            console.say(line)
        for note in found.notes:
            console.say(note)
        for path in write_results(self.output_dir, found):
            console.wrote(path)

    def options(self) -> EvaluateOptions:
        """Return what is measured; :class:`ConfigError` if it cannot be."""
        from ..segmentation.evaluation import EvaluateOptions
        from ..segmentation.options import PredictOptions
        from ..segmentation.shifts import SHIFTS

        words: dict[tuple[str, ...], tuple[str, ...]] = {("all",): tuple(SHIFTS), ("none",): ()}
        shifts = words.get(self.shifts, self.shifts)
        return EvaluateOptions(
            shifts=shifts,
            levels=(("resolution", self.resolution_factors),),
            predict=PredictOptions(flips=self.flips, largest_component=self.largest_component),
            tolerance_mm=self.tolerance_mm,
            allow_seen=self.allow_seen,
            seed=self.seed,
        )

    def command(self) -> str:
        """Return the command, with the flags that differ from their defaults."""
        words = ["medsynth", "evaluate"]
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            flag = f"--{field.name.replace('_', '-')}"
            if field.name == "models":
                words += [flag, *(str(path) for path in value)]
            elif value is True:
                words.append(flag)
            else:
                words += [flag, ",".join(str(v) for v in value) if isinstance(value, tuple) else str(value)]
        return shlex.join(words)

    def _models(self) -> dict[str, SegmentationModel]:
        from ..segmentation.model import SegmentationModel

        paths = {_name(path): path for path in self.models} if self.models else self._saved()
        if len(paths) < len(self.models):
            raise ConfigError("--models names two models alike; expected different file names")
        return {name: SegmentationModel.read(path) for name, path in paths.items()}

    def _saved(self) -> dict[str, Path]:
        """Return the models that ``medsynth train`` left in the folder, by name."""
        wanted = {"A": ("A",), "B": ("B",)}.get(self.model, ("A", "B"))
        found = {name: self.model_dir / f"{_SAVED[name]}_best.safetensors" for name in wanted}
        for name, path in found.items():
            if not path.is_file():
                flags = "--use-dummy-data" if self.use_dummy_data else f"--data-dir {shlex.quote(str(self.data_dir))}"
                train = f"medsynth train --model {name} {flags} --save-dir {shlex.quote(str(self.model_dir))}"
                raise ConfigError(f"{path} is missing: there is no model {name}; train it with '{train}'")
        if self.model == "compare":
            more = [*self.model_dir.glob("model_mixed_best.safetensors"), *self.model_dir.glob(_TUNED)]
            found |= {_name(path): path for path in sorted(more)}
        return found

    def _groups(self, models: Mapping[str, SegmentationModel]) -> dict[str, tuple[FoundCase, ...]]:
        """Return the test cases by kind of scan, that of the training first."""
        from ..datasets.finding import find_cases, layout_of
        from ..datasets.splitting import split_facts

        folder = self.model_dir / "dummy_data" if self.use_dummy_data else self.data_dir
        cases = find_cases(folder, self.layout)
        layout = layout_of(folder) if self.layout == "auto" else self.layout
        if layout == "spider":
            self._require_classes(models)
        listed = self.model_dir / "split.json"
        if listed.is_file() and not self.models:
            patients = {fact.patient for fact in split_facts(listed)["test"]}
            cases = tuple(case for case in cases if case.patient in patients)
        elif any(case.split == "test" for case in cases):
            cases = tuple(case for case in cases if case.split == "test")
        cases = tuple(case for case in cases if case.image is not None)
        if not cases:
            expected = f"expected scans with labels of the patients that {listed} keeps for testing"
            raise ConfigError(f"{folder} has no case to test on; {expected}")
        kinds = _kinds(models) if layout == "spider" else ("",)
        groups = {kind: tuple(case for case in cases if _kind(case.id, kinds) == kind) for kind in kinds}
        return {kind: _spread(found, self.max_cases) for kind, found in groups.items() if found}

    def _require_classes(self, models: Mapping[str, SegmentationModel]) -> None:
        for name, model in models.items():
            if len(model.values) > self.num_classes:
                found = f"model {name} has {len(model.values)} classes"
                raise ConfigError(f"{found}; expected at most {self.num_classes} (--num-classes)")


_SAVED = {"A": "model_a_synthetic", "B": "model_b_real"}
_TUNED = "model_a_finetuned_*_best.safetensors"

#: What SPIDER calls its contrasts; the longer name first.
_CONTRASTS = ("t1", "t2_space", "t2")


def dice_table(found: Evaluation) -> str:
    """Return the Dice of every structure, kind of scan and series as a table for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console as Terminal
    from rich.table import Table

    from ..segmentation.reality_gap import OVERALL
    from ..segmentation.report_tables import estimate, named
    from ..segmentation.summaries import summary

    entries = {(e.series, e.group, e.structure): e for e in summary(found, ("dice",))}
    columns = [(series, group) for group in found.groups for series in found.series]
    table = Table("Dice, mean (95 % interval)", box=SIMPLE_HEAD)
    for series, group in columns:
        table.add_column(named(series, group), justify="right")
    for structure in (*found.structures, OVERALL):
        cells = [entries.get((series, group, structure)) for series, group in columns]
        table.add_row(structure, *(estimate(entry.mean) if entry else "–" for entry in cells))
    sheet = io.StringIO()
    Terminal(file=sheet, width=40 + 30 * len(columns), color_system=None, markup=False).print(table)
    return "\n".join(line.rstrip() for line in sheet.getvalue().splitlines() if line.strip())


def _name(path: Path) -> str:
    return path.name.removesuffix(".safetensors").removesuffix(".json").removesuffix("_best")


def _kind(case: str, kinds: tuple[str, ...]) -> str:
    """Return the contrast of one of SPIDER's cases, which its name ends with."""
    return next((kind for kind in sorted(kinds, key=len, reverse=True) if case.lower().endswith(f"_{kind}")), "")


def _kinds(models: Mapping[str, SegmentationModel]) -> tuple[str, ...]:
    """Return SPIDER's contrasts, the one that most training cases had first."""
    from ..segmentation.tested import facts_of

    trained: list[str] = [_kind(fact.id, _CONTRASTS) for model in models.values() for fact in facts_of(model.card)]
    return tuple(sorted(_CONTRASTS, key=lambda kind: -trained.count(kind)))


def _spread(cases: tuple[Any, ...], most: int | None) -> tuple[Any, ...]:
    """Return at most so many cases, evenly spaced."""
    if most is None or len(cases) <= most:
        return cases
    if most < 1:
        raise ConfigError(f"--max-cases is {most}; expected a whole number from 1")
    return tuple(cases[n * len(cases) // most] for n in range(most))
