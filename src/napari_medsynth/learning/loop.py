"""What happens around the steps of a training: :class:`Loop`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ..core.errors import TrainingError
from ..core.progress import Progress
from ..core.rng import child_seed, stream
from .batches import names_in
from .beside import Teller
from .checkpoints import Checkpoints
from .ema import MovingAverage
from .learner import Learner
from .rates import PLATEAU, rate
from .run import Run
from .settings import FitSettings

#: Seconds between two notes, and between two looks at the losses: a look waits for the device.
_SECONDS = 0.1

#: Share of the time that checkpoints may take.
_SHARE = 0.05

Entry = dict[str, Any]


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Ends a training whose job was closed; nobody outside :mod:`.fit` sees it."""


@dataclass
class Standing:
    """How a training stands; kept in its checkpoints.

    Parameters
    ----------
    seconds
        How long it took, over all resumes.
    score
        The best that a validation found.
    best_epoch
        When that was, from 1; 0 for not yet.
    lowered
        How often the learning rate was halved.
    lowered_epoch
        When it was last.
    """

    seconds: float = 0.0
    score: float | None = None
    best_epoch: int = 0
    lowered: int = 0
    lowered_epoch: int = 0

    def take(self, epoch: int, score: float | None) -> bool:
        """Take in an epoch's score and return whether its weights are to be kept: until one is known, the latest."""
        better = self.score is None if score is None else self.score is None or score > self.score
        if better:
            self.score, self.best_epoch = score, epoch
        since = epoch - max(self.best_epoch, self.lowered_epoch)
        if self.score is not None and since >= PLATEAU:
            self.lowered, self.lowered_epoch = self.lowered + 1, epoch
        return better


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What is done beside the training, by its main process, while the network has the weights that would be kept.

    Parameters
    ----------
    keep
        Called with the entry of an epoch that is the best so far.
    show
        Called with the entry of each epoch that was validated.
    ended
        Called with the entry of each epoch.
    """

    keep: Callable[[Entry], None]
    show: Callable[[Entry], None]
    ended: Callable[[Entry], None]


class Loop(Callback):
    """Learning rate, losses, notes, the best model, checkpoints and the end.

    Parameters
    ----------
    run
        Where it is written.
    settings
        How it is fitted.
    teller
        Who is told.
    hooks
        What else is done.
    average
        The average of weights that is validated and kept, if there is one.
    """

    def __init__(
        self, run: Run, settings: FitSettings, teller: Teller, hooks: Hooks, average: MovingAverage | None
    ) -> None:
        self._run, self._settings, self._teller, self._hooks, self._average = run, settings, teller, hooks, average
        self.standing = Standing()
        self.timed_out = False
        self._losses = Losses()
        self._began = self._told = self._saved = time.monotonic()
        self._cost = 0.0
        self._last = ""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock where it was stopped."""
        self._began = time.monotonic() - self.standing.seconds

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed what networks draw themselves (dropout) by epoch, and validate the last one in any case."""
        number = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(child_seed(stream(self._settings.seed, number, "dropout")))
        if trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1
        self._losses = Losses()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set the learning rate."""
        done = max(trainer.global_step / max(self._steps(trainer), 1), self._share_of_time())
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate(self._settings, trainer.global_step, done, self.standing.lowered)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the loss, tell how far it is, and end if that is asked for or the time is over."""
        self._losses.add(outputs["loss"] * trainer.accumulate_grad_batches, names_in(batch))
        if time.monotonic() - self._told >= _SECONDS:
            self._losses.look()
            self._tell(trainer, batch_idx + 1, f" · loss {self._losses.mean:.3f}{self._last}")
        if self._agreed(trainer, self._teller.stopped):
            raise Stopped
        if self._settings.minutes and self._agreed(trainer, self._share_of_time() >= 1):
            self.timed_out = trainer.should_stop = True
            trainer.check_val_every_n_epoch = 1  # what was learned in this epoch is validated, and may be the best

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Tell how far it is; end if that is asked for."""
        if time.monotonic() - self._told >= _SECONDS:
            self._tell(trainer, int(trainer.num_training_batches), f" · validating{self._last}")
        if self._teller.stopped and trainer.world_size == 1:  # several have to agree, and do so after a batch
            raise Stopped

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the epoch, keep the model if it is the best, and write a checkpoint."""
        self.standing.seconds = time.monotonic() - self._began
        learner = cast("Learner", pl_module)
        found = dict(learner.validated())
        score = found.pop("score")
        epoch = trainer.current_epoch + 1
        entry = {"epoch": epoch, "step": trainer.global_step, "loss": self._losses.over_all(trainer), **found}
        best = self.standing.take(epoch, score)
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        entry |= {"lr": lr, "seconds": round(self.standing.seconds, 3), "best": best}
        if trainer.is_global_zero:
            self._write(learner, entry, validated=score is not None)
        if self._waited_enough(epoch):
            trainer.should_stop = True
        self._save(trainer, epoch)
        if score is not None:
            self._last = f" · {learner.measure} {score:.3f}"
        self._tell(trainer, 0, f" · loss {entry['loss']:.3f}{self._last}", epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return asdict(self.standing)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what a checkpoint kept."""
        self.standing = Standing(**state_dict)

    def _write(self, learner: Learner, entry: Entry, *, validated: bool) -> None:
        """Write what is seen from outside; the log last, so that what it tells of is there."""
        averaged: AbstractContextManager[None] = self._average.in_place(learner) if self._average else nullcontext()
        with averaged:
            if entry["best"]:
                self._hooks.keep(entry)
            if validated:
                self._hooks.show(entry)
        self._run.append(entry)
        self._hooks.ended(entry)

    def _save(self, trainer: Trainer, epoch: int) -> None:
        """Write a checkpoint, unless they would take too much of the time or the epoch was cut short."""
        now = time.monotonic()
        last = trainer.should_stop or epoch == trainer.max_epochs
        due = not self.timed_out and (last or now - self._saved >= self._cost / _SHARE)
        if trainer.strategy.broadcast(due):
            checkpoints = Checkpoints(self._run.checkpoints)
            trainer.save_checkpoint(checkpoints.path(epoch))
            if trainer.is_global_zero:
                checkpoints.sweep(epoch)
            self._saved = time.monotonic()
            self._cost = self._saved - now

    def _waited_enough(self, epoch: int) -> bool:
        waited = epoch - self.standing.best_epoch
        return (
            self._settings.patience is not None
            and self.standing.score is not None
            and waited >= self._settings.patience
        )

    def _share_of_time(self) -> float:
        minutes = self._settings.minutes
        return 0.0 if minutes is None else (time.monotonic() - self._began) / (60 * minutes)

    def _steps(self, trainer: Trainer) -> int:
        batches = int(trainer.num_training_batches)
        return math.ceil(batches / trainer.accumulate_grad_batches) * (trainer.max_epochs or 1)

    def _tell(self, trainer: Trainer, batches: int, text: str, epoch: int | None = None) -> None:
        if trainer.is_global_zero:
            each = int(trainer.num_training_batches)
            done = (trainer.current_epoch if epoch is None else epoch) * each + batches
            note = f"epoch {epoch or trainer.current_epoch + 1}/{trainer.max_epochs}{text}"
            self._teller.tell(Progress(done, each * (trainer.max_epochs or 1), note))
            self._told = time.monotonic()

    def _agreed(self, trainer: Trainer, mine: bool) -> bool:
        """Whether any of the processes that train together says so."""
        return mine if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(mine, all=False)


class Losses:
    """The losses of an epoch so far, looked at now and then."""

    def __init__(self) -> None:
        self._pending: list[tuple[torch.Tensor, tuple[str, ...]]] = []
        self._sum, self._count = 0.0, 0

    def add(self, loss: torch.Tensor, names: tuple[str, ...]) -> None:
        """Add the loss of a batch that was made of these cases."""
        self._pending.append((loss.detach(), names))

    def look(self) -> None:
        """Take the losses in that were added.

        Raises
        ------
        TrainingError
            If one is no finite number; the message names its cases.
        """
        if not self._pending:
            return
        for loss, (_, names) in zip(
            torch.stack([loss for loss, _ in self._pending]).tolist(), self._pending, strict=True
        ):
            if not math.isfinite(loss):
                made_of = f" of a batch made of {', '.join(names)}" if names else ""
                expected = "expected a finite number; look at these images, or lower the learning rate"
                raise TrainingError(f"the loss{made_of} is {loss}; {expected}")
            self._sum += loss
            self._count += 1
        self._pending.clear()

    @property
    def mean(self) -> float:
        """Mean of those that were looked at."""
        return self._sum / max(self._count, 1)

    def over_all(self, trainer: Trainer) -> float:
        """Return the mean over all batches of all processes."""
        self.look()
        sums = torch.tensor([self._sum, self._count], dtype=torch.float64 if trainer.world_size == 1 else torch.float32)
        total = trainer.strategy.reduce(sums.to(trainer.strategy.root_device), reduce_op="sum")
        return float(total[0] / total[1])
