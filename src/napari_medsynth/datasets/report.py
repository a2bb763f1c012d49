"""A dataset at a glance: :func:`write_report` makes one HTML file that needs nothing beside it."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path

from ..io import write_text
from .folder import DatasetFolder
from .montage import shots
from .reader import Split
from .report_figures import measured, sampled, tallies, typical
from .report_sections import Findings, report_html

NAME = "report.html"

_PICTURES = 9


def write_report(folder: str | os.PathLike[str]) -> Path:
    """Write ``report.html`` into a finished dataset; the same dataset gives the same bytes.

    Presence, scenarios and sizes are those of all cases. Intensities and volumes are measured on a sample of at most
    200 cases, spread evenly over the splits and read one at a time.

    Returns
    -------
    Path
        The file. It holds its pictures and charts, runs no script, fetches nothing, and is light or dark as the
        reader's system is.

    Raises
    ------
    ReadError
        If the dataset is not finished or cannot be read.
    WriteError
        If the report cannot be written.
    """
    dataset = DatasetFolder.open(folder)
    target = Path(folder) / NAME
    write_text(target, report_html(_gathered(dataset, Path(folder))))
    return target


def _gathered(dataset: DatasetFolder, folder: Path) -> Findings:
    """Gather what is shown, reading one case at a time."""
    counted = tallies(dataset)
    with Split.open(next(iter(dataset.splits.values()))) as split:
        meta = split.meta
    pictures, colours = shots(dataset, meta.structures, typical(counted, _PICTURES))
    return Findings(
        title=folder.resolve().name,
        meta=meta,
        metadata=dataset.metadata,
        counted=counted,
        measures=measured(dataset, meta.structures, sampled(counted, prod(meta.image_size))),
        pictures=pictures,
        colours=colours,
    )
