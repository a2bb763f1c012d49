"""Labels become tissue: each voxel gets a value of its class, :class:`Painter`."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch

from ..core.box import Box
from ..core.rng import child_seed, stream
from .banded import REACH, Banded, FloatArray, applied, gaussian, steady
from .codes import Codes
from .lattice import Lattice, Shape
from .random import NormalNoise, normal_nodes

#: Full width at half maximum of a Gaussian of standard deviation 1.
_FWHM = 2.3548200450309493
#: Weight and relative width of the fields that make up the grain of tissue; the squares of the weights sum to 1.
_OCTAVES = ((0.8, 1.0), (0.6, 2.5))
#: Voxels of a window whose field is kept: a few slices.
_MOST_KEPT = 1 << 21


class Painter:
    """Paint slabs of an image: of each class its mean, white variation and smooth variation.

    What is known of the classes lies in tables that are looked up with the labels, so that two hundred classes cost
    what five do. Slabs can be painted in any order and side by side.

    Parameters
    ----------
    labels
        Codes ``(z, y, x)`` of what is painted.
    codes
        What the codes stand for.
    channel
        One of ``params["channels"]``: ``intensities``, ``smooth`` and ``texture`` are read.
    seed
        Of the white noise.
    lattice
        The voxels of the whole image, of which ``labels`` may be a part.
    window
        Which part; None for all of it.
    """

    def __init__(
        self,
        labels: torch.Tensor,
        codes: Codes,
        channel: Mapping[str, Any],
        seed: int,
        lattice: Lattice,
        window: Box | None = None,
    ) -> None:
        self._labels, self._device = labels, labels.device
        shape: Shape = labels.shape  # type: ignore[assignment]
        texture = channel["texture"]
        means = {int(value): mean for value, mean, _ in channel["intensities"]}
        stds = {int(value): std for value, _, std in channel["intensities"]}
        known = {int(value): share for value, share in channel["smooth"]}
        shares = {value: _smooth_share(texture, value, known.get(value)) if texture else 0.0 for value in stds}
        white = {value: std * (1 - abs(shares[value])) ** 0.5 for value, std in stds.items()}
        slow = {value: std * math.copysign(abs(shares[value]) ** 0.5, shares[value]) for value, std in stds.items()}
        self._mean = codes.lut(means)
        self._mixing = _Mixing.of(texture, Lattice(shape, lattice.spacing), self._device)
        if self._mixing is not None:
            white = {value: std**2 for value, std in white.items()}
        self._white = codes.lut(white) if any(white.values()) else None
        self._slow = codes.lut(slow) if any(slow.values()) else None
        self._noise = NormalNoise(seed, self._device)
        self._field = _field_of(texture, lattice, self._device, window) if texture and self._slow is not None else None
        self._room = _Room()

    def paint(self, number: int, start: int, stop: int, out: torch.Tensor) -> None:
        """Paint slices ``start`` to ``stop``.

        Parameters
        ----------
        number
            Of the slab: its noise has a stream of its own.
        start, stop
            Half-open range of slices.
        out
            ``(stop - start, y, x)`` float32, written.
        """
        index, known, noise = self._room.of(out)
        index = self._index(start, stop, index)
        self._look_up(self._mean, index, start, stop, out)
        if self._slow is not None and self._field is not None:
            self._look_up(self._slow, index, start, stop, known)
            out.addcmul_(known, self._field.slab(start, stop))
        if self._white is not None:
            self._look_up(self._white, index, start, stop, known)
            if self._mixing is not None:  # then it holds variances
                known.clamp_(min=0).sqrt_()
            self._noise.fill(number, noise, index)
            out.addcmul_(known, noise)

    def _index(self, start: int, stop: int, room: torch.Tensor) -> torch.Tensor:
        """Return the codes of the slices that some are painted of, as what PyTorch looks up tables with."""
        if self._mixing is None:
            return room.copy_(self._labels[start:stop].reshape(-1))
        return self._labels[self._mixing.slices(start, stop)].reshape(-1).to(torch.int32)

    def _look_up(self, table: torch.Tensor, index: torch.Tensor, start: int, stop: int, out: torch.Tensor) -> None:
        """Write what ``table`` says of the labels into ``out``; of voxels of several classes, their mean."""
        if self._mixing is None:
            torch.index_select(table, 0, index, out=out.view(-1))
        else:
            known = table.index_select(0, index).view(-1, *out.shape[1:])
            out.copy_(applied(self._mixing.along, known, start, stop))


class _Room(threading.local):
    """Arrays that each thread works in, made once: fresh memory would have to be cleared by the system each time."""

    def of(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return an int32 array of one axis, of the size of ``like``, and two float32 arrays of its shape."""
        size = like.numel()
        if size > getattr(self, "size", 0):
            self.size = size
            self.index = torch.empty(size, dtype=torch.int32, device=like.device)
            self.first, self.second = (torch.empty(size, device=like.device) for _ in range(2))
        return self.index[:size], self.first[:size].view(like.shape), self.second[:size].view(like.shape)


class _Mixing:
    """The blur that lets classes share voxels."""

    def __init__(self, fwhm: float, lattice: Lattice, device: torch.device) -> None:
        @cache  # axes that are alike share a matrix
        def blur(size: int, sigma: float) -> Banded:
            return Banded.of(gaussian(np.arange(size, dtype=np.float64), size, sigma), device)

        self.along: list[Banded | None] = [None, None, None]
        for axis in lattice.axes:
            self.along[axis] = blur(lattice.shape[axis], fwhm / _FWHM / lattice.spacing[axis])

    @classmethod
    def of(cls, texture: Mapping[str, Any] | None, lattice: Lattice, device: torch.device) -> _Mixing | None:
        """Return the blur that was drawn, or None if there is none."""
        return cls(texture["partial_volume"], lattice, device) if texture and texture["partial_volume"] > 0 else None

    def slices(self, start: int, stop: int) -> slice:
        """Return which slices are needed for some."""
        return slice(start, stop) if self.along[0] is None else self.along[0].span(start, stop)


class TissueField:
    """A smooth random field of unit variance, made slab by slab, that stands for the grain of tissue.

    It is the sum of two: one of the width that was drawn and a weaker one of two and a half times that. A single width
    looks like a heap of equal blobs.

    Parameters
    ----------
    params
        What :meth:`~napari_medsynth.rendering.texture.Texture.draw` gave.
    lattice
        The voxels of the whole image.
    device
        Where it is made.
    window
        The part of the image that is wanted.
    """

    def __init__(
        self, params: Mapping[str, Any], lattice: Lattice, device: torch.device, window: Box | None = None
    ) -> None:
        box = window or Box((0, 0, 0), lattice.shape)
        seeds = stream(params["seed"], step="octaves")
        self._octaves = [
            (weight, _Octave(params["fwhm"] * factor, child_seed(seeds), lattice, box, device))
            for weight, factor in _OCTAVES
        ]

    def slab(self, start: int, stop: int) -> torch.Tensor:
        """Return slices ``start`` to ``stop`` of the window, ``(stop - start, y, x)`` float32."""
        (weight, fine), *others = self._octaves
        made = fine.slab(start, stop).mul_(weight)
        for weight, octave in others:
            made.add_(octave.slab(start, stop), alpha=weight)
        return made


class _Octave:
    """Gaussian bells on white noise at the nodes of a coarse grid.

    Each voxel's weights of the nodes around it have a sum of squares of 1, so that the variance is 1 everywhere.
    """

    def __init__(self, fwhm: float, seed: int, lattice: Lattice, box: Box, device: torch.device) -> None:
        @cache  # axes that are alike share a matrix
        def bells(size: int, spacing: float, start: int, stop: int) -> Banded | None:
            sigma = fwhm / spacing / _FWHM
            return Banded.of(_weights(size, sigma, np.arange(start, stop)), device) if size > 1 else None

        axes = zip(lattice.shape, lattice.spacing, box.start, box.stop, strict=True)
        self._along = [bells(*axis) for axis in axes]
        counts = tuple(1 if along is None else along.matrix.shape[1] for along in self._along)
        self._nodes = normal_nodes(seed, counts, device)
        self._look_along(box.shape)

    def _look_along(self, shape: Sequence[int]) -> None:
        """Leave out early what a thin window does not show: along y or x, before all slices are made along z."""
        for axis, along in ((1, Banded.along_y), (2, Banded.along_x)):
            matrix = self._along[axis]
            if matrix is not None and 4 * shape[axis] < self._nodes.shape[axis]:
                self._nodes, self._along[axis] = along(matrix, self._nodes), None

    def slab(self, start: int, stop: int) -> torch.Tensor:
        """Return slices ``start`` to ``stop`` of the window."""
        return applied(self._along, self._nodes, start, stop)


class _Seen:
    """The field of a window, made once."""

    def __init__(self, made: torch.Tensor) -> None:
        self._made = made

    def slab(self, start: int, stop: int) -> torch.Tensor:
        """Return slices ``start`` to ``stop``; not to be written."""
        return self._made[start:stop]


def _field_of(
    texture: Mapping[str, Any], lattice: Lattice, device: torch.device, window: Box | None
) -> TissueField | _Seen:
    """Return the field of an image, or that of a window: a hand that moves a slider asks for it again and again."""
    if window is None or math.prod(window.shape) > _MOST_KEPT:
        return TissueField(texture, lattice, device, window)
    return _Seen(_seen(texture["fwhm"], texture["seed"], lattice, device, window))


@lru_cache(maxsize=4)
def _seen(fwhm: float, seed: int, lattice: Lattice, device: torch.device, window: Box) -> torch.Tensor:
    return TissueField({"fwhm": fwhm, "seed": seed}, lattice, device, window).slab(0, window.shape[0])


def _smooth_share(texture: Mapping[str, Any], value: int, known: float | None) -> float:
    """Return the share of a class's variance that is smooth; below 0 if its field is the negative of the others'.

    Neighbours would otherwise be bright and dark at the same places.
    """
    rng = stream(texture["seed"], value, "share")
    low, high = texture["share"]
    drawn = float(low + (high - low) * rng.random())
    return (drawn if known is None else known) * (1 if rng.random() < 0.5 else -1)


def _weights(size: int, sigma: float, places: np.ndarray[Any, Any]) -> FloatArray:
    """Return how voxels are made of nodes, which are a standard deviation apart, or a voxel if that is more."""
    step = max(sigma, 1.0)
    margin = int(np.ceil(REACH * sigma / step))
    nodes = np.arange(-margin, np.ceil((size - 1) / step) + margin + 1) * step
    return steady(places.astype(np.float64), nodes, sigma)


def noise_seed(seed: int, channel: int) -> int:
    """Return the seed of a channel's white noise, from that of the whole rendering."""
    return child_seed(stream(seed, channel, "paint"))
