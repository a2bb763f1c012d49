"""Blurring and resampling along one axis as a matrix that is zero away from its diagonal: :class:`Banded`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

FloatArray = npt.NDArray[np.float64]

#: A Gaussian ends where it falls below a thousandth of its peak: √(2 ln 1000) standard deviations.
REACH = 3.717
#: Rows in a block, a dense product with the columns that they need.
_BLOCK = 32


@dataclass(frozen=True, eq=False)
class Banded:
    """A matrix ``(rows, columns)`` that takes ``columns`` samples along an axis to ``rows``.

    Parameters
    ----------
    matrix
        Its float32 entries.
    first, last
        Of each row, the first column that is not zero, and one past the last; neither ever falls.
    """

    matrix: torch.Tensor
    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]

    @classmethod
    def of(cls, weights: FloatArray, device: torch.device) -> Banded:
        """Return the matrix of these weights, ``(rows, columns)``, each row with at least one that is not zero."""
        there = weights != 0
        first = np.minimum.accumulate(there.argmax(axis=1)[::-1])[::-1]
        last = np.maximum.accumulate(weights.shape[1] - there[:, ::-1].argmax(axis=1))
        # In memory of PyTorch's: the bits of a product can depend on where in memory its factors begin.
        matrix = torch.empty(weights.shape)
        np.copyto(matrix.numpy(), weights, casting="same_kind")
        return cls(matrix.to(device), first, last)

    @property
    def rows(self) -> int:
        """Samples that it makes."""
        return self.matrix.shape[0]

    def span(self, start: int, stop: int) -> slice:
        """Return the samples that rows ``start`` to ``stop`` are made of."""
        return slice(int(self.first[start]), int(self.last[stop - 1]))

    def along_z(self, values: torch.Tensor, start: int, stop: int, out: torch.Tensor | None = None) -> torch.Tensor:
        """Return slices ``start`` to ``stop`` of the result ``(z', y, x)``.

        Parameters
        ----------
        values
            ``(z, y, x)``: all slices, or only those of :meth:`span`.
        start, stop
            Half-open range of the result's slices.
        out
            Written and returned if given; contiguous.
        """
        span = self.span(start, stop)
        part = values[span] if values.shape[0] == self.matrix.shape[1] else values
        if out is None:
            out = values.new_empty((stop - start, *values.shape[1:]))
        torch.mm(self.matrix[start:stop, span], part.reshape(part.shape[0], -1), out=out.view(stop - start, -1))
        return out

    def along_y(self, values: torch.Tensor) -> torch.Tensor:
        """Return ``(z, y', x)`` of ``(z, y, x)``."""
        out = values.new_empty((values.shape[0], self.rows, values.shape[2]))
        for rows, span in self._blocks(values.device):
            block = self.matrix[rows, span].expand(values.shape[0], -1, -1)
            torch.bmm(block, values[:, span], out=out[:, rows])
        return out

    def along_x(self, values: torch.Tensor) -> torch.Tensor:
        """Return ``(z, y, x')`` of ``(z, y, x)``."""
        out = values.new_empty((*values.shape[:2], self.rows))
        lines, made = values.reshape(-1, values.shape[2]), out.view(-1, self.rows)
        for rows, span in self._blocks(values.device):
            torch.mm(lines[:, span], self.matrix[rows, span].T, out=made[:, rows])
        return out

    def _blocks(self, device: torch.device) -> list[tuple[slice, slice]]:
        step = _BLOCK if device.type == "cpu" else self.rows
        ranges = [(start, min(start + step, self.rows)) for start in range(0, self.rows, step)]
        return [(slice(start, stop), self.span(start, stop)) for start, stop in ranges]


def applied(along: Sequence[Banded | None], values: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """Return slices ``start`` to ``stop`` of the result of three matrices, along z, y and x.

    Parameters
    ----------
    along
        The matrices; None changes nothing.
    values
        ``(z, y, x)``: all slices, or those that the result's slices need.
    start, stop
        Half-open range of the result's slices.
    """
    z, y, x = along
    values = values if z is None else z.along_z(values, start, stop)
    values = values if y is None else y.along_y(values)
    return values if x is None else x.along_x(values)


def gaussian(places: FloatArray, size: int, sigma: float) -> FloatArray:
    """Return weights ``(places, size)`` of a Gaussian around each place; rows sum to 1 and edges are repeated.

    Parameters
    ----------
    places
        Where the Gaussians are centred, in voxels.
    size
        Voxels along the axis.
    sigma
        Standard deviation in voxels, above 0.
    """
    reach = int(np.ceil(REACH * sigma))
    weights = _bells(places, np.arange(-reach, size + reach, dtype=np.float64), sigma)
    inside = weights[:, reach : reach + size].copy()
    inside[:, 0] += weights[:, :reach].sum(axis=1)
    inside[:, -1] += weights[:, reach + size :].sum(axis=1)
    inside /= inside.sum(axis=1, keepdims=True)
    return np.asarray(inside)


def linear(places: FloatArray, size: int) -> FloatArray:
    """Return weights ``(places, size)`` of linear interpolation at each place, in voxels; edges are repeated."""
    inside = np.clip(places, 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(inside[:, None] - np.arange(size))))


def steady(places: FloatArray, nodes: FloatArray, sigma: float) -> FloatArray:
    """Return weights ``(places, nodes)`` that make white noise on nodes a Gaussian process of unit variance."""
    weights = _bells(places, nodes, sigma)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True))


def _bells(places: FloatArray, nodes: FloatArray, sigma: float) -> FloatArray:
    """Return Gaussians about ``places``, 0 out of their reach but for the nearest node; nodes ascend.

    Of each row only the nodes that can be in reach are looked at: these are few.
    """
    reach = max(REACH * sigma, float(np.diff(nodes).max(initial=0.0)))
    first = np.searchsorted(nodes, places - reach) - 1
    width = int((np.searchsorted(nodes, places + reach, side="right") - first).max()) + 1
    columns = np.clip(first[:, None] + np.arange(width), 0, nodes.size - 1)
    distance = np.abs((places[:, None] - nodes[columns]) / sigma)
    kept = (distance < REACH) | (distance <= distance.min(axis=1, keepdims=True))
    bells = np.maximum(np.exp(-0.5 * distance * distance), np.finfo(np.float32).tiny)
    weights = np.zeros((places.size, nodes.size))
    np.put_along_axis(weights, columns, np.where(kept, bells, 0.0), axis=1)
    return weights
