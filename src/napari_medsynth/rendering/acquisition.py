"""The scanner's voxels, and what each of them sees: :class:`Acquisition`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch

from ..core.affine import Affine
from ..core.progress import finish
from .banded import Banded, FloatArray, applied, gaussian, linear
from .lattice import Lattice
from .workers import side_by_side

#: Yields after each slab, returns a tensor.
Made = Generator[int, None, torch.Tensor]


class Acquisition:
    """An image taken in larger voxels, each of which sees a Gaussian part of it, and brought back.

    Both lattices cover the same field of view from edge to edge: a larger voxel's size is the field of view divided by
    the whole number of voxels that is nearest to what was drawn. What a voxel sees sums to 1, and beyond the edge the
    nearest voxel is repeated. Along an axis of one voxel nothing happens.

    Parameters
    ----------
    lattice
        The voxels of the image.
    params
        What :class:`~napari_medsynth.rendering.resolution.Resolution` drew; None changes nothing.
    device
        Where it happens.
    """

    def __init__(self, lattice: Lattice, params: Mapping[str, Any] | None, device: str | torch.device = "cpu") -> None:
        self._fine, self._device = lattice, torch.device(device)
        counts = (
            lattice.shape if params is None else [_count(lattice, axis, params["voxel"][axis]) for axis in range(3)]
        )
        spacing = [e / n for e, n in zip(lattice.extent, counts, strict=True)]
        #: The scanner's voxels.
        self.lattice = lattice if params is None else Lattice(tuple(counts), tuple(spacing))  # type: ignore[arg-type]
        self._down: list[Banded | None] = [None, None, None]
        self._up: list[Banded | None] = [None, None, None]
        planned = cache(self._planned)  # axes that are alike share their matrices
        for axis in lattice.axes if params is not None else ():
            sigma = params["sigma"][axis] / lattice.spacing[axis]  # type: ignore[index]
            self._down[axis], self._up[axis] = planned(lattice.shape[axis], self.lattice.shape[axis], sigma)

    def _planned(self, size: int, count: int, sigma: float) -> tuple[Banded | None, Banded | None]:
        """Return what takes ``size`` voxels to ``count``, and back; None changes nothing."""
        down = up = None
        if sigma > 0:
            down = Banded.of(gaussian(centres(size, count), size, sigma), self._device)
        elif count != size:
            down = Banded.of(linear(centres(size, count), size), self._device)
        if count != size:
            up = Banded.of(linear(centres(count, size), count), self._device)
        return down, up

    def affine(self, affine: Affine) -> Affine:
        """Return where the scanner's voxels lie, given where those of the image do."""
        ratio = np.array(self.lattice.spacing) / self._fine.spacing
        if np.array_equal(self.lattice.shape, self._fine.shape):
            return affine
        matrix = affine.matrix.copy()
        matrix[:3, 3] = affine.to_world((ratio - 1) / 2)
        matrix[:3, :3] *= ratio
        return Affine(matrix)

    def taking(self, image: torch.Tensor, prepare: Callable[[torch.Tensor], None] | None = None) -> Made:
        """Take the image: return ``(z', y', x')`` on :attr:`lattice`, yielding after each slab.

        Parameters
        ----------
        image
            ``(z, y, x)`` float32; overwritten.
        prepare
            Changes each slab in place before it is taken.
        """
        shape, taken = image.shape, self.lattice.shape
        same = shape[1:] == taken[1:]
        seen = image if same else image.new_empty((shape[0], *taken[1:]))

        def in_plane(number: int, start: int, stop: int) -> None:
            part = image[start:stop]
            if prepare is not None:
                prepare(part)
            part = applied((None, *self._down[1:]), part, start, stop)
            if part.data_ptr() != seen[start:stop].data_ptr():
                seen[start:stop].copy_(part)

        if prepare is not None or self._down[1] or self._down[2]:
            yield from side_by_side(in_plane, self._fine.shape, self._device)
        through = self._down[0]
        if through is None:
            return seen
        low = seen.new_empty(taken)

        def across(number: int, start: int, stop: int) -> None:
            through.along_z(seen, start, stop, out=low[start:stop])

        yield from side_by_side(across, taken, self._device)
        return low

    def bringing_back(self, low: torch.Tensor, out: torch.Tensor | None = None) -> Made:
        """Return an image on the fine lattice, interpolated linearly, yielding after each slab.

        Parameters
        ----------
        low
            ``(z', y', x')`` float32 on :attr:`lattice`; returned itself if both lattices are the same.
        out
            Written and returned if given and the lattices differ.
        """
        if low.shape == self._fine.shape:
            return low
        made = low.new_empty(self._fine.shape) if out is None else out

        def up(number: int, start: int, stop: int) -> None:
            part = low[start:stop] if self._up[0] is None else low
            made[start:stop].copy_(applied(self._up, part, start, stop))

        yield from side_by_side(up, self._fine.shape, self._device)
        return made

    def take(self, image: torch.Tensor) -> torch.Tensor:
        """Return what :meth:`taking` gives; ``image`` stays."""
        return finish(self.taking(image.clone()))

    def back(self, low: torch.Tensor) -> torch.Tensor:
        """Return what :meth:`bringing_back` gives."""
        return finish(self.bringing_back(low))

    def labels(self, codes: torch.Tensor) -> torch.Tensor:
        """Return labels ``(z, y, x)`` of any type on :attr:`lattice`: those at the centres of its voxels."""
        for axis, (size, count) in enumerate(zip(self._fine.shape, self.lattice.shape, strict=True)):
            if count != size:
                index = torch.from_numpy(np.floor(centres(size, count) + 0.5).astype(np.int64))
                codes = codes.index_select(axis, index.to(codes.device))
        return codes


def centres(size: int, count: int) -> FloatArray:
    """Return where the centres of ``count`` voxels lie among ``size`` that cover the same length, counted in those."""
    return np.asarray((np.arange(count) + 0.5) * (size / count) - 0.5)


def _count(lattice: Lattice, axis: int, voxel: float) -> int:
    size, spacing = lattice.shape[axis], lattice.spacing[axis]
    if size == 1 or voxel <= spacing * (1 + 1e-6):
        return size
    return min(size, max(2, round(size * spacing / voxel)))
