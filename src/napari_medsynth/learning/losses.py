"""What segmentation networks are trained to lower: :class:`DiceCE`."""

from __future__ import annotations

from typing import cast

import torch
from monai.losses import DiceLoss
from torch import nn
from torch.nn import functional


class DiceCE(nn.Module):
    """Soft Dice plus cross-entropy, each of weight 1 (as in nnU-Net, Isensee et al. 2021).

    Dice is taken of each example and structure, background left out, and averaged over the structures that are there:
    one that an example does not have has no overlap to speak of, and finding it anyway is punished by the
    cross-entropy. So an example's loss depends on that example alone, and the loss of a batch is the mean of its
    examples', however they are divided among devices.
    """

    def __init__(self) -> None:
        super().__init__()
        self._dice = DiceLoss(include_background=False, softmax=True, to_onehot_y=True, reduction="none")

    def forward(self, logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Return the loss, a number.

        Parameters
        ----------
        logits
            ``(B, classes, *patch)``; taken as 32-bit numbers.
        classes
            int64 ``(B, *patch)``, 0 for background.
        """
        logits = logits.float()
        entropy = functional.cross_entropy(logits, classes)
        present = _present(classes, logits.shape[1])
        losses = self._dice(logits, classes[:, None]).flatten(1) * present
        return cast("torch.Tensor", entropy + (losses.sum(1) / present.sum(1).clamp(min=1)).mean())


def _present(classes: torch.Tensor, count: int) -> torch.Tensor:
    """Return float ``(B, count - 1)``: 1 where an example has the class, background left out."""
    there = torch.zeros(classes.shape[0], count, device=classes.device)
    return there.scatter_(1, classes.flatten(1), 1.0)[:, 1:]
