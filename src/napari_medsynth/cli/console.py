"""What a command says: text for people, or one JSON object a line for programs.

With ``--progress json``, stdout carries only these objects::

    {"event": "progress", "done": 1, "total": 3, "note": "insert_tumors"}
    {"event": "note", "text": "not placed: no room at 0.95 inside the host"}
    {"event": "wrote", "path": "out"}
    {"event": "done", "wrote": ["out"]}
    {"event": "error", "message": "ct.nii.gz does not exist; …", "status": 1}

The last one of a command is always ``done`` or ``error``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from ..core.progress import Job, Progress, finish

Result = TypeVar("Result")

#: Ways to show progress.
PROGRESS = ("bar", "json", "none")


class Console:
    """Where a command reports progress, notes and the files that it wrote.

    Parameters
    ----------
    progress
        ``"bar"``: a bar on stderr, if that is a terminal; ``"json"``: objects on stdout; ``"none"``: nothing.
    verbose
        Whether an error comes with its traceback.
    """

    def __init__(self, progress: str = "bar", *, verbose: bool = False) -> None:
        self.progress = progress
        self.verbose = verbose
        self._wrote: list[str] = []
        self._muted = False

    def mute(self) -> None:
        """Say nothing from now on but what goes wrong: another process speaks for this one."""
        self.progress, self._muted = "none", True

    def finish(self, job: Job[Result]) -> Result:
        """Run a job to its end, showing how far it is, and return its result."""
        with self._reporter() as report:
            return finish(job, report)

    def say(self, text: str) -> None:
        """Tell something worth knowing."""
        if self.progress == "json":
            self.event("note", text=text)
        elif not self._muted:
            _write(sys.stdout, text)

    def wrote(self, path: Path) -> None:
        """Tell that a file or folder was written."""
        self._wrote.append(str(path))
        if self.progress == "json":
            self.event("wrote", path=str(path))
        elif not self._muted:
            _write(sys.stdout, f"wrote {path}")

    def done(self) -> None:
        """Tell that the command came to its end."""
        self.event("done", wrote=self._wrote)

    def failed(self, message: str, status: int) -> int:
        """Tell what went wrong, in one line on stderr, and return ``status``."""
        if self.verbose and sys.exception() is not None:
            _write(sys.stderr, traceback.format_exc().rstrip())
        line = " ".join(message.split())
        _write(sys.stderr, f"medsynth: {line}")
        self.event("error", message=line, status=status)
        return status

    def abandoned(self) -> int:
        """Leave quietly after whoever read stdout has gone, e.g. ``medsynth verify out | head -1``."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes
        return 1

    def event(self, kind: str, **what: Any) -> None:
        """Write one JSON object to stdout, if that was asked for."""
        if self.progress == "json":
            _write(sys.stdout, json.dumps({"event": kind, **what}))

    @contextmanager
    def _reporter(self) -> Iterator[Callable[[Progress], None] | None]:
        if self.progress == "json":
            yield lambda p: self.event("progress", done=p.done, total=p.total, note=p.note)
        elif self.progress == "bar" and sys.stderr.isatty():
            with _bar() as report:
                yield report
        else:
            yield None


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich import progress
    from rich.console import Console as RichConsole

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=RichConsole(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda p: bar.update(task, completed=p.done, total=p.total, description=p.note)


def _write(stream: TextIO, text: str) -> None:
    """Write a line; file names may hold anything, so what could steer a terminal or not be encoded is spelled out."""
    safe = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    stream.write(f"{safe}\n")
    stream.flush()
