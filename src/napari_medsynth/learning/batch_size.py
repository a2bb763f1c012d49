"""The largest batch that fits: :func:`largest_batch`."""

from __future__ import annotations

import copy
from typing import cast

import psutil
import torch
from torch.utils.data import default_collate

from ..core.errors import TrainingError
from .batches import Examples
from .learner import Learner

#: Larger ones make a step no faster per example.
MOST = 64

#: Share of the free memory that a step may take.
_SHARE = 0.6


def largest_batch(learner: Learner, examples: Examples, device: str) -> int:
    """Find the largest power of two of examples whose step fits into the memory that is free, at most 64.

    It is estimated from what the steps of one and two examples keep for their gradients, and on a GPU tried. Weights,
    random generators and the examples' order are as they were afterwards.

    Raises
    ------
    TrainingError
        If one example does not fit.
    """
    trial = copy.deepcopy(learner).to(device).train()
    examples.set_epoch(0)
    example = examples[0]
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count())) if device == "cuda" else []):
        one, two = _kept(trial, example, 1), _kept(trial, example, 2)
        most = _power(min(MOST, len(examples)), one, max(two - one, 1), _free(device))
        while device == "cuda" and most and not _runs(trial, example, most):
            most //= 2
    if most == 0:
        needed, free = one / 1e9, _free(device) / 1e9
        expected = "expected a smaller patch or network, or gradient_checkpointing"
        raise TrainingError(f"one example takes {needed:.1f} GB of the {free:.1f} GB that are free; {expected}")
    return most


def _power(most: int, one: int, each: int, free: float) -> int:
    """Return the largest power of two, or 0."""
    fits = 1 + int((_SHARE * free - one) // each)
    size = min(most, fits)
    return 1 << (size.bit_length() - 1) if size > 0 else 0


def _kept(learner: Learner, example: object, count: int) -> int:
    """Return the bytes that a step keeps for the gradients of ``count`` examples; the same storage counts once."""
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        learner.training_step(_batch(learner, example, count), 0)
    return sum(storages.values())


def _runs(learner: Learner, example: object, count: int) -> bool:
    try:
        loss = learner.training_step(_batch(learner, example, count), 0)
        torch.autograd.backward(cast("torch.Tensor", loss))
    except torch.OutOfMemoryError:
        return False
    finally:
        learner.zero_grad()
        torch.cuda.empty_cache()
    return True


def _batch(learner: Learner, example: object, count: int) -> object:
    return learner.transfer_batch_to_device(default_collate([example] * count), learner.device, 0)


def _free(device: str) -> int:
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else int(psutil.virtual_memory().available)
