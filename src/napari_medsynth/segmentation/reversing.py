"""A network whose axes are the other way round than ours: :class:`Reversed`."""

from __future__ import annotations

import torch
from torch import nn


class Reversed(nn.Module):
    """Gives a network ``(B, C, x, y, z)`` of ``(B, C, z, y, x)``, and turns what it gives back.

    Parameters
    ----------
    network
        MONAI's readers make arrays in the order x, y, z, so that is what its networks have learned.
    ndim
        Axes of its images.
    """

    def __init__(self, network: nn.Module, ndim: int) -> None:
        super().__init__()
        self.network = network
        self._order = (0, 1, *range(1 + ndim, 1, -1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return logits ``(B, K, *tile)``."""
        made: torch.Tensor = self.network(batch.permute(self._order).contiguous())
        return made.permute(self._order)
