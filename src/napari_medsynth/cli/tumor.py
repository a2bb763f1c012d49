"""``medsynth tumor …``: SynthLung's four actions, and tumors placed in one scan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from ..core.case import Case
from ..core.errors import ConfigError
from ..core.progress import Job
from ..core.recipe import Recipe
from ..tumor.actions import SOURCE, Outcome, cut_seeds, find_hosts, format_msd, generate
from ..tumor.insert import InsertTumors
from ..tumor.options import TumorOptions
from .console import Console

ROOT = Path("assets/images")  #: where SynthLung keeps everything, from where it runs

Dataset = Annotated[Literal["msd"], arg(help="kind of the dataset: Medical Segmentation Decathlon")]
Output = Annotated[Path, arg(help="root of the folders source, seeds, hosts and artificial_tumors")]
Formatted = Annotated[Path | None, arg(help="folder that `tumor format` wrote; none is OUTPUT/source")]


@dataclass(frozen=True, kw_only=True)
class Format:
    """Copy the labelled scans of Task06_Lung under SynthLung's names, with a listing."""

    dataset: Dataset = "msd"
    source: Annotated[Path, arg(help="the Task06_Lung folder")] = ROOT / "Task06_Lung"
    output: Output = ROOT

    def run(self, console: Console) -> None:
        """Copy."""
        _tell(console, format_msd(self.source, self.output), "scans")


@dataclass(frozen=True, kw_only=True)
class Seed:
    """Cut every tumor out of the formatted scans, one seed per connected component, into a seed library."""

    dataset: Dataset = "msd"
    source: Formatted = None
    output: Output = ROOT

    def run(self, console: Console) -> None:
        """Cut out."""
        _tell(console, cut_seeds(self.source or self.output / SOURCE, self.output), "seeds")


@dataclass(frozen=True, kw_only=True)
class Host:
    """Find the lungs of the formatted scans; one without lungs is reported and passed over."""

    dataset: Dataset = "msd"
    source: Formatted = None
    output: Output = ROOT

    def run(self, console: Console) -> None:
        """Find."""
        _tell(console, find_hosts(self.source or self.output / SOURCE, self.output), "hosts")


@dataclass(frozen=True, kw_only=True)
class Generate:
    """Place tumors from the seeds in the hosts: new scans with exact labels, in numbers and qualities as asked."""

    dataset: Dataset = "msd"
    source: Formatted = None
    output: Output = ROOT
    count: Annotated[int, arg(help="scans to make")] = 10
    tumors_per_case: Annotated[tuple[int, int], arg(help="tumors in each, at least and at most")] = (1, 1)
    seed: Annotated[int, arg(help="seed of all random draws")] = 0
    tumors: Annotated[TumorOptions, arg(name="")] = field(default_factory=TumorOptions)

    def run(self, console: Console) -> None:
        """Generate."""
        if self.count < 1:
            raise ConfigError(f"--count is {self.count}; expected 1 or more")
        step = InsertTumors.of(self.tumors, count=self.tumors_per_case)
        job = generate(self.source or self.output / SOURCE, self.output, step, self.count, self.seed)
        _tell(console, job, "scans")


@dataclass(frozen=True, kw_only=True)
class Extract:
    """Cut the lesions out of one labelled scan into a seed library, which is made if it is not there."""

    image: Annotated[Positional[Path], arg(help="scan: NIfTI, MetaImage, NRRD, or a folder of DICOM", metavar="IMAGE")]
    labels: Annotated[Positional[Path], arg(help="its label map", metavar="LABELS")]
    library: Annotated[Path, arg(help="folder of the seed library")]
    lesion: Annotated[tuple[int, ...] | None, arg(help="values that are lesions; none goes by the label table")] = None
    organ: Annotated[str, arg(help="where they grew, e.g. lung")] = ""
    patient: Annotated[str | None, arg(help="the person, for keeping training and validation apart")] = None
    margin_mm: Annotated[float, arg(help="surroundings kept around each lesion, in mm; at least 4")] = 6.0
    min_ml: Annotated[float, arg(help="smallest lesion kept, in mL")] = 0.0

    def run(self, console: Console) -> None:
        """Cut out and keep."""
        from ..io import read_case
        from ..tumor.extract import extract_seeds
        from ..tumor.library import SeedLibrary

        job = extract_seeds(
            read_case(self.image, self.labels),
            self.lesion,
            margin_mm=self.margin_mm,
            min_ml=self.min_ml,
            organ=self.organ,
            patient=self.patient,
        )
        seeds = console.finish(job)
        known = (self.library / "index.json").exists() or (self.library / "dataset.json").exists()
        library = SeedLibrary.open(self.library) if known else SeedLibrary.create(self.library)
        added = library.add(seeds)
        for seed in seeds:
            info = seed.info
            text = f"{info.volume_ml:.2f} mL, {info.diameter_mm:.1f} mm, {info.core_hu:.0f} HU, {info.attachment}"
            console.say(f"{info.id}: {text}{'' if info.id in added else ' (was there)'}")
        console.wrote(self.library)


@dataclass(frozen=True, kw_only=True)
class Insert:
    """Place tumors in one scan; writes image, labels, instances, a table of the lesions and the recipe."""

    image: Annotated[Positional[Path], arg(help="scan: NIfTI, MetaImage, NRRD, or a folder of DICOM", metavar="IMAGE")]
    output: Annotated[Path, arg(aliases=("-o",), help="folder to write the case to")]
    labels: Annotated[Path | None, arg(aliases=("-l",), help="label map to add the tumors to")] = None
    lungs: Annotated[Path | None, arg(help="label map of the organ that takes them; lungs are found if none")] = None
    at: Annotated[tuple[float, float, float] | None, arg(help="place by hand, array index z,y,x")] = None
    at_mm: Annotated[tuple[float, float, float] | None, arg(help="place by hand, x,y,z in mm, RAS")] = None
    count: Annotated[int | None, arg(help="tumors to place; none draws their number")] = None
    seed: Annotated[int, arg(help="seed of all random draws")] = 0
    overwrite: Annotated[bool, arg(help="replace what is in the output folder")] = False
    tumors: Annotated[TumorOptions, arg(name="")] = field(default_factory=TumorOptions)

    def run(self, console: Console) -> None:
        """Read, place, write."""
        from ..io import read_case, read_labels

        case = read_case(self.image, self.labels)
        if self.lungs is not None:
            case = replace(case, host=read_labels(self.lungs))
        recipe = Recipe(steps=(self._step(case),), seed=self.seed)
        write_result(console, console.finish(recipe.run(case)), recipe, self.output, overwrite=self.overwrite)

    def _step(self, case: Case) -> InsertTumors:
        """Return the step with the number or the place that was asked for."""
        if self.at is not None and self.at_mm is not None:
            raise ConfigError("--at and --at-mm are both given; expected one of them")
        if self.at is not None:
            return InsertTumors.of(self.tumors, at=(self.at,))
        if self.at_mm is not None and case.image is not None:
            return InsertTumors.of(self.tumors, at=(tuple(case.image.affine.to_index(self.at_mm).tolist()),))
        count = {} if self.count is None else {"count": (self.count, self.count)}
        return InsertTumors.of(self.tumors, **count)


def write_result(
    console: Console, case: Case, recipe: Recipe, output: Path, *, overwrite: bool, **extras: bytes
) -> None:
    """Write a case with its lesion table and recipe, and tell what was placed and what was not."""
    from ..io import write_case
    from ..tumor.table import lesion_csv, lesion_rows

    params = case.history[-1].params
    for missed in params["not_placed"]:
        console.say(f"lesion {missed['lesion']} not placed: {missed['why']}")
    for remark in params["remarks"]:
        console.say(remark)
    for row in lesion_rows(case):
        place = ", ".join(f"{v:.0f}" for v in row.figures.centre_mm)
        console.say(
            f"lesion {row.figures.instance}: {row.seed or 'was there'}, {row.diameter_mm:.1f} mm, at ({place}) mm"
        )
    texts = {"lesions.csv": lesion_csv(case), "recipe.yaml": recipe.to_yaml()}
    pictures = {f"{name}.png": data for name, data in extras.items()}
    console.wrote(write_case(case, output, extras={**texts, **pictures}, overwrite=overwrite))


def _tell(console: Console, job: Job[Outcome], what: str) -> None:
    """Run an action and tell what it wrote and what it passed over."""
    outcome = console.finish(job)
    for remark in outcome.remarks:
        console.say(remark)
    console.say(f"{outcome.written} {what}")
    console.wrote(outcome.folder)
