"""A network applied tile by tile: :class:`Tiles`, and what it gives for each, :class:`Averaged`.

MONAI has the weights of a tile's voxels and the places of tiles; its own loop, ``sliding_window_inference``, can
neither be stopped nor say how far it is, and goes over all classes of the whole image once more to divide them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch import nn
from torch.nn.functional import pad

#: Width of the Gaussian that weighs the voxels of a tile, in tiles, as nnU-Net has it (Isensee et al. 2021).
SIGMA = 0.125

Window = tuple[slice, ...]


@dataclass(frozen=True)
class Mirror:
    """A mirror image that is segmented too.

    Parameters
    ----------
    axes
        Axes of a tile that are reversed, counted from the end: -1 is the last.
    classes
        For each class, the one that it is in the mirror image: left and right exchanged where sides are.
    """

    axes: tuple[int, ...]
    classes: tuple[int, ...]


class Averaged(nn.Module):
    """What a network gives, averaged over mirror images.

    Parameters
    ----------
    network
        Gives logits ``(B, K, *tile)``.
    mirrors
        Those that are averaged with the image as it is.
    """

    def __init__(self, network: nn.Module, mirrors: Sequence[Mirror] = ()) -> None:
        super().__init__()
        self.network, self.mirrors = network, tuple(mirrors)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return ``(B, K, *tile)`` of ``(B, C, *tile)``: mean probabilities; logits if there are no mirrors."""
        total: torch.Tensor = self.network(batch).float()
        if not self.mirrors:
            return total
        total = torch.softmax(total, dim=1)
        for mirror in self.mirrors:
            found = torch.softmax(self.network(batch.flip(mirror.axes)).float(), dim=1)
            total += found.flip(mirror.axes)[:, list(mirror.classes)]
        return total.div_(1 + len(self.mirrors))


@dataclass(frozen=True)
class Tiles:
    """Where the tiles of an image lie.

    Parameters
    ----------
    size
        Voxels of the image along each axis that tiles have.
    tile
        Of a tile; an image that is smaller is surrounded by zeros, as in training.
    overlap
        Share of a tile that it has in common with the next, 0 … 0.9.
    """

    size: tuple[int, ...]
    tile: tuple[int, ...]
    overlap: float

    @property
    def padded(self) -> tuple[int, ...]:
        """Size of the image with its surroundings."""
        return tuple(max(n, t) for n, t in zip(self.size, self.tile, strict=True))

    @cached_property
    def windows(self) -> list[Window]:
        """The tiles, in the order of the axes."""
        steps = [
            t if n == t else max(1, int(t * (1 - self.overlap))) for n, t in zip(self.padded, self.tile, strict=True)
        ]
        return [tuple(window) for window in dense_patch_slices(self.padded, self.tile, steps)]

    @cached_property
    def weights(self) -> torch.Tensor:
        """``(*tile)`` float32: how much each voxel of a tile counts."""
        made: torch.Tensor = compute_importance_map(self.tile, mode="gaussian", sigma_scale=SIGMA)
        return made

    @cached_property
    def total(self) -> torch.Tensor:
        """``(*padded)``: the weights of all tiles at each voxel, added up."""
        total = torch.zeros(self.padded)
        for window in self.windows:
            total[window] += self.weights
        return total

    @property
    def inside(self) -> Window:
        """Where the image lies among its surroundings."""
        return tuple(slice(a, a + n) for (a, _), n in zip(self._spread, self.size, strict=True))

    def blending(self, network: nn.Module, images: torch.Tensor, found: torch.Tensor, batch: int) -> Iterator[None]:
        """Apply a network to images, tile by tile; yields after each batch.

        Parameters
        ----------
        network
            Gives ``(B, K, *tile)`` on the device that its parameters are on; see :class:`Averaged`.
        images
            float32 ``(N, C, *size)``.
        found
            ``(N, K, *padded)`` of zeros on the processor, to which the tiles are added; :attr:`inside` is the image.
        batch
            Tiles that go through the network together.
        """
        if self.padded != self.size:
            images = pad(images, [n for pair in reversed(self._spread) for n in pair])
        device = next((p.device for p in network.parameters()), torch.device("cpu"))
        jobs = [(n, window) for n in range(len(images)) for window in self.windows]
        for start in range(0, len(jobs), batch):
            chosen = jobs[start : start + batch]
            with torch.inference_mode():
                made = network(
                    torch.stack([images[n][(slice(None), *window)] for n, window in chosen]).to(device)
                ).cpu()
                for one, (n, window) in zip(made, chosen, strict=True):
                    # As a share of all weights there, so that nothing need be divided by them afterwards.
                    found[n][(slice(None), *window)].addcmul_(one, self.weights / self.total[window])
            yield

    @property
    def _spread(self) -> list[tuple[int, int]]:
        """How many zeros go before and after the image, along each axis."""
        lacks = [whole - n for n, whole in zip(self.size, self.padded, strict=True)]
        return [(lack // 2, lack - lack // 2) for lack in lacks]
