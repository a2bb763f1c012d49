"""Pictures of the worst cases: image, truth and what each model found, on one slice."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ..core.box import Box
from ..core.case import Case
from ..core.grid import Gridded
from ..core.labels import LabelMap
from ..core.volume import Volume
from ..datasets.planes import planes_of, shown_structures
from .results import Picture

#: Width of each of the pictures of a case, in pixels.
_WIDTH = 240
_GAP = 4

#: Models that are shown beside each other; more would be too small.
_MODELS = 4


@dataclass(frozen=True, eq=False)
class _Found:
    model: str
    truth: LabelMap
    found: LabelMap
    dice: float


class Worst:
    """Keeps pictures of the cases that were segmented worst.

    Parameters
    ----------
    count
        Of how many cases.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._current: list[_Found] = []
        self._kept: list[Picture] = []

    def add(self, model: str, truth: LabelMap, found: LabelMap, dice: float) -> None:
        """Take what a model found in the current case; ``dice`` is the mean of its structures."""
        self._current.append(_Found(model, truth, found, dice))

    def end(self, case: Case, group: str) -> None:
        """End the current case: it is drawn if it is among the worst so far."""
        current, self._current = self._current, []
        defined = [one.dice for one in current if not math.isnan(one.dice)]
        if not defined or case.image is None:
            return
        dice = sum(defined) / len(defined)
        if len(self._kept) < self._count or (self._kept and dice < self._kept[-1].dice):
            shown = current[:_MODELS]
            names = tuple((one.model, one.dice) for one in shown)
            kept = [*self._kept, Picture(case.id, group, dice, names, _drawn(case.image, shown))]
            self._kept = sorted(kept, key=lambda picture: picture.dice)[: self._count]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures, the worst first."""
        return tuple(self._kept)


def _drawn(image: Volume, shown: Sequence[_Found]) -> bytes:
    """Draw a case as a PNG: the image, the truth, and what each model found."""
    axis, box = _slice_of(shown[0].truth, image)
    cut = image.reoriented().crop(box) if image.ndim == 3 else image
    parts: list[Image.Image] = []
    for labels in (shown[0].truth, *(one.found for one in shown)):
        mask = labels.reoriented().crop(box) if labels.ndim == 3 else labels
        plain, marked = _plane(cut, replace(mask, affine=cut.affine), axis)
        parts += [marked] if parts else [plain, marked]
    sheet = Image.new("RGB", (len(parts) * (_WIDTH + _GAP) - _GAP, max(part.height for part in parts)), (18, 18, 20))
    for number, part in enumerate(parts):
        sheet.paste(part, (number * (_WIDTH + _GAP), 0))
    data = io.BytesIO()
    sheet.save(data, "PNG", optimize=True)
    return data.getvalue()


def _plane(image: Volume, labels: LabelMap, axis: int) -> tuple[Image.Image, Image.Image]:
    case = Case(id="case", image=image, labels=labels)
    structures = shown_structures(case, [entry.name for entry in labels.table])
    plane = planes_of(case, structures)[axis]
    return plane.drawn(_WIDTH / plane.size_mm[1], [structure.colour for structure in structures])


def _slice_of(truth: LabelMap, image: Gridded) -> tuple[int, Box]:
    """Return the slice across the thickest voxels that cuts most structures; of equals, the one with most of them."""
    if truth.ndim == 2:
        return 0, Box((0, 0), truth.shape)
    turned = truth.reoriented()
    axis = int(np.argmax(np.round(turned.spacing, 3)))
    planes = np.moveaxis(turned.array, axis, 0).reshape(turned.shape[axis], -1)
    kinds = np.array([len(np.unique(plane)) for plane in planes])
    best = int(np.lexsort(((planes > 0).sum(axis=1), kinds))[-1])
    start, stop = [0, 0, 0], list(turned.shape)
    start[axis], stop[axis] = best, best + 1
    return axis, Box(tuple(start), tuple(stop))
