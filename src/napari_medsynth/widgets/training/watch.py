"""How a run stands, as its folder tells: :func:`look`. Neither Qt nor layers; called in a worker thread."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ...core.errors import MedsynthError, ReadError
from ...core.progress import Progress
from ...io.plainfile import reading
from ...learning.run import Run, find_runs
from ..child_output import Heard
from .order import ORDER, OUTPUT

Standing = Literal["starting", "running", "stopping", "finished", "stopped", "failed", "interrupted"]

_TAIL = 1 << 14  #: bytes of the output that are read
_RECENT = 5  #: epochs that time left is worked out of
_FIRST_S = 3  #: of the first epoch, before time left is worked out of the batches that are done
_ENOUGH = 2000  #: epochs that are kept of a long run

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """What was seen of a run.

    Parameters
    ----------
    run
        Which one.
    state
        How it stands.
    about
        What ``run.json`` says; empty before there is one.
    log
        One entry an epoch.
    samples
        Pictures, in the order of epochs.
    progress
        What its process said last.
    message
        Why it failed, or what else is to be known.
    at
        When it was seen, in seconds since 1970.
    logged_at
        When its last epoch ended; 0 if none has.
    has_model
        Whether it has a model.
    is_ours
        Whether a Train panel started it.
    """

    run: Run
    state: Standing
    about: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Entry, ...] = ()
    samples: tuple[Path, ...] = ()
    progress: Progress = field(default_factory=partial(Progress, 0, 0))
    message: str = ""
    at: float = 0.0
    logged_at: float = 0.0
    has_model: bool = False
    is_ours: bool = False

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 … 1; None before it is known."""
        minutes = self.fit.get("minutes")
        if isinstance(minutes, int | float):
            return min(1.0, self.seconds / (60 * minutes))
        return self.progress.done / self.progress.total if self.progress.total else None

    @property
    def fit(self) -> Mapping[str, Any]:
        """The settings of the loop."""
        settings = self.about.get("settings")
        found = settings.get("fit") if isinstance(settings, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def best(self) -> Entry | None:
        """The epoch whose weights were kept last."""
        return next((entry for entry in reversed(self.log) if entry.get("best")), None)

    @property
    def seconds(self) -> float:
        """Seconds that it has trained, pauses left out."""
        done = float(self.log[-1].get("seconds") or 0.0) if self.log else 0.0
        if self.state not in ("running", "stopping") or "labels" not in self.about:  # it still reads its cases
            return done
        return done + max(0.0, self.at - max(self.logged_at, self._started))

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it ends at the latest; None before it is known."""
        ends = []
        per_epoch, epochs, minutes = self._seconds_an_epoch, self.fit.get("epochs"), self.fit.get("minutes")
        if per_epoch is not None and isinstance(epochs, int):
            done = int(self.log[-1]["epoch"])
            past = self.seconds - float(self.log[-1].get("seconds") or 0.0)
            ends.append(max(0.0, (epochs - done) * per_epoch - past))
        elif self.share and self.progress.note.startswith("epoch") and self.seconds > _FIRST_S:
            ends.append(self.seconds * (1 - self.share) / self.share)
        if isinstance(minutes, int | float):
            ends.append(max(0.0, 60 * minutes - self.seconds))
        return min(ends, default=None)

    @property
    def _seconds_an_epoch(self) -> float | None:
        if not self.log:
            return None
        last, first = self.log[-1], self.log[max(0, len(self.log) - _RECENT - 1)]
        epochs = len(self.log[-_RECENT - 1 :]) - 1
        if not epochs:
            return float(last.get("seconds") or 0.0) / max(1, int(last.get("epoch") or 1))
        return max(0.0, float(last["seconds"]) - float(first["seconds"])) / epochs

    @property
    def _started(self) -> float:
        """When this process began to train: it says so before its first batch, and then after each epoch."""
        since = self.about.get("updated")
        return float(since) if isinstance(since, int | float) else self.at


def look(run: Run, *, launched: object = None, alive: bool = False, asked: bool = False) -> Look:
    """See how a run stands.

    Parameters
    ----------
    run
        Which one.
    launched
        What ``run.json`` said of its last change when a process was started; as long as it says the same, and the
        process lives, that is starting.
    alive
        Whether that process lives.
    asked
        Whether the run was asked to stop.
    """
    heard = heard_of(run.folder / OUTPUT)
    now = time.time()
    try:
        about, state = (run.about(), run.state()) if run.exists() else ({}, None)
        log = tuple(run.log()[-_ENOUGH:])
    except ReadError as error:
        return Look(run, "failed", message=str(error), at=now)
    if alive and (state is None or about.get("updated") == launched):
        standing: Standing = "starting"
    elif state is None and asked:
        standing, about = "stopped", {"message": "it was stopped before it began"}
    elif state is None or (about.get("updated") == launched and launched is not None and heard.problem):
        standing = "failed"  # it never began
        about = {**about, "message": heard.problem or "its process ended and said nothing"}
    else:
        standing = "stopping" if state == "running" and asked else state
    samples = tuple(sorted(run.samples.glob("epoch_*.png")))
    return Look(
        run,
        standing,
        about,
        log,
        samples,
        heard.progress,
        _message(standing, about, heard),
        now,
        run.log_file.stat().st_mtime if log else 0.0,
        has_model=run.best.is_file(),
        is_ours=(run.folder / ORDER).is_file(),
    )


def heard_of(path: Path) -> Heard:
    """Return what a process has told in a file, the end of it; nothing if there is none."""
    heard = Heard()
    if not path.is_file():
        return heard
    with reading(path), open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        lines = file.read(_TAIL).splitlines()
    for line in lines:
        heard.take_output(line) if line.startswith(b"{") else heard.take_error(line)
    return heard


@dataclass(frozen=True)
class Row:
    """A run in the list: how it stands, how far it came, how good it is."""

    run: Run
    state: Standing
    epochs: int
    dice: float | None


def list_runs(folder: Path) -> tuple[Row, ...]:
    """Return the runs of a folder, the one that changed last first; those that cannot be read count as failed."""
    found = []
    for run in find_runs(folder) if folder.is_dir() else ():
        try:
            about, state, log = run.about(), run.state(), run.log()
        except MedsynthError:
            about, state, log = {}, "failed", []
        best: Entry = next((entry for entry in reversed(log) if entry.get("best")), {})
        updated = about.get("updated")
        when = float(updated) if isinstance(updated, int | float) else 0.0
        found.append((when, Row(run, state, len(log), best.get("val_dice"))))
    return tuple(row for _, row in sorted(found, key=lambda pair: -pair[0]))


def _message(standing: Standing, about: Mapping[str, Any], heard: Heard) -> str:
    if standing == "interrupted":
        return "its process was ended from outside; Resume goes on with the last whole epoch"
    if standing != "failed":
        return str(about.get("message") or "")
    return str(about.get("message") or heard.problem or "its process ended and said nothing")
