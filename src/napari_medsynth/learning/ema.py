"""The moving average of weights: :class:`MovingAverage`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage(Callback):
    """Average of the weights after each step, exponentially forgetting; it is what is validated and kept.

    The decay begins low, ``(1 + n) / (10 + n)`` after ``n`` steps, so that weights of the first steps are forgotten in
    short trainings too (as TensorFlow's average of that name does).

    Parameters
    ----------
    decay
        Share of the average that stays at a step, once it has warmed up.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._average: dict[str, torch.Tensor] = {}
        self._steps = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the weights as they are, unless a checkpoint brought an average."""
        state = pl_module.state_dict()
        self._average = {
            name: self._average.get(name, value).detach().to(value.device, copy=True) for name, value in state.items()
        }

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the weights in, if they have changed."""
        if trainer.global_step == self._steps:
            return
        self._steps = trainer.global_step
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        update = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        state = pl_module.state_dict()
        names = [name for name, value in state.items() if value.is_floating_point()]
        update([self._average[name] for name in names], [state[name] for name in names], 0)
        for name in state.keys() - set(names):
            self._average[name].copy_(state[name])

    @contextmanager
    def in_place(self, module: LightningModule) -> Iterator[None]:
        """Put the average in the place of the weights while the block runs."""
        self._swap(module)
        try:
            yield
        finally:
            self._swap(module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average."""
        self._swap(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train on with the weights."""
        self._swap(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"steps": self._steps, "average": self._average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what a checkpoint kept."""
        self._steps, self._average = state_dict["steps"], state_dict["average"]

    @torch.no_grad()
    def _swap(self, module: LightningModule) -> None:
        for name, value in module.state_dict().items():
            kept = value.clone()
            value.copy_(self._average[name])
            self._average[name].copy_(kept)
