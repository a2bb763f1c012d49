"""From cases to the best model of a training: :func:`train`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError, LabelError, SplitError, shown
from ..core.progress import Job, Progress
from ..core.version import __version__
from ..datasets.found import CaseFacts, FoundCase
from ..datasets.splitting import Split, data_sum, read_split, split_cases, split_facts, write_split
from ..learning.batch_size import largest_batch
from ..learning.batches import Patches
from ..learning.checkpoints import Checkpoint, Checkpoints
from ..learning.devices import device_of, is_main_process
from ..learning.fit import Fitted, fit
from ..learning.keeping import Keeper, kept
from ..learning.loop import Entry, Hooks
from ..learning.resuming import require_same
from ..learning.run import Run
from .learner import SegmentationLearner
from .model import KIND, SegmentationModel
from .networks import NetworkSettings, divisor
from .pictures import write_sample
from .samples import TrainingData, preparing
from .settings import TrainSettings

Facts = dict[str, tuple[CaseFacts, ...]]

#: Progressive patches have their full size after this share of the epochs.
_GROWN = 0.5


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Parameters
    ----------
    run
        Its folder.
    model
        Weights of the best model; its card lies beside it.
    fitted
        How it went.
    """

    run: Run
    model: Path
    fitted: Fitted


def train(
    data: Sequence[FoundCase] | TrainingData,
    run: Run,
    settings: TrainSettings,
    *,
    split: Split | None = None,
    resume: bool = False,
) -> Job[Trained]:
    """Train a network to segment, and keep the best model beside the folder of the run.

    It is validated after each epoch (see :mod:`.validation`); the best is the one of the highest mean Dice, or the
    latest where there is nothing to validate on. A model that was there is replaced when the first is written.

    Parameters
    ----------
    data
        Cases; or examples and validation cases that are prepared already.
    run
        Where to; a new folder, or that of the training to go on with.
    settings
        What is trained on what, and how. With ``start``, network and inputs are those of that model.
    split
        Which of the cases are for what; left out, a fifth of the patients is for validation and a fifth is not used.
    resume
        Go on from the last whole checkpoint. Settings have to be the same; epochs and minutes may be more, device and
        workers others.

    Returns
    -------
    Job[Trained]
        Yields what is read, then how many batches are done. Closed, it stops at the next batch: the best model and the
        checkpoint of the last epoch stay, and it can be resumed.

    Raises
    ------
    ConfigError
        If settings do not fit each other, the device or the run; or there is a training already.
    LabelError
        If the labels are not those of the model at the start.
    TrainingError
        If the loss is no finite number; the message names the cases, and the best model so far is kept.
    ReadError, SplitError, WriteError
        If a file is damaged or cannot be written, someone else trains this run, or data would leak.
    """
    start = None if settings.start is None else SegmentationModel.read(settings.start)
    if start is not None:
        settings = replace(settings, network=NetworkSettings.from_json(start.card.network), inputs=start.spec)
    _require_fitting_patch(settings)
    before = _before(run, settings, resume=resume)
    with ExitStack() as stack:
        if is_main_process():
            stack.enter_context(run.held())
        keeper = stack.enter_context(kept(run, {"task": KIND, "settings": settings.to_json()}))
        facts: Facts = {}
        if not isinstance(data, TrainingData):
            split = _divided(data, run, settings, split, resume=resume)
            facts = split_facts(run.folder / "split.json") if is_main_process() else {}
            chosen = (split.of("train", data), split.of("val", data))
            data = yield from preparing(*chosen, settings, table=None if start is None else start.labels)
        model = _model(run, data, settings, start, facts)
        if settings.fit.batch_size == 0:
            yield Progress(0, 1, "finding the largest batch that fits into memory")
            settings = _with_batch(settings, model, data, before)
        found = _checkpoint(run, keeper) if resume else None
        if found is not None:
            yield Progress(0, 1, found.note)
        counts = {"train": len(facts.get("train", ())), "val": len(data.val)}
        keeper.write(
            labels=model.labels.to_json(),
            cases=counts,
            batch_size=settings.fit.batch_size,
            device=device_of(settings.fit.device),
        )
        learner = SegmentationLearner(model, settings.fit)
        hooks = _hooks(run, model, learner, keeper)
        fitted = yield from fit(
            learner,
            run,
            settings.fit,
            data.train,
            data.val,
            hooks,
            patches=_patches(settings) if settings.fit.progressive else None,
            checkpoint=None if found is None else found.checkpoint,
        )
    return Trained(run, run.best, fitted)


def _require_fitting_patch(settings: TrainSettings) -> None:
    """Raise :class:`ConfigError` unless the network can halve a patch as often as it does, with two voxels left.

    Of a single voxel, a normalisation makes 0 whatever it is; torch refuses it.
    """
    step, patch = divisor(settings.network), settings.inputs.patch
    if any(size % step for size in patch) or max(patch) == step:
        expected = f"multiples of {step} for network {settings.network.name!r}, one of them {2 * step} or more"
        raise ConfigError(f"InputSpec.patch is {list(patch)}; expected {expected}")


def _before(run: Run, settings: TrainSettings, *, resume: bool) -> dict[str, Any]:
    """Return what ``run.json`` says if a training goes on, or nothing if one begins; raises if it cannot."""
    if resume:
        about = run.about()
        require_same(about.get("settings", {}), settings.to_json(), str(run.folder))
        return about
    if is_main_process() and run.exists():
        raise ConfigError(
            f"{run.folder} holds a training that is {run.state()}; expected a new folder, or to resume it"
        )
    return run.about() if run.exists() else {}


def _divided(
    cases: Sequence[FoundCase], run: Run, settings: TrainSettings, split: Split | None, *, resume: bool
) -> Split:
    """Return the split, and write it down where a training begins."""
    path = run.folder / "split.json"
    if not resume:
        split = split or split_cases(cases, seed=settings.fit.seed)
        if is_main_process():
            write_split(path, split, cases, seed=settings.fit.seed)
        return split
    written = read_split(path, cases)
    if split is not None and split != written:
        raise SplitError(f"{path} divides the cases in another way; expected the same split to go on")
    return written


def _model(
    run: Run, data: TrainingData, settings: TrainSettings, start: SegmentationModel | None, facts: Facts
) -> SegmentationModel:
    """Return what is trained, with all on its card that is known before."""
    history: dict[str, Any] = {"settings": settings.to_json(), "seed": settings.fit.seed}
    history["cases"] = {name: [fact.to_json() for fact in facts.get(name, ())] for name in ("train", "val")}
    if start is None:
        made = SegmentationModel.new(run.name, settings.network, settings.inputs, data.table, seed=settings.fit.seed)
    else:
        ours, theirs = [[entry.value for entry in table] for table in (data.table, start.labels)]
        if ours != theirs:
            raise LabelError(f"the data have the labels {shown(ours)}; {settings.start} has {shown(theirs)}")
        made = start
        history["start"] = {"name": start.card.name, "weights_sha256": start.card.weights_sha256}
        history["start"] |= {"data_sha256": start.card.data_sha256, "training": dict(start.card.training)}
    sums = data_sum(facts.get("train", ()))
    card = replace(made.card, name=run.name, training=history, data_sha256=sums, metrics={}, weights_sha256="")
    return SegmentationModel(made.network.train(), replace(card, made_with=__version__))


def _with_batch(
    settings: TrainSettings, model: SegmentationModel, data: TrainingData, before: Mapping[str, Any]
) -> TrainSettings:
    """Return settings with a batch size: that of the run, where there is one, else the largest."""
    known = before.get("batch_size")
    if not isinstance(known, int) or known < 1:
        known = largest_batch(SegmentationLearner(model, settings.fit), data.train, device_of(settings.fit.device))
    return replace(settings, fit=replace(settings.fit, batch_size=known))


@dataclass(frozen=True)
class _Found:
    checkpoint: Checkpoint | None
    note: str


def _checkpoint(run: Run, keeper: Keeper) -> _Found:
    """Return where to go on from, and say so; the log is cut back to it."""
    newest = Checkpoints(run.checkpoints).newest()
    epoch = 0 if newest is None else newest.epoch
    problems = () if newest is None else newest.problems
    note = f"going on after epoch {epoch}" if newest else "there is no checkpoint yet: beginning anew"
    if is_main_process():
        run.cut_log(epoch)
        keeper.write(epochs=epoch, message="; ".join((*problems, note)) if problems else "")
    return _Found(newest, "; ".join((*problems, note)))


def _hooks(run: Run, model: SegmentationModel, learner: SegmentationLearner, keeper: Keeper) -> Hooks:
    def keep(entry: Entry) -> None:
        training = {**model.card.training, "epochs": entry["epoch"], "seconds": entry["seconds"]}
        validation = {"dice": entry["val_dice"], "structures": entry["dice"], "loss": entry["val_loss"]}
        model.save(run.best, training=training, metrics={"validation": validation})

    def show(entry: Entry) -> None:
        if learner.sample is not None:
            path = run.samples / f"epoch_{entry['epoch']:04d}.png"
            write_sample(path, learner.sample, model.labels)

    return Hooks(keep=keep, show=show, ended=lambda entry: keeper.write(epochs=entry["epoch"]))


def _patches(settings: TrainSettings) -> Patches:
    step = divisor(settings.network)
    return partial(growing_patch, settings.inputs.patch, step, max(1, round(settings.fit.epochs * _GROWN)))


def growing_patch(full: tuple[int, ...], step: int, epochs: int, epoch: int) -> tuple[int, ...]:
    """Return the patch of an epoch, from 0: half of the full one at first, growing in multiples of ``step`` to it.

    Parameters
    ----------
    full
        The full size.
    step
        What each size is a multiple of, at least twice.
    epochs
        When it is reached.
    """
    share = 0.5 + 0.5 * min(epoch / epochs, 1.0)
    return tuple(min(size, max(2 * step, math.ceil(size * share / step) * step)) for size in full)
