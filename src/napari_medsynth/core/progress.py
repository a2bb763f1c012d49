"""Long work is a generator of :class:`Progress`; stopping it at any yield leaves nothing half-written."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")
Inner = TypeVar("Inner")
Outer = TypeVar("Outer")


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` parts, and what it is doing now."""

    done: int
    total: int
    note: str = ""


#: A job yields its progress and returns its result.
Job = Generator[Progress, None, Result]


def finish(job: Generator[Inner, None, Result], report: Callable[[Inner], None] | None = None) -> Result:
    """Run a job to its end and return its result, calling ``report`` at each step."""
    with closing(job):
        while True:
            try:
                step = next(job)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            if report is not None:
                report(step)


def told_as(job: Generator[Inner, None, Result], tell: Callable[[Inner], Outer]) -> Generator[Outer, None, Result]:
    """Run a job as a part of another one, which yields what ``tell`` makes of what it yields."""
    with closing(job):
        while True:
            try:
                step = next(job)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            yield tell(step)
