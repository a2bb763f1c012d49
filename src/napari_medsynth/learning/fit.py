"""The loop that every network is fitted by: :func:`fit`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import CheckpointIO
from lightning.pytorch.strategies import DDPStrategy

from ..core.errors import ConfigError
from ..core.progress import Job
from .batches import Examples, Patches, train_loader, validation_loader
from .beside import Teller, job_of
from .checkpoints import Checkpoint, read_state, write_state
from .devices import device_of, using_threads
from .ema import MovingAverage
from .learner import Learner
from .loop import Hooks, Loop
from .recompute import recomputing
from .run import Run
from .settings import FitSettings

Reason = Literal["epochs", "minutes", "patience"]


@dataclass(frozen=True)
class Fitted:
    """How a training ended.

    Parameters
    ----------
    epochs
        How many there were, over all resumes.
    best_epoch
        The one whose weights were kept, from 1.
    score
        What its validation found, higher is better; None if there was none.
    seconds
        How long it took, over all resumes.
    reason
        What ended it.
    """

    epochs: int
    best_epoch: int
    score: float | None
    seconds: float
    reason: Reason


def fit(
    learner: Learner,
    run: Run,
    settings: FitSettings,
    examples: Examples,
    cases: Sequence[Any],
    hooks: Hooks,
    *,
    patches: Patches | None = None,
    checkpoint: Checkpoint | None = None,
) -> Job[Fitted]:
    """Fit a network.

    Parameters
    ----------
    learner
        What is fitted.
    run
        Where log and checkpoints are written; whoever calls has to hold it.
    settings
        How; the batch size has to be known.
    examples
        What it learns from.
    cases
        What it is validated on; may be none.
    hooks
        What is done beside it.
    patches
        How large the examples of an epoch are; left out, as they are.
    checkpoint
        Where to go on from.

    Returns
    -------
    Job[Fitted]
        Yields how many batches are done. Closed, it ends at the next batch and leaves what the last epoch wrote.

    Raises
    ------
    ConfigError
        If device or precision are not to be had here.
    TrainingError
        If a loss is not finite; the message names the cases.
    WriteError
        If a checkpoint, log or model cannot be written; what was written before is whole.
    """
    machine = _machine(settings)

    def work(teller: Teller) -> Fitted:
        average = MovingAverage(settings.ema) if settings.ema is not None else None
        loop = Loop(run, settings, teller, hooks, average)
        trainer = Trainer(
            **machine,
            callbacks=[loop, average] if average else [loop],
            plugins=[_States()],
            max_epochs=settings.epochs,
            check_val_every_n_epoch=settings.validate_every,
            accumulate_grad_batches=settings.accumulate,
            gradient_clip_val=settings.clip,
            limit_val_batches=None if cases else 0,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=run.folder,
        )
        epoch = 0 if checkpoint is None else checkpoint.epoch
        rank, world = trainer.global_rank, trainer.world_size
        pin = machine["accelerator"] == "cuda"
        train = train_loader(examples, settings, patches=patches, epoch=epoch, rank=rank, world=world, pin=pin)
        validation = validation_loader(cases, rank=rank, world=world) if cases else None
        blocks = recomputing(learner.network) if settings.gradient_checkpointing else nullcontext()
        with using_threads(settings.threads), blocks:
            learner.train()  # a network that was read is set to be used, and would stay so
            trainer.fit(learner, train, validation, ckpt_path=None if checkpoint is None else checkpoint.path)
        return _fitted(trainer, loop)

    return job_of(work)


def _machine(settings: FitSettings) -> dict[str, Any]:
    """Return what the trainer needs to know of devices and precision."""
    device = device_of(settings.device)
    if settings.precision == "16-mixed" and device == "cpu":
        found = "FitSettings.precision is '16-mixed', which needs a GPU"
        raise ConfigError(f"{found}; expected '32' or 'bf16-mixed' on a CPU")
    if device == "cuda" and settings.devices > (there := torch.cuda.device_count()):
        raise ConfigError(
            f"FitSettings.devices is {settings.devices}; expected at most {there}, which is all there are"
        )
    if settings.nodes > 1 and not {"RANK", "SLURM_PROCID"} & os.environ.keys():
        found = f"FitSettings.nodes is {settings.nodes}"
        raise ConfigError(f"{found}; expected the same command to be started on each machine by torchrun or srun")
    together = settings.devices * settings.nodes > 1
    backend = "nccl" if device == "cuda" else "gloo"
    return {
        "accelerator": device,
        "devices": settings.devices,
        "num_nodes": settings.nodes,
        "precision": "32-true" if settings.precision == "32" else settings.precision,
        "strategy": DDPStrategy(process_group_backend=backend) if together else "auto",
    }


def _fitted(trainer: Trainer, loop: Loop) -> Fitted:
    standing = loop.standing
    reason: Reason = "epochs"
    if loop.timed_out:
        reason = "minutes"
    elif trainer.should_stop:
        reason = "patience"
    return Fitted(trainer.current_epoch, standing.best_epoch, standing.score, standing.seconds, reason)


class _States(CheckpointIO):
    """Lightning's checkpoints in our form."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write one."""
        write_state(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read one; its tensors are on the CPU, and go to where they are needed."""
        state: dict[str, Any] = read_state(Path(path))
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Delete one."""
        for suffix in (".json", ".safetensors"):
            Path(path).with_suffix(suffix).unlink(missing_ok=True)
