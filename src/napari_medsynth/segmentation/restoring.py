"""From probabilities on the working grid to labels on the image's own: :class:`Restoring`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..rendering.banded import applied
from .working import WorkingGrid, matrices_of


class Restoring:
    """Takes probabilities, slices of a stack or all at once, and keeps the most probable class of each voxel.

    Probabilities are interpolated linearly, one class after the other, so that no more than a few images of the
    image's own size are kept whatever the number of classes. Where the grids agree, nothing is interpolated.

    Parameters
    ----------
    grid
        From the image's grid to the working grid.
    axis
        Axis of the working grid that slices are stacked along; None if the network sees all axes.
    classes
        How many there are.
    uncertainty
        Whether the entropy of the probabilities is kept too.
    """

    def __init__(self, grid: WorkingGrid, axis: int | None, classes: int, *, uncertainty: bool = False) -> None:
        self.grid, self._count = grid, classes
        shape = grid.turned_shape
        self.classes: npt.NDArray[Any] = np.zeros(shape, np.uint8 if classes <= 256 else np.uint16)
        self.entropy: npt.NDArray[np.float32] | None = np.zeros(shape, np.float32) if uncertainty else None
        self._axis = axis
        matrices = list(matrices_of(grid.back(), grid.shape, [1 / ratio for ratio in grid.ratios]))
        if axis is not None and len(shape) == 3:
            matrices = [None, *(m for n, m in enumerate(matrices) if n != axis)]
        self._matrices = matrices

    def add(self, found: torch.Tensor, start: int = 0, *, logits: bool = False) -> None:
        """Take ``(N, K, row, column)`` of slices from ``start`` on, or ``(1, K, z, y, x)``; logits are overwritten."""
        count = len(found)
        volumes = found.transpose(0, 1) if found.ndim == 4 else found[0]
        with torch.inference_mode():
            if logits and (self.entropy is not None or self.grid.is_resampled):  # else the greatest is the same one
                for plane in volumes.unbind(1):
                    plane.copy_(torch.softmax(plane, dim=0))
            classes, entropy = self._best(volumes)
        self._stacked(self.classes)[start : start + count if self._axis is not None else None] = classes
        if self.entropy is not None:
            self._stacked(self.entropy)[start : start + count if self._axis is not None else None] = entropy

    def _best(self, volumes: torch.Tensor) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        """Return class and entropy, 0 … 1, of ``(K, z, y, x)``."""
        best = self._interpolated(volumes[0]).clone()
        found = torch.zeros(best.shape, dtype=torch.uint8 if self._count <= 256 else torch.int32)
        entropy = torch.zeros_like(best) if self.entropy is None else torch.special.entr(best)
        for number in range(1, self._count):
            values = self._interpolated(volumes[number])
            better = torch.gt(values, best).to(found.dtype).mul_(number)  # several times faster than to fill a mask
            torch.maximum(found, better, out=found)  # numbers grow
            torch.maximum(best, values, out=best)
            if self.entropy is not None:
                entropy += torch.special.entr(values)
        return found.numpy(), (entropy / math.log(max(self._count, 2))).clamp_(0, 1).numpy()

    def _interpolated(self, values: torch.Tensor) -> torch.Tensor:
        z = self._matrices[0]
        return applied(self._matrices, values, 0, values.shape[0] if z is None else z.rows)

    def _stacked(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a view ``(slice, row, column)`` or ``(z, y, x)``."""
        if array.ndim == 2:
            return array[None]
        return array if self._axis is None else np.moveaxis(array, self._axis, 0)
