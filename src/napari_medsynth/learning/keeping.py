"""What ``run.json`` says while a training runs: :class:`Keeper`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..core.errors import WriteError
from .devices import is_main_process
from .process import this_process
from .run import Run, State


class Keeper:
    """Writes ``run.json``, by the main process of those that train together.

    Parameters
    ----------
    run
        Whose.
    about
        What is in it from the start: task, settings.
    """

    def __init__(self, run: Run, about: Mapping[str, Any]) -> None:
        self._run = run
        self._about = {"task": "", "name": run.name, "state": "running", "message": "", "epochs": 0, **about}

    def write(self, **changes: Any) -> None:
        """Change some entries and write all."""
        self._about |= changes
        if is_main_process():
            self._run.write_about(self._about)

    def add(self, message: str, state: State = "running") -> None:
        """Add a line to the message, and change the state."""
        self.write(state=state, message="\n".join(filter(None, (self._about["message"], message))))


@contextmanager
def kept(run: Run, about: Mapping[str, Any]) -> Iterator[Keeper]:
    """Say that a run is running while the block does, and how it ended: finished, stopped or failed, and why."""
    keeper = Keeper(run, {**about, "process": this_process()})
    keeper.write()
    try:
        yield keeper
    except BaseException as error:
        stopped = isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit)
        with suppress(WriteError):  # on a full disk: what the block raised says more
            keeper.add("" if stopped else str(error) or type(error).__name__, "stopped" if stopped else "failed")
        raise
    keeper.write(state="finished")
