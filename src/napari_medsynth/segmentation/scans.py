"""Where examples are taken from: :class:`Scan`, one case in the order in which a network looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.labels import LabelMap
from ..core.rng import stream
from .prepare import Prepared
from .spec import InputSpec

Shape = tuple[int, int, int]

#: Places that are kept of each structure, to take examples at.
_PLACES = 4096

#: How much of its surroundings an example is warped with, as a share of its size on each side: what a turn by 15°
#: and a stretch by a fifth bring in.
_MARGIN = 0.25

#: The same for a slab's thickness, in slices.
_SLAB_MARGIN = 8


@dataclass(frozen=True)
class Part:
    """Where one example is.

    Parameters
    ----------
    box
        What is read of the scan: the example with its surroundings.
    start, shape
        The example inside the box.
    before, after
        How much it lacks of its full size on each side, because the scan ends.
    """

    box: Box
    start: Shape
    shape: Shape
    before: Shape
    after: Shape

    @property
    def crop(self) -> Box:
        """The example inside the box."""
        return Box(self.start, tuple(a + n for a, n in zip(self.start, self.shape, strict=True)))

    @property
    def is_padded(self) -> bool:
        """Whether the scan is smaller than the example."""
        return any((*self.before, *self.after))


class Scan:
    """A prepared case as a stack: the axis of its slices first, the others in their order.

    Parameters
    ----------
    case
        The case.
    spec
        What the network is given.

    Attributes
    ----------
    labels
        ``(s, r, c)``, with the values of the files.
    classes
        ``(s, r, c)``.
    inputs
        ``(C, s, r, c)`` float16, normalised; None if the case has no image.
    filled
        The slices that have any label; of 3D examples it is not asked.
    """

    def __init__(self, case: Prepared, spec: InputSpec) -> None:
        self.id, self.patient, self.class_of, self.spec = case.id, case.patient, case.class_of, spec
        axis = spec.axis if spec.ndim == 2 and case.labels.ndim == 3 else 0
        order = (axis, *(n for n in range(3) if n != axis))
        shape = case.labels.shape3
        self.classes = np.ascontiguousarray(case.classes.reshape(shape).transpose(order))
        affine = case.labels.affine.reordered(order, (False,) * 3, shape)
        self.labels = LabelMap(case.labels.array.reshape(shape).transpose(order), affine, case.labels.table)
        self.inputs = None if case.image is None else _stacked(case.inputs, shape, order)
        self.filled = np.flatnonzero(self.labels.array.any(axis=(1, 2)))
        self._places = _places(self.classes)

    @property
    def shape(self) -> Shape:
        """Slices, rows and columns."""
        return self.labels.shape3

    def patch(self, patch: Sequence[int]) -> Shape:
        """Return the size of an example in three axes."""
        if self.spec.ndim == 3:
            z, y, x = patch
            return z, y, x
        rows, columns = patch
        return (self.spec.slab if self.spec.kind == "slab" else 1, rows, columns)

    def part(self, patch: Sequence[int], rng: np.random.Generator, *, foreground: bool, filled: bool) -> Part:
        """Draw where an example is.

        Parameters
        ----------
        patch
            Its size.
        rng
            What is drawn with.
        foreground
            Whether it lies about a structure, each structure of the case with the same probability; else anywhere.
        filled
            Whether a 2D example that may lie anywhere is of a slice that has labels.
        """
        size = self.patch(patch)
        if self.spec.kind == "volumes":
            start = [(whole - n) // 2 for whole, n in zip(self.shape, size, strict=True)]
        elif foreground:
            start = self._about(size, rng)
        else:
            start = [int(rng.integers(max(whole - n, 0) + 1)) for whole, n in zip(self.shape, size, strict=True)]
            if self.spec.ndim == 2:
                start[0] = self._slice(rng, filled) - size[0] // 2
        return self._placed(start, size)

    def labels_in(self, part: Part) -> LabelMap:
        """Return the labels of a part and its surroundings, placed as if the scan began there."""
        return LabelMap(self.labels.array[part.box.slices].copy(), self.labels.affine, self.labels.table)

    def _about(self, size: Shape, rng: np.random.Generator) -> list[int]:
        """Return the first voxel of an example about a voxel of a structure, which is in its middle half."""
        places = self._places[int(rng.integers(len(self._places)))]
        place = places[int(rng.integers(len(places)))]
        shift = [int(rng.integers(-(n // 4), n // 4 + 1)) if self._moves(axis) else 0 for axis, n in enumerate(size)]
        return [int(at) - n // 2 + by for at, n, by in zip(place, size, shift, strict=True)]

    def _slice(self, rng: np.random.Generator, filled: bool) -> int:
        return int(self.filled[rng.integers(len(self.filled))]) if filled else int(rng.integers(self.shape[0]))

    def _moves(self, axis: int) -> bool:
        """Whether an example can be anywhere along an axis; the slices of 2D ones are asked for by number."""
        return self.spec.ndim == 3 or axis > 0

    def _placed(self, start: Sequence[int], size: Shape) -> Part:
        """Keep an example inside the scan as far as it can be, and take its surroundings with it."""
        begin, end, before, after = [], [], [], []
        for axis, (at, n, whole) in enumerate(zip(start, size, self.shape, strict=True)):
            if self._moves(axis):
                first = min(max(at, 0), max(whole - n, 0))
                lacks = max(n - whole, 0)
                low, high = lacks // 2, lacks - lacks // 2
            else:
                first = max(at, 0)
                low, high = max(-at, 0), max(at + n - whole, 0)
            begin.append(first)
            end.append(first + n - low - high)
            before.append(low)
            after.append(high)
        crop = Box(tuple(begin), tuple(end))
        box = crop.grown([self._margin(axis, n) for axis, n in enumerate(crop.shape)]).clipped(self.shape)
        inside = crop.within(box)
        return Part(box, inside.start, crop.shape, tuple(before), tuple(after))  # type: ignore[arg-type]

    def _margin(self, axis: int, size: int) -> int:
        if self._moves(axis):
            return int(np.ceil(_MARGIN * size))
        return _SLAB_MARGIN if self.spec.kind == "slab" else 0


def _stacked(inputs: npt.NDArray[np.float32], shape: Shape, order: Sequence[int]) -> npt.NDArray[np.float16]:
    array = inputs.reshape(-1, *shape).transpose(0, *(1 + axis for axis in order))
    return np.ascontiguousarray(array, dtype=np.float16)


def _places(classes: npt.NDArray[Any]) -> list[npt.NDArray[np.int32]]:
    """Return voxels ``(n, 3)`` of each class that is there: all, or as many as are kept."""
    flat = classes.reshape(-1)
    found = []
    for value in np.unique(flat):
        if value:
            index = np.flatnonzero(flat == value)
            if len(index) > _PLACES:
                index = np.sort(stream(0, int(value), "places").choice(index, _PLACES, replace=False))
            found.append(np.stack(np.unravel_index(index, classes.shape), axis=1).astype(np.int32))
    return found
