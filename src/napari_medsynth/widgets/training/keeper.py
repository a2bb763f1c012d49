"""Processes that this viewer started, and looks at runs, twice a second: :class:`Keeper`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from ...core.errors import MedsynthError
from ...learning.run import Run, stop_run
from ..background import in_background
from ..child import PROGRAM
from .order import Order, started
from .watch import Look, Row, list_runs, look

_TICK_MS = 500
_LIST_EVERY = 4  #: looks at the run that is shown, between two at all of them

#: Of this viewer, by folder: whoever started a process has to ask how it ended, or it stays as a zombie.
_started: dict[Path, tuple[subprocess.Popen[bytes], object]] = {}


class Keeper(QObject):
    """Looks at a run and at the folder of runs while the panel is there, and starts and stops processes.

    Parameters
    ----------
    parent
        Whose lifetime it shares.
    program
        The words that start ``medsynth``.

    Attributes
    ----------
    seen : Signal(Look)
        How the run that is watched stands.
    listed : Signal(tuple)
        The runs of the folder, a :class:`~.watch.Row` each.
    failed : Signal(Exception)
        Something could not be done.
    """

    seen = Signal(object)
    listed = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject, program: Sequence[str] = PROGRAM) -> None:
        super().__init__(parent)
        self.program = program
        self.run: Run | None = None
        self.folder: Path | None = None
        self._asked: set[Path] = set()
        self._rows: tuple[Row, ...] | None = None
        self._ticks = 0
        self._pending = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @property
    def is_busy(self) -> bool:
        """Whether it is looking just now."""
        return bool(self._pending)

    def watch(self, run: Run | None) -> None:
        """Look at this run from now on."""
        self.run = run
        self._look()

    def list(self, folder: Path | None) -> None:
        """Look at the runs of this folder from now on."""
        self.folder, self._rows = folder, None
        self._list()

    def start(self, order: Order, *, resume: bool = False) -> None:
        """Start the process of an order, and watch it; raises as :func:`~.order.started` does."""
        before = order.run.about().get("updated") if order.run.exists() else None
        self._asked.discard(order.run.folder)
        _started[order.run.folder] = (started(order, resume=resume, program=self.program), before)
        self.watch(order.run)
        self._list()

    def stop(self, run: Run) -> None:
        """Ask the process of a run to stop; raises :class:`ConfigError` if it cannot be asked."""
        if run.exists() and run.state() == "running":
            stop_run(run)
        elif is_alive(run):
            _started[run.folder][0].terminate()
        self._asked.add(run.folder)
        self._look()

    def close(self) -> None:
        """Look no longer; what trains goes on."""
        self._timer.stop()

    def _tick(self) -> None:
        self._ticks += 1
        reap()
        if self._pending:
            return
        self._look()
        if self._ticks % _LIST_EVERY == 0:
            self._list()

    def _look(self) -> None:
        if self.run is None:
            return
        run = self.run
        launched = _started[run.folder][1] if run.folder in _started else None
        call = partial(look, run, launched=launched, alive=is_alive(run), asked=run.folder in self._asked)
        self._pending += 1
        in_background(self, call, self._on_seen, self._on_failed)

    def _list(self) -> None:
        if self.folder is not None:
            self._pending += 1
            ended = partial(self._on_listed, self.folder)
            in_background(self, partial(list_runs, self.folder), ended, self._on_failed)

    def _on_seen(self, seen: Look) -> None:
        self._pending -= 1
        if seen.run == self.run:
            self.seen.emit(seen)

    def _on_listed(self, folder: Path, rows: tuple[Row, ...]) -> None:
        self._pending -= 1
        if folder == self.folder and rows != self._rows:
            self._rows = rows
            self.listed.emit(rows)

    def _on_failed(self, error: Exception) -> None:
        self._pending -= 1
        if not isinstance(error, MedsynthError):
            raise error
        self.failed.emit(error)


def is_alive(run: Run) -> bool:
    """Whether a process that this viewer started for a run lives."""
    kept = _started.get(run.folder)
    return kept is not None and kept[0].poll() is None


def reap() -> None:
    """Ask all processes whether they have ended."""
    for process, _ in _started.values():
        process.poll()
