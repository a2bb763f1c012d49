"""Who does the tasks: this process alone, or workers on Dask: :class:`Crew`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

Task = TypeVar("Task")
Taken = TypeVar("Taken", contravariant=True)
Done = TypeVar("Done")


class Crew(Protocol[Taken, Done]):
    """Who does the tasks."""

    @property
    def slots(self) -> int:
        """How many tasks should be under way, so that nobody waits and memory does not grow."""

    def submit(self, task: Taken) -> None:
        """Take a task."""

    def finished(self, timeout: float) -> list[Done]:
        """Return what was done since the last call; empty if nothing was within ``timeout`` seconds.

        Raises
        ------
        MedsynthError
            If a worker died over a task, or the scheduler is gone.
        """


class Alone(Generic[Task, Done]):
    """A crew of one: this process."""

    slots = 1

    def __init__(self, work: Callable[[Task], Done]) -> None:
        self._work = work
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._waiting.append(task)

    def finished(self, timeout: float) -> list[Done]:
        """Do one task, however long it takes, and return it."""
        return [self._work(self._waiting.popleft())]


@contextmanager
def crew(work: Callable[[Task], Done], *, workers: int = 1, scheduler: str | None = None) -> Iterator[Crew[Task, Done]]:
    """Gather a crew for the time of the block.

    Parameters
    ----------
    work
        What is done with each task; for more than one worker, a function that can be imported.
    workers
        How many processes; 1 is this one.
    scheduler
        Address of a Dask scheduler that is running, e.g. ``"tcp://10.0.0.5:8786"``; its workers are used instead.

    Raises
    ------
    ConfigError
        If the scheduler is not an address, cannot be reached, has no workers, or they have another version of this
        package.
    """
    from .cluster import OnDask, connected, local

    if scheduler is not None:
        with connected(scheduler) as client:
            yield OnDask(client, work)
    elif workers == 1:
        yield Alone(work)
    else:
        with local(workers) as client:
            yield OnDask(client, work, direct=True)
