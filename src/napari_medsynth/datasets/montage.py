"""Pictures of cases for a report: three planes beside each other, plain and with the structures over them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from ..core.case import Case
from ..core.labels import Label, LabelTable
from .folder import DatasetFolder
from .planes import Plane, planes_of, shown_structures
from .report_figures import Where, cases_at
from .schema import scenario_of

_WIDTH = 520  # pixels of three planes beside each other
_GAP = 4
_BACK = (18, 18, 20)


@dataclass(frozen=True)
class Shot:
    """A PNG, and what it shows."""

    png: bytes
    caption: str


def shots(dataset: DatasetFolder, structures: Sequence[Label], places: Sequence[Where]) -> tuple[list[Shot], list[str]]:
    """Draw the cases at ``places``; return pictures, and the colour of each structure as ``#rrggbb``."""
    names, found, colours = [entry.name for entry in structures], list[Shot](), list[str]()
    for (split, _), case in zip(places, cases_at(dataset, places), strict=True):
        if case.labels is not None:  # structures without an entry in the table have a name and a colour too
            case = replace(case, labels=replace(case.labels, table=LabelTable(tuple(structures))))
        shown = shown_structures(case, names)
        colours = ["#{:02x}{:02x}{:02x}".format(*structure.colour) for structure in shown]
        planes = planes_of(case, shown)
        if planes:
            found.append(Shot(_drawn(planes, [s.colour for s in shown], case), _caption(case, split)))
    return found, colours


def _drawn(planes: Sequence[Plane], colours: Sequence[tuple[int, int, int]], case: Case) -> bytes:
    """Draw planes at one scale, so that their millimetres can be compared; the plain ones only if there is an image."""
    scale = (_WIDTH - _GAP * (len(planes) - 1)) / sum(plane.size_mm[1] for plane in planes)
    pairs = [plane.drawn(scale, colours) for plane in planes]
    rows = list(zip(*pairs, strict=True))[case.image is None :]
    height = max(picture.height for picture in rows[0])
    sheet = Image.new("RGB", (_WIDTH, len(rows) * (height + _GAP) - _GAP), _BACK)
    for number, row in enumerate(rows):
        left = 0
        for picture in row:
            sheet.paste(picture, (left, number * (height + _GAP) + (height - picture.height) // 2))
            left += picture.width + _GAP
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()


def _caption(case: Case, split: str) -> str:
    scenario = scenario_of(case).replace("_", " ")
    return f"{case.id} ({split}): {scenario}" if scenario else f"{case.id} ({split})"
