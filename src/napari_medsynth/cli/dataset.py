"""``medsynth dataset``: many cases of a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from ..core.errors import ConfigError, ReadError
from ..core.recipe import Recipe
from .console import Console

if TYPE_CHECKING:
    from ..datasets.sources import Source


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Make many cases of a recipe: HDF5 files for training, validation and test; the same command goes on later."""

    recipe: Annotated[Positional[Path], arg(help="the recipe, in YAML", metavar="RECIPE")]
    count: Annotated[int, arg(aliases=("-n",), help="how many cases")]
    output: Annotated[Path, arg(aliases=("-o",), help="folder of the dataset: new, or unfinished")]
    validation_split: Annotated[float, arg(help="fraction for validation; with real cases, of those")] = 0.2
    test_split: Annotated[float, arg(help="fraction for testing; with real cases, of those")] = 0.1
    seed: Annotated[int | None, arg(help="seed of all random draws; none keeps the recipe's")] = None
    workers: Annotated[int | None, arg(help="how many processes; none takes as many as pay off")] = None
    scheduler: Annotated[str | None, arg(help="Dask scheduler to use instead, e.g. tcp://10.0.0.5:8786")] = None
    source: Annotated[
        tuple[Path, ...], arg(help="cases to begin with: case folders, or folders of scan.nii.gz + scan_labels.nii.gz")
    ] = ()
    images: Annotated[tuple[Path, ...], arg(help="scans to begin with: files, or one folder")] = ()
    labels: Annotated[tuple[Path, ...], arg(help="their label maps, in the same order; alone, label maps only")] = ()
    report: Annotated[bool, arg(help="write report.html")] = True

    def run(self, console: Console) -> None:
        """Make the cases, then the report."""
        from ..datasets import make_dataset

        recipe = Recipe.read(self.recipe)
        if self.seed is not None:
            recipe = replace(recipe, seed=self.seed)
        was_finished = self._is_finished()
        job = make_dataset(
            recipe,
            self.count,
            self.output,
            validation_split=self.validation_split,
            test_split=self.test_split,
            workers=self.workers,
            scheduler=self.scheduler,
            sources=self._sources(),
        )
        folder = console.finish(job)
        if was_finished:
            console.say(f"{folder} was finished before, with the same cases")
        else:
            console.wrote(folder)
        self._write_report(folder, console)

    def _is_finished(self) -> bool:
        from ..datasets import DatasetFolder

        try:
            return (self.output / "metadata.json").is_file() and DatasetFolder.open(self.output).is_finished
        except ReadError:  # a split is missing, or the runner says what is wrong with the folder
            return False

    def _sources(self) -> tuple[Source, ...]:
        from ..datasets.sources import find_sources, pair_sources

        if self.source and (self.images or self.labels):
            raise ConfigError("--source and --images or --labels are given; expected one or the other")
        return find_sources(self.source) if self.source else pair_sources(self.images, self.labels)

    def _write_report(self, folder: Path, console: Console) -> None:
        from ..datasets import write_report

        if self.report and not (folder / "report.html").is_file():
            console.wrote(write_report(folder))
