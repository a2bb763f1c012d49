"""Work that calls back, as a job: :func:`job_of`.

A training loop wants to be called once and call others; a job is asked for its next step. So the loop runs in a thread
of its own, but never at the same time as who asked for it: it goes on while it is waited for, and waits when it has
told something. What is global in Python and torch (random generators, warnings, levels of loggers) is the loop's while
it goes on, and as it was while it waits.
"""

from __future__ import annotations

import logging
import queue
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from ..core.progress import Job, Progress

Result = TypeVar("Result")

#: Loggers of Lightning: what it tells of itself (which GPU, what a callback did) is not for our users.
_LOGGERS = ("lightning.pytorch", "lightning.fabric")

#: Where a wait cannot be interrupted (Windows), Ctrl-C is seen after so long.
_SECONDS = 0.2


class Teller:
    """What the work tells through; ``ended`` is set when it has."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turn: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = False
        self.ended = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the job was closed."""
        return self._stopped

    def tell(self, progress: Progress) -> None:
        """Tell how far it is, and wait until it is asked to go on or the job is closed."""
        if not self._stopped:
            self._told.put(progress)
            self._turn.get()

    def end(self, result: Any, error: BaseException | None) -> None:
        """Tell that the work has ended."""
        self._told.put(_Ended(result, error))
        self.ended.set()

    def next(self) -> Any:
        """Wait for what is told next."""
        while True:
            try:
                return self._told.get(timeout=_SECONDS)
            except queue.Empty:
                continue

    def go_on(self) -> None:
        """Let the work go on."""
        self._turn.put(None)

    def stop(self) -> None:
        """Let the work end as soon as it can."""
        self._stopped = True
        self._turn.put(None)


@dataclass(frozen=True)
class _Ended:
    result: Any
    error: BaseException | None


def job_of(work: Callable[[Teller], Result]) -> Job[Result]:
    """Return the job that calls ``work``, yields what it tells and returns or raises what it does.

    Closed at a yield or interrupted between two, it waits for the work to end, which has to look at ``Teller.stopped``.
    It waits however often it is interrupted: a thread in torch that outlives the interpreter takes the process down.
    """
    teller, apart = Teller(), _Apart()
    thread = threading.Thread(target=_run, args=(work, teller), name="medsynth-train", daemon=True)
    try:
        with apart.entered():
            thread.start()
            told = teller.next()
        while isinstance(told, Progress):
            yield told
            with apart.entered():
                teller.go_on()
                told = teller.next()
    finally:
        with apart.entered():
            teller.stop()
            if thread.ident is not None:  # it was started
                _join(thread, teller)
    if told.error is not None:
        raise told.error
    return told.result  # type: ignore[no-any-return]


def _join(thread: threading.Thread, teller: Teller) -> None:
    """Wait for the work to end, and its thread; what interrupts that is raised afterwards."""
    interrupted: BaseException | None = None
    while not teller.ended.is_set():  # Thread.join believes a thread at its end once it was interrupted (Python 3.11)
        try:
            teller.ended.wait()
        except (KeyboardInterrupt, SystemExit) as error:
            interrupted = error
    thread.join()
    if interrupted is not None:
        raise interrupted


def _run(work: Callable[[Teller], Any], teller: Teller) -> None:
    try:
        teller.end(None if teller.stopped else work(teller), None)  # stopped: interrupted while this thread started
    except BaseException as error:  # noqa: BLE001 - it is raised where the job is waited for
        teller.end(None, error)


class _Apart:
    """What is global and belongs to the work while it goes on."""

    def __init__(self) -> None:
        self._states: tuple[torch.Tensor, list[torch.Tensor]] | None = None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Give the work what is global for as long as the block runs."""
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        with warnings.catch_warnings(), _quiet(), torch.random.fork_rng(devices):
            _ignore_chatter()
            self._restore(devices)
            try:
                yield
            finally:
                self._states = (torch.get_rng_state(), [torch.cuda.get_rng_state(device) for device in devices])

    def _restore(self, devices: list[int]) -> None:
        if self._states is not None:
            torch.set_rng_state(self._states[0])
            for device, state in zip(devices, self._states[1], strict=False):  # a GPU may have come into use since
                torch.cuda.set_rng_state(state, device)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Lightning's loggers tell of errors only.

    Not by their levels: ``Logger.setLevel`` takes a lock and, left by the exception of a signal, keeps it; the next who
    logs waits for ever.
    """
    names = [name for name in list(logging.root.manager.loggerDict) if name.startswith(_LOGGERS)]
    loggers = [logging.getLogger(name) for name in names]
    try:
        for logger in loggers:
            logger.addFilter(_is_error)
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


#: What Lightning warns of although it was decided on purpose, and what it does that torch deprecates.
_CHATTER = (
    r"The '\w+' does not have many workers",
    r"You defined a `validation_step` but have no `val_dataloader`",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)


def _ignore_chatter() -> None:
    for message in _CHATTER:
        warnings.filterwarnings("ignore", message=message)
