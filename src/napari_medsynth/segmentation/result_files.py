"""An evaluation on disk: ``report.html``, ``results.csv`` and ``results.json``."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import ReadError, shown
from ..io import write_text
from ..io.atomic import json_text
from ..io.plainfile import read_json, reading
from .report import report_html
from .results import COLUMNS, TEXT_COLUMNS, Evaluation, Row, row_of

StrPath = str | os.PathLike[str]

JSON_NAME, CSV_NAME, REPORT_NAME = "results.json", "results.csv", "report.html"


def csv_text(rows: Sequence[Row]) -> str:
    """Return scores as a table with commas; empty cells are scores that are not defined.

    Numbers are written in full, so that :func:`read_csv` gives the same ones.
    """
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(["" if cell is None else cell for cell in row.to_json()] for row in rows)
    return sheet.getvalue()


def read_csv(path: StrPath) -> tuple[Row, ...]:
    """Read ``results.csv``.

    Raises
    ------
    ReadError
        If it is missing or something else.
    """
    place = Path(path)
    with reading(place):
        text = place.read_text(encoding="utf-8", errors="replace")
    lines = list(csv.reader(io.StringIO(text)))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise ReadError(f"{place} begins with {shown(lines[:1])}; expected the columns {', '.join(COLUMNS)}")
    return tuple(row_of(_numbers(cells), f"{place}, line {n},") for n, cells in enumerate(lines[1:], 2))


def read_results(path: StrPath) -> Evaluation:
    """Read ``results.json``, or that of a folder.

    Raises
    ------
    ReadError
        If it is missing, damaged or something else.
    """
    place = Path(path) / JSON_NAME if Path(path).is_dir() else Path(path)
    return Evaluation.from_json(read_json(place), str(place))


def write_results(folder: StrPath, found: Evaluation) -> tuple[Path, ...]:
    """Write ``report.html``, ``results.csv`` and ``results.json``; other files of the folder stay.

    All is worked out before the first is written, and each is there whole or as it was before.

    Returns
    -------
    tuple of Path
        The report, then the table, then the JSON file.

    Raises
    ------
    WriteError
        If one cannot be written.
    """
    place = Path(folder)
    texts = {
        REPORT_NAME: report_html(found),
        CSV_NAME: csv_text(found.rows),
        JSON_NAME: json_text(place / JSON_NAME, found.to_json()),
    }
    for name, text in texts.items():
        write_text(place / name, text)
    return tuple(place / name for name in texts)


def _numbers(cells: Sequence[str]) -> list[Any]:
    """Return the cells of a line as values; those that are no numbers where one should be stay text."""
    made: list[Any] = []
    for name, cell in zip(COLUMNS, cells, strict=False):
        if name in TEXT_COLUMNS:
            made.append(cell)
            continue
        try:
            made.append(None if cell == "" else int(cell) if name == "value" else float(cell))
        except ValueError:
            made.append(cell)
    return made if len(cells) == len(COLUMNS) else list(cells)
