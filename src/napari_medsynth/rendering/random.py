"""Normal noise on the device where an image is made: :class:`NormalNoise`."""

from __future__ import annotations

import numpy as np
import torch

from ..core.noise import fill_normal, normal_quantiles, random_bits


class NormalNoise:
    """Standard normal numbers for one image, part by part, each part of a stream of its own.

    Parameters
    ----------
    seed
        Of the whole image.
    device
        Where they are made. The numbers of a CPU are those of :mod:`napari_medsynth.core.noise`, the same on every
        machine; a GPU makes its own, the same each time on that kind of GPU.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed, self._device = seed, device
        self._quantiles = torch.from_numpy(normal_quantiles().copy())

    def fill(self, part: int, out: torch.Tensor, index: torch.Tensor) -> None:
        """Fill ``out`` with the numbers of one part.

        Parameters
        ----------
        part
            Its number.
        out
            Float32, contiguous.
        index
            Int32 of at least as many entries, overwritten: room to work in.
        """
        if self._device.type != "cpu":
            fill_on_device(self._seed, part, out)
            return
        index = index.view(-1)[: out.numel()]
        np.copyto(index.numpy(), random_bits(self._seed, part, out.numel()), casting="unsafe")
        torch.index_select(self._quantiles, 0, index, out=out.view(-1))


def fill_on_device(seed: int, part: int, out: torch.Tensor) -> None:
    """Fill a tensor with standard normal numbers that the device on which it lies makes itself."""
    key = np.random.SeedSequence(seed, spawn_key=(part,)).generate_state(1, np.uint64)[0]
    out.normal_(generator=torch.Generator(out.device).manual_seed(int(key >> np.uint64(1))))


def normal_nodes(seed: int, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Return standard normal numbers for the nodes of a coarse grid: the same numbers on every device."""
    nodes = torch.empty(shape)  # memory of PyTorch's: see Banded.of
    fill_normal(nodes.numpy(), seed)
    return nodes.to(device)
