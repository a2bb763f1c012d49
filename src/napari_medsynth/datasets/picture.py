"""A picture of one case of a dataset: :func:`visualize_sample`."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from ..core.case import Case
from ..core.errors import ConfigError, shown
from ..io import write_bytes
from .planes import Plane, Shown, planes_of, shown_structures
from .schema import scenario_of

#: Pixels that all planes beside each other may take, and that one may be high.
_WIDTH, _HEIGHT = 900, 460

_BACK, _TEXT, _DIM = (18, 18, 20), (226, 226, 226), (128, 128, 132)
_GAP, _HEAD, _TITLE = 8, 56, 20
_LINE, _NAME = 19, 190  # height and width of a name in the list of structures


class Cases(Protocol):
    """What can be looked at: a dataset for PyTorch, a split of one, or one that is only planned."""

    @property
    def structure_names(self) -> Sequence[str]:
        """The structures that masks and presence are given for, in their order."""

    def case(self, index: int, /) -> Case:
        """Return a case with image, labels and history."""


def visualize_sample(dataset: Cases, idx: int = 0, *, path: str | Path | None = None) -> Image.Image:
    """Draw one sample: three planes, plain and with its structures in colour, and which structures it has.

    Shown is what the dataset holds, before any ``transform``. The planes are those that cut most structures.

    Parameters
    ----------
    dataset
        A :class:`~napari_medsynth.datasets.lazy.LazyMedicalDataset`, or a split of a dataset.
    idx
        Number of the sample; negative ones count from the end.
    path
        File to write the picture to, with a name that ends in .png. Without one the picture is shown: in a notebook
        beneath the cell, in a terminal by the system's viewer.

    Returns
    -------
    PIL.Image.Image
        The picture.

    Raises
    ------
    IndexError
        If there is no such sample.
    ReadError
        If it cannot be read.
    WriteError
        If the picture cannot be written.
    ConfigError
        If ``path`` has the name of another kind of file.
    """
    if path is not None and Path(path).suffix.lower() != ".png":
        raise ConfigError(f"the picture's path is {shown(str(path))}; expected a name that ends in .png")
    picture = draw_case(dataset.case(idx), dataset.structure_names)
    if path is None:
        _show(picture)
    else:
        data = io.BytesIO()
        picture.save(data, "PNG")
        write_bytes(path, data.getvalue())
    return picture


def _show(picture: Image.Image) -> None:
    """Show a picture in the notebook that runs, else, if someone sits at a terminal, in the system's viewer."""
    notebook = sys.modules.get("IPython")
    if notebook is not None and notebook.get_ipython() is not None:
        notebook.display.display(picture)
    elif sys.stdout.isatty():
        picture.show()


def draw_case(case: Case, names: Sequence[str]) -> Image.Image:
    """Draw a case with the structures ``names``; see :func:`visualize_sample`."""
    structures = shown_structures(case, names)
    planes = planes_of(case, structures)
    rows = [row for row, there in enumerate((case.image, case.labels)) if there is not None]
    scale = _scale(planes)
    height = max((round(plane.size_mm[0] * scale) for plane in planes), default=0)
    columns = [_column(plane, scale, height, rows, structures) for plane in planes]
    columns.append(_legend(structures, _TITLE + len(rows) * (height + _GAP)))
    head = _headline(case, structures)
    width = max(sum(column.width + _GAP for column in columns), head.width)
    sheet = Image.new("RGB", (width + _GAP, _HEAD + max(column.height for column in columns)), _BACK)
    sheet.paste(head, (_GAP, 0))
    left = _GAP
    for column in columns:
        sheet.paste(column, (left, _HEAD))
        left += column.width + _GAP
    return sheet


def _scale(planes: Sequence[Plane]) -> float:
    """Return the pixels per mm at which all planes fit; one for all, so that they can be compared."""
    if not planes:
        return 1.0
    across, tallest = sum(plane.size_mm[1] for plane in planes), max(plane.size_mm[0] for plane in planes)
    return min(_WIDTH / across, _HEIGHT / tallest)


def _headline(case: Case, structures: Sequence[Shown]) -> Image.Image:
    """Name, scenario, size and spacing of a case, and how many of the structures it has."""
    grid = case.labels if case.image is None else case.image
    facts = []
    if grid is not None:
        axes = "z, y, x" if grid.ndim == 3 else "y, x"
        facts.append(f"{' x '.join(str(n) for n in grid.shape)} voxels")
        facts.append(f"{' x '.join(f'{s:.3g}' for s in grid.spacing)} mm ({axes})")
    if structures:
        facts.append(f"{sum(s.present for s in structures)} of {len(structures)} structures present")
    scenario = scenario_of(case).replace("_", " ")
    title, line = f"{case.id}: {scenario}" if scenario else case.id, "   ·   ".join(facts)
    large, small = ImageFont.load_default(size=18), ImageFont.load_default(size=13)
    picture = Image.new("RGB", (round(max(large.getlength(title), small.getlength(line))) + _GAP, _HEAD), _BACK)
    draw = ImageDraw.Draw(picture)
    draw.text((0, 6), title, fill=_TEXT, font=large)
    draw.text((0, 32), line, fill=_DIM, font=small)
    return picture


def _column(plane: Plane, scale: float, height: int, rows: Sequence[int], structures: Sequence[Shown]) -> Image.Image:
    """Draw a plane plain (row 0) and, below it, with its structures (row 1), each in the middle of ``height``."""
    drawn = plane.drawn(scale, [structure.colour for structure in structures])
    width = drawn[0].width
    picture = Image.new("RGB", (width, _TITLE + len(rows) * (height + _GAP)), _BACK)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    draw.text((0, 0), plane.title, fill=_TEXT, font=font)
    for number, row in enumerate(rows):
        middle = _TITLE + number * (height + _GAP) + height // 2
        picture.paste(drawn[row], (0, middle - drawn[row].height // 2))
        for side, x, anchor in zip(plane.sides, (4, width - 4), ("lm", "rm"), strict=True):
            draw.text((x, middle), side, fill=_TEXT, font=font, anchor=anchor, stroke_width=1, stroke_fill=_BACK)
    return picture


def _legend(structures: Sequence[Shown], height: int) -> Image.Image:
    """List the structures: filled and bright where the case has them, hollow and dim where it has not."""
    lines = max(height // _LINE, 12)
    columns = -(-len(structures) // lines)
    lines = -(-len(structures) // max(columns, 1))
    picture = Image.new("RGB", (columns * _NAME, lines * _LINE), _BACK)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    for number, structure in enumerate(structures):
        left, top = number // lines * _NAME, number % lines * _LINE
        fill = structure.colour if structure.present else None
        draw.rectangle((left, top + 2, left + 12, top + 14), fill=fill, outline=structure.colour)
        name = structure.name.replace("_", " ")
        text = name if structure.present else f"{name} (absent)"
        draw.text((left + 20, top), text, fill=_TEXT if structure.present else _DIM, font=font)
    return picture
