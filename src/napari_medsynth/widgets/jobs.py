"""Long work beside the viewer: jobs in napari's worker threads, with progress, elapsed time and Cancel.

A job is a generator of :class:`~napari_medsynth.core.progress.Progress` and never touches the viewer: what it returns
goes to ``done`` in the main thread. A cancelled or failed job therefore leaves all layers as they were.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import cancelable_progress
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Signal

from ..core.errors import MedsynthError
from ..core.progress import Job, Progress
from .job_bar import JobBar

__all__ = ["JobBar", "JobHandle", "one_step", "start_job"]

Result = TypeVar("Result")

_TICK_S = 0.05  #: progress is shown no more often, or a fast job would flood the event loop

_running: set[JobHandle] = set()  # whoever started a job need not keep its handle


@dataclass(frozen=True)
class _Outcome:
    """How a job ended: cancelled, with an error, or with its result."""

    result: Any = None
    error: Exception | None = None
    cancelled: bool = False


def one_step(call: Callable[[], Result], note: str = "") -> Callable[[], Job[Result]]:
    """Make a job of a call that takes a while and cannot be stopped on its way; Cancel drops what it returns."""

    def job() -> Job[Result]:
        yield Progress(0, 0, note)
        return call()

    return job


def start_job(
    job: Callable[[], Job[Result]],
    *,
    title: str,
    done: Callable[[Result], None],
    failed: Callable[[Exception], None] | None = None,
    cancelled: Callable[[], None] | None = None,
    bar: JobBar | None = None,
) -> JobHandle:
    """Run a job in a worker thread. To be called, as all of the viewer, in the main thread.

    Parameters
    ----------
    job
        Makes the generator. Cancelling acts at each of its yields: it is closed there, in the worker thread.
    title
        What it does, for the progress bars, e.g. ``"Finding lungs"``.
    done, failed, cancelled
        One of these is called in the main thread at the end. Without ``failed``, an error of ours is shown as one
        line, and any other goes to napari's error dialog.
    bar
        Shows the job and its Cancel button; the job is cancelled when the bar is destroyed. napari's activity dock
        shows it in any case.
    """
    handle = JobHandle(title, done, failed, cancelled)
    if bar is not None:
        bar.watch(handle)
        bar.destroyed.connect(handle.cancel)
    handle.start(job)
    return handle


class JobHandle(QObject):
    """A job under way.

    Attributes
    ----------
    progressed : Signal(Progress)
        How far it is; a total of 0 means that nobody knows.
    cancelling : Signal()
        Cancel was asked for.
    finished : Signal()
        It has ended, in whatever way; ``done``, ``failed`` or ``cancelled`` has been called.
    """

    progressed = Signal(object)
    cancelling = Signal()
    finished = Signal()

    def __init__(
        self,
        title: str,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        cancelled: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.title = title
        self._done, self._failed, self._cancelled = done, failed, cancelled
        self._stop = threading.Event()
        self._dock: _DockBar | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self in _running

    @property
    def is_cancelled(self) -> bool:
        """Whether Cancel was asked for; the job ends at its next yield."""
        return self._stop.is_set()

    def start(self, job: Callable[[], Job[Any]]) -> None:
        """Start it; once only."""
        _running.add(self)
        self._dock = _DockBar(total=0, desc=self.title, cancel_callback=self.cancel)
        create_worker(
            _steps,
            job,
            self._stop,
            _worker_class=_Worker,
            _connect={"yielded": self._on_progress, "returned": self._on_end},
        )

    def cancel(self) -> None:
        """Ask it to stop; its result is dropped even if it was ready."""
        if not self._stop.is_set():
            self._stop.set()
            self.cancelling.emit()

    def _on_progress(self, step: Progress) -> None:
        if self._dock is not None:
            self._dock.show_step(step, self.title)
        self.progressed.emit(step)

    def _on_end(self, outcome: _Outcome) -> None:
        _running.discard(self)
        if self._dock is not None:
            self._dock.close()
        try:
            self._report(outcome)
        finally:
            self.finished.emit()

    def _report(self, outcome: _Outcome) -> None:
        if self.is_cancelled:
            if self._cancelled is not None:
                self._cancelled()
        elif outcome.error is None:
            self._done(outcome.result)
        elif self._failed is not None:
            self._failed(outcome.error)
        elif isinstance(outcome.error, MedsynthError):
            show_error(str(outcome.error))
        else:
            raise outcome.error


class _DockBar(cancelable_progress):
    """Progress in napari's activity dock, whose Cancel button acts at once."""

    def cancel(self) -> None:
        super().cancel()
        self.cancel_callback()

    def show_step(self, step: Progress, title: str) -> None:
        self.total = step.total
        self.set_description(f"{title}: {step.note}" if step.note else title)
        self.update(step.done - self.n)


class _Worker(GeneratorWorker[Progress, None, Any]):
    """A worker that ends in its own thread, so that a cancelled job is closed there and nothing outlives it."""

    def __init__(self, func: Callable[..., Any], job: Callable[[], Job[Any]], stop: threading.Event) -> None:
        super().__init__(func, job, stop)
        self._stop = stop

    def quit(self) -> None:
        """Ask to stop, as napari does when its window closes."""
        self._stop.set()


def _steps(job: Callable[[], Job[Any]], stop: threading.Event) -> Generator[Progress, None, _Outcome]:
    """Run a job, passing its progress on now and then; runs in the worker thread, errors included."""
    last = -1.0
    try:
        with closing(job()) as running:
            while not stop.is_set():
                try:
                    step = next(running)
                except StopIteration as end:
                    return _Outcome(end.value)
                if time.monotonic() - last >= _TICK_S:
                    yield step
                    last = time.monotonic()
    except Exception as error:  # noqa: BLE001 - handed to the main thread, which shows or raises it
        return _Outcome(error=error)
    return _Outcome(cancelled=True)
