"""Smooth fields that are known at a few nodes and linear between them: :class:`SmoothField`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

from ..core.box import Box
from .lattice import Shape


class SmoothField:
    """A field on a lattice, made slab by slab from a coarse grid whose corners are the lattice's corners.

    Each voxel is made by the same few multiplications and additions whatever the slab, the window or the number of
    threads: its bits never differ. Matrix products are as fast, but what they round depends on how a library cuts them.

    Parameters
    ----------
    nodes
        ``(k, a, b, c)``: ``k`` fields on a coarse grid ``(z, y, x)`` of at least one node an axis.
    shape
        Voxels of the whole lattice, ``(z, y, x)``.
    device
        Where the field is made.
    window
        The part of the lattice that is wanted; None wants all of it.
    """

    def __init__(
        self, nodes: torch.Tensor, shape: Shape, device: str | torch.device = "cpu", window: Box | None = None
    ) -> None:
        box = window or Box((0, 0, 0), shape)
        nodes = nodes.to(device, torch.float32)
        for axis in (1, 2, 3):
            if nodes.shape[axis] == 1:  # a single node is the same everywhere
                nodes = nodes.repeat_interleave(2, dim=axis)
        self._z, self._y, x = (
            _placed(count, size, start, stop).on(nodes.device)
            for count, size, start, stop in zip(nodes.shape[1:], shape, box.start, box.stop, strict=True)
        )
        self.shape: Shape = box.shape  # type: ignore[assignment]
        self._lines = x.between(nodes, 3, 0, box.shape[2])  # (k, a, b, x)

    def slab(self, start: int, stop: int, out: torch.Tensor | None = None) -> torch.Tensor:
        """Return slices ``start`` to ``stop`` of the window, ``(k, stop - start, y, x)`` float32.

        Parameters
        ----------
        start, stop
            Half-open range of slices.
        out
            Written and returned if given.
        """
        lines = self._z.between(self._lines, 1, start, stop)
        return self._y.between(lines, 2, 0, self.shape[1], out)


@dataclass(frozen=True, eq=False)
class _Places:
    """Where voxels lie between the nodes of one axis: after which node, and what share of the way to the next."""

    share: torch.Tensor
    runs: tuple[tuple[int, int, int], ...]  #: node, first and one past the last voxel that lie after it

    def on(self, device: torch.device) -> _Places:
        """Return the same for fields on a device."""
        return _Places(self.share.to(device), self.runs)

    def between(
        self, values: torch.Tensor, axis: int, start: int, stop: int, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return ``values``, which are those at the nodes of ``axis``, at voxels ``start`` to ``stop`` of it."""
        if out is None:
            out = values.new_empty((*values.shape[:axis], stop - start, *values.shape[axis + 1 :]))
        runs = [(n, max(a, start), min(b, stop)) for n, a, b in self.runs if a < stop and b > start]
        first, sizes = runs[0][0], [b - a for _, a, b in runs]
        near = values.narrow(axis, first, runs[-1][0] - first + 2)
        low, step = torch.split(near, 1, axis), torch.split(near.diff(dim=axis), 1, axis)
        shares = torch.split(self.share[start:stop].reshape(-1, *(1,) * (values.ndim - axis - 1)), sizes)
        for (node, _, _), share, made in zip(runs, shares, torch.split(out, sizes, axis), strict=True):
            torch.addcmul(low[node - first], step[node - first], share, out=made)
        return out


@lru_cache(maxsize=256)
def _placed(nodes: int, size: int, start: int, stop: int) -> _Places:
    """Return the places of voxels ``start`` to ``stop`` of ``size``, the outer ones of which are nodes.

    They are the same in one small image after another.
    """
    place = np.arange(start, stop) * ((nodes - 1) / max(size - 1, 1))
    node = np.clip(np.floor(place).astype(np.int64), 0, max(nodes - 2, 0))
    cuts = [0, *(np.flatnonzero(np.diff(node)) + 1), stop - start]
    runs = tuple((int(node[a]), int(a), int(b)) for a, b in pairwise(cuts))
    return _Places(torch.from_numpy((place - node).astype(np.float32)), runs)
