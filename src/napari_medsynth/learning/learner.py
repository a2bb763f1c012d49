"""What can be fitted: :class:`Learner`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import nn

from .settings import FitSettings


class Learner(LightningModule, ABC):
    """A network, what it is trained to lower and how it is validated.

    ``training_step(batch, index)`` returns the loss; ``validation_step(case, index)`` adds to sums that
    :meth:`validated` returns. What a network keeps must be in its ``state_dict``.

    Parameters
    ----------
    network
        What is trained, in place.
    settings
        How.
    """

    #: What the score of :meth:`validated` is called where a person reads it.
    measure = "validation score"

    def __init__(self, network: nn.Module, settings: FitSettings) -> None:
        super().__init__()
        self.network, self.settings = network, settings

    @abstractmethod
    def validated(self) -> Mapping[str, Any]:
        """Return what the validation since the last call found, as plain JSON; over all processes.

        The entry ``"score"`` is what counts, higher is better, or None if nothing could be measured; it is not logged.
        """

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW (Loshchilov & Hutter 2019)."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return torch.optim.AdamW(trained, lr=self.settings.lr, weight_decay=self.settings.weight_decay)
