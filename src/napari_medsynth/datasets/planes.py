"""Planes through a case, as radiologists look at them: grey values, and structures laid over them in colour.

The head is up, the patient's right is on the left of axial and coronal planes, the front is up in axial planes and
on the left of sagittal ones; a millimetre is as long in every direction.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..core.case import Case
from ..core.labels import LabelMap
from ..core.volume import Volume

Pixels = npt.NDArray[np.uint8]
Window = tuple[float, float]
Colour = tuple[int, int, int]

#: Lowest and highest HU shown: lesions stand out in lungs, fat from muscle, and bone is white.
CT_WINDOW: Window = (-600.0, 400.0)

_OPACITY = 0.45
_NAMES = ("axial", "coronal", "sagittal")
_SIDES = (("R", "L"), ("R", "L"), ("A", "P"))


@dataclass(frozen=True)
class Shown:
    """A structure that is shown: its name, its values in the label map, its colour, and whether the case has it."""

    name: str
    values: tuple[int, ...]
    colour: Colour
    present: bool


@dataclass(frozen=True)
class Plane:
    """One plane of a case, upright.

    Parameters
    ----------
    title
        Which way it lies and where, e.g. ``"axial 31 / 64"``.
    sides
        Letters of the patient's sides at its left and right edges.
    grey
        ``(row, column)`` 0 … 255; None if the case has no image.
    structure
        ``(row, column)``: 0, or 1 + the index of the structure in the list that is shown.
    size_mm
        Its height and width in mm.
    """

    title: str
    sides: tuple[str, str]
    grey: Pixels | None
    structure: npt.NDArray[np.int32]
    size_mm: tuple[float, float]

    def drawn(self, scale: float, colours: Sequence[Colour]) -> tuple[Image.Image, Image.Image]:
        """Return the plane at ``scale`` pixels per mm, plain and with its structures over it."""
        height, width = (max(round(mm * scale), 1) for mm in self.size_mm)
        if self.grey is None:
            plain = Image.new("L", (width, height))
        else:
            plain = Image.fromarray(self.grey).resize((width, height), Image.Resampling.BICUBIC)
        marks = Image.fromarray(self.structure).resize((width, height), Image.Resampling.NEAREST)
        return plain.convert("RGB"), Image.fromarray(_overlaid(np.asarray(plain), np.asarray(marks), colours))


def shown_structures(case: Case, names: Sequence[str]) -> tuple[Shown, ...]:
    """Return the structures ``names`` of a case; those without a colour of their own get ones far apart."""
    if case.labels is None:
        return ()
    held = set(case.labels.values())
    made = []
    for number, name in enumerate(names):
        values = case.labels.table.values_of(name=name)
        colour = next((c for v in values if (c := case.labels.table[v].colour)), None)
        red, green, blue = (round(255 * part) for part in colour or _spread(number))
        made.append(Shown(name, values, (red, green, blue), bool(held.intersection(values))))
    return tuple(made)


def planes_of(case: Case, structures: Sequence[Shown]) -> tuple[Plane, ...]:
    """Return the axial, coronal and sagittal plane that cut most structures; the middle ones if there are none.

    A case in 2D has only one plane.
    """
    image = None if case.image is None else case.image.reoriented()
    labels = None if case.labels is None else case.labels.reoriented()
    grid = labels if image is None else image
    if grid is None:
        return ()
    index = _indices(labels, structures, grid.shape3)
    grey = None if image is None else (image.array.reshape(grid.shape3), _window(image))
    size_mm = [n * mm for n, mm in zip(grid.shape3, grid.affine.spacing, strict=True)]
    planes = []
    for axis, number in list(enumerate(_busiest(index, len(structures))))[: 3 if grid.ndim == 3 else 1]:
        rows, columns = (n for n in range(3) if n != axis)
        planes.append(
            Plane(
                title=f"{_NAMES[axis]} {number + 1} / {index.shape[axis]}" if grid.ndim == 3 else "",
                sides=_SIDES[axis] if grid.ndim == 3 else ("", ""),
                grey=None if grey is None else _grey(_upright(grey[0], axis, number), grey[1]),
                structure=_upright(index, axis, number).astype(np.int32),
                size_mm=(size_mm[rows], size_mm[columns]),
            )
        )
    return tuple(planes)


def _indices(
    labels: LabelMap | None, structures: Sequence[Shown], shape: tuple[int, int, int]
) -> npt.NDArray[np.uint16]:
    """Return which structure each voxel is: 0, or 1 + its index."""
    if labels is None:
        return np.zeros(shape, np.uint16)
    table = np.zeros(256 if labels.array.dtype == np.uint8 else 65536, np.uint16)
    for number, structure in enumerate(structures, 1):
        table[list(structure.values)] = number
    return np.take(table, labels.array).reshape(shape)


def _busiest(index: npt.NDArray[np.uint16], count: int) -> tuple[int, int, int]:
    """Return the slices along z, y and x that cut most structures; of equals, the nearest to the middle of them all."""
    found = []
    for axis in range(3):
        number = np.arange(index.shape[axis]).reshape([-1 if n == axis else 1 for n in range(3)])
        pairs = np.bincount((index + number * (count + 1)).reshape(-1), minlength=index.shape[axis] * (count + 1))
        seen = pairs.reshape(-1, count + 1)[:, 1:] > 0
        inside = np.flatnonzero(seen.any(axis=1))
        middle = (inside[0] + inside[-1]) / 2 if inside.size else (index.shape[axis] - 1) / 2
        kinds = seen.sum(axis=1)
        best = np.flatnonzero(kinds == kinds.max())
        found.append(int(best[np.abs(best - middle).argmin()]))
    return found[0], found[1], found[2]


def _upright(array: npt.NDArray[Any], axis: int, number: int) -> npt.NDArray[Any]:
    """Cut a plane ``(row, column)`` with the head, or the front, up."""
    plane: npt.NDArray[Any] = array.take(number, axis)
    return plane if axis == 0 else plane[::-1]


def _window(image: Volume) -> Window:
    """Return the lowest and highest value shown: fixed for CT, else without the few brightest and darkest voxels."""
    if image.modality == "CT":
        return CT_WINDOW
    low, high = np.percentile(image.array[:: max(image.shape[0] // 32, 1)], (0.2, 99.8))
    return float(low), float(high)


def _grey(plane: npt.NDArray[np.generic], window: Window) -> Pixels:
    low, high = window
    shades = (plane.astype(np.float32) - low) / max(high - low, 1e-6) * 255
    return np.ascontiguousarray(np.clip(np.rint(shades), 0, 255).astype(np.uint8))


def _overlaid(grey: Pixels, marks: npt.NDArray[np.int32], colours: Sequence[Colour]) -> Pixels:
    """Lay the colours of the structures over a plane, with a sharp line around each."""
    palette = np.array([(0, 0, 0), *colours], np.float32)
    opacity = np.where(marks > 0, np.float32(_OPACITY), np.float32(0))
    edge = np.zeros(marks.shape, bool)
    edge[:, 1:] |= marks[:, 1:] != marks[:, :-1]
    edge[1:] |= marks[1:] != marks[:-1]
    opacity[edge & (marks > 0)] = 1
    mixed = grey[..., None] * (1 - opacity[..., None]) + palette[marks] * opacity[..., None]
    return np.asarray(np.rint(mixed), np.uint8)


def _spread(number: int) -> tuple[float, float, float]:
    """Return a colour that differs from those of the numbers before it: hues a golden section apart."""
    return colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.55 + 0.25 * (number % 2), 0.95)
