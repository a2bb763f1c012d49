"""How a network is fitted, whatever it learns: :class:`FitSettings`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.settings import Settings, setting

Precision = Literal["32", "16-mixed", "bf16-mixed"]


@dataclass(frozen=True, kw_only=True)
class FitSettings(Settings):
    """Loop, optimiser and machine."""

    epochs: int = setting(20, "Most epochs", low=1, high=100_000)
    minutes: float | None = setting(None, "Most minutes, after which the best model is kept", unit="min", low=0.01)
    steps_per_epoch: int | None = setting(None, "Batches an epoch; left out, as many as show every case once", low=1)
    batch_size: int = setting(4, "Examples a step; 0 finds the largest that fits into memory", low=0, high=4096)
    lr: float = setting(1e-3, "Learning rate of AdamW at its highest", low=1e-8, high=1.0)
    weight_decay: float = setting(1e-5, "Weight decay", low=0.0, high=1.0)
    schedule: Literal["cosine", "plateau", "constant"] = setting("cosine", "How the learning rate falls")
    warmup: int = setting(0, "Steps in which the learning rate rises first", low=0)
    patience: int | None = setting(None, "Epochs without a better validation after which training stops", low=1)
    ema: float | None = setting(None, "Decay of the moving average of weights, which is what is kept", low=0.5, high=1)
    accumulate: int = setting(1, "Batches whose gradients are added up to one step", low=1, high=1024)
    clip: float | None = setting(12.0, "Largest norm of the gradient", low=0.0)
    precision: Precision = setting("32", "Numbers: 32 bit, or mixed with 16")
    gradient_checkpointing: bool = setting(False, "Compute activations twice in place of keeping them")
    progressive: bool = setting(False, "Begin with patches of half the size; they grow until half of the epochs")
    device: Literal["auto", "cpu", "cuda", "mps"] = setting("auto", "Where it is trained")
    devices: int = setting(1, "Devices (on a CPU: processes) of each machine", low=1, high=64)
    nodes: int = setting(1, "Machines", low=1, high=1024)
    threads: int | None = setting(None, "Threads of a CPU for a step; left out, as PyTorch is set", low=1, high=256)
    workers: int = setting(0, "Processes that make examples; 0: the one that trains", low=0, high=64)
    validate_every: int = setting(1, "Epochs from one validation to the next", low=1)
    seed: int = setting(42, "Seed of all random draws", low=0)
