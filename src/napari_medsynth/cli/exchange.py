"""``medsynth export`` and ``medsynth import``: datasets in the layouts of other tools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ..datasets.exchange import FormatName, export_dataset, import_dataset
from .console import Console


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write the cases of a dataset as NIfTI pairs, in nnU-Net's raw data layout, or with a MONAI datalist."""

    dataset: Annotated[Positional[Path], arg(help="a finished dataset", metavar="DIR")]
    to: Annotated[FormatName, arg(help="layout to write")]
    output: Annotated[
        Path, arg(aliases=("-o",), help="folder to make; for nnU-Net it is called DatasetXXX_Name", metavar="OUT")
    ]

    def run(self, console: Console) -> None:
        """Write it."""
        console.wrote(console.finish(export_dataset(self.dataset, self.output, self.to)))


@dataclass(frozen=True, kw_only=True)
class Import:
    """Make a dataset of NIfTI pairs, of nnU-Net's raw data or of a MONAI datalist, with the splits that it has."""

    source: Annotated[Positional[Path], arg(help="a folder, or a datalist", metavar="SRC")]
    from_: Annotated[FormatName, arg(name="from", help="layout of the source")]
    output: Annotated[Path, arg(aliases=("-o",), help="dataset to make", metavar="DIR")]
    validation_split: Annotated[float, arg(help="fraction of the patients, if there are no splits")] = 0.2
    test_split: Annotated[float, arg(help="fraction of the patients, if there are no splits")] = 0.1
    seed: Annotated[int, arg(help="seed of the draw of patients")] = 0
    fold: Annotated[int, arg(help="which fold of a cross-validation is for validation")] = 0
    labelled_only: Annotated[bool, arg(help="leave out cases without labels")] = False
    report: Annotated[bool, arg(help="write report.html")] = True

    def run(self, console: Console) -> None:
        """Read, check and pack it."""
        job = import_dataset(
            self.source,
            self.output,
            self.from_,
            validation_split=self.validation_split,
            test_split=self.test_split,
            seed=self.seed,
            fold=self.fold,
            labelled_only=self.labelled_only,
        )
        folder = console.finish(job)
        if self.report:
            from ..datasets import write_report

            console.wrote(write_report(folder))
        console.wrote(folder)
