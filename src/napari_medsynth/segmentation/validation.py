"""How good a network in training is on cases as they are: :func:`views`, :class:`Sums`.

What is looked at is capped, so that a validation takes a small part of an epoch: of a case that is cut into slices,
at most 32 of them, evenly spaced; of one in 3D, a box of at most two patches along each axis, with the middle of the
structures in its own. So these numbers choose the best epoch and draw the curve; they are no evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.inferers import sliding_window_inference

from .prepare import Prepared

#: Most slices of a case.
MAX_SLICES = 32

#: Most patches along each axis of a case in 3D.
MAX_PATCHES = 2

#: Slices that go through a network together.
_TOGETHER = 8

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class View:
    """What a network is shown of a case at once.

    Parameters
    ----------
    inputs
        float32 ``(N, C, *size)``.
    classes
        int64 ``(N, *size)``.
    """

    inputs: Floats
    classes: Ints

    def planes(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the planes ``(number, row, column)`` of an array ``(N, *size)`` of this view."""
        return array.reshape(-1, *array.shape[-2:])

    def fullest(self) -> tuple[int, float]:
        """Return the number of the plane with most structures, and how full it is: structures, and share of them."""
        full = [len(np.unique(plane)) + float((plane > 0).mean()) for plane in self.planes(self.classes)]
        best = int(np.argmax(full))
        return best, full[best]


def views(case: Prepared) -> Iterator[View]:
    """Give what is looked at of a case, slices in their order."""
    array, classes = case.inputs, case.classes
    spec = case.spec
    if spec.ndim == 3:
        box = _box(classes, spec.patch)
        yield View(np.ascontiguousarray(array[(slice(None), *box)])[None], classes[box].astype(np.int64)[None])
        return
    if classes.ndim == 2:
        yield View(array[None], classes.astype(np.int64)[None])
        return
    array, classes = np.moveaxis(array, spec.axis + 1, 0), np.moveaxis(classes, spec.axis, 0)
    numbers = slices_of(len(classes))
    reach = spec.slab // 2 if spec.kind == "slab" else 0
    for start in range(0, len(numbers), _TOGETHER):
        chosen = numbers[start : start + _TOGETHER]
        yield View(_stacked(array, chosen, reach), classes[chosen].astype(np.int64))


def _stacked(array: Floats, chosen: npt.NDArray[np.intp], reach: int) -> Floats:
    """Return slices ``(N, C * slab, y, x)`` of ``(slice, C, y, x)`` with their neighbours; beyond the ends is 0."""
    near = np.add.outer(chosen, np.arange(-reach, reach + 1))
    slabs = np.where(_inside(near, len(array)), array[np.clip(near, 0, len(array) - 1)], np.float32(0))
    return np.ascontiguousarray(np.swapaxes(slabs, 1, 2).reshape(len(chosen), -1, *slabs.shape[3:]))


def _inside(near: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.bool_]:
    return ((near >= 0) & (near < count))[..., None, None, None]


def slices_of(count: int) -> npt.NDArray[np.intp]:
    """Return the numbers of the slices that are looked at."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_SLICES)).round().astype(np.intp))


def logits_of(
    network: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, patch: Sequence[int]
) -> torch.Tensor:
    """Return logits ``(N, classes, *size)`` of inputs of any size, from tiles of the size that is trained with."""
    found = sliding_window_inference(inputs, tuple(patch), _TOGETHER, network, overlap=0.25, mode="gaussian")
    return torch.as_tensor(found).float()


class Sums:
    """Dice of each class, and loss, over cases; everything can be added up over processes.

    Parameters
    ----------
    classes
        How many, background included.
    """

    def __init__(self, classes: int) -> None:
        self._dice = torch.zeros(classes, dtype=torch.float64)
        self._cases = torch.zeros(classes, dtype=torch.float64)
        self._loss = torch.zeros(2, dtype=torch.float64)
        self._one = torch.zeros(classes, classes, dtype=torch.float64)

    def add(self, truth: torch.Tensor, found: torch.Tensor, loss: torch.Tensor) -> None:
        """Add a view of the case that is looked at, and its loss."""
        count = len(self._dice)
        pairs = torch.bincount((truth * count + found).flatten(), minlength=count**2)
        self._one += pairs.reshape(count, count).cpu()
        self._loss += torch.tensor([float(loss) * len(truth), len(truth)], dtype=torch.float64)

    def end_case(self) -> None:
        """Take the case in: Dice of the structures that it has."""
        both, there, found = self._one.diagonal(), self._one.sum(1), self._one.sum(0)
        has = there > 0
        self._dice[has] += (2 * both / (there + found).clamp(min=1))[has]
        self._cases[has] += 1
        self._one.zero_()

    def flat(self) -> torch.Tensor:
        """Return all sums in a row."""
        return torch.cat([self._dice, self._cases, self._loss])

    @staticmethod
    def read(flat: torch.Tensor) -> tuple[float | None, list[float | None]]:
        """Return mean loss and Dice of each class but background; None for what no case has."""
        *sums, loss, count = flat.tolist()
        classes = len(sums) // 2
        dice = [s / n if n else None for s, n in zip(sums[1:classes], sums[classes + 1 :], strict=True)]
        return (loss / count if count else None), dice


def _box(classes: npt.NDArray[np.integer], patch: Sequence[int]) -> tuple[slice, ...]:
    """Return at most two patches along each axis, around the middle of the structures."""
    inside = np.nonzero(classes)
    box = []
    for axis, (size, width) in enumerate(zip(classes.shape, patch, strict=True)):
        middle = int(np.median(inside[axis])) if inside[axis].size else size // 2
        start = min(max(middle - MAX_PATCHES * width // 2, 0), max(size - MAX_PATCHES * width, 0))
        box.append(slice(start, min(start + MAX_PATCHES * width, size)))
    return tuple(box)
