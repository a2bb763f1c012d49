"""A training on disk: :class:`Run`. Whoever looks at the folder sees how far it is; whoever finds it can go on.

``run.json``        what is trained, how, by which process, and how it stands
``log.jsonl``       one line an epoch: losses, validation, learning rate, seconds
``split.json``      which case of which patient is for what
``samples/``        predictions on one slice as they improve: ``epoch_0003.png``
``checkpoints/``    what is needed to go on: that of the last epoch and of the one before it

Beside the folder ``NAME`` lies its best model, ``NAME_best.safetensors`` and ``NAME_best.json``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ..core.errors import ConfigError, ReadError, WriteError, shown
from ..datasets.lock import only_writer
from ..io import write_json
from ..io.atomic import write_text
from ..io.plainfile import read_json, reading
from .process import found, lives

FORMAT = "napari-medsynth training"

#: ``running`` is in ``run.json`` until the end; a run whose process is gone before that is ``interrupted``.
State = Literal["running", "finished", "stopped", "failed", "interrupted"]


@dataclass(frozen=True)
class Run:
    """The folder of one training.

    Parameters
    ----------
    folder
        Where it is, or will be.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def best(self) -> Path:
        """Where the weights of the best model are."""
        return self.folder.with_name(f"{self.folder.name}_best.safetensors")

    @property
    def log_file(self) -> Path:
        """One JSON object a line and epoch."""
        return self.folder / "log.jsonl"

    @property
    def samples(self) -> Path:
        """Folder of pictures."""
        return self.folder / "samples"

    @property
    def checkpoints(self) -> Path:
        """Folder of what is needed to go on."""
        return self.folder / "checkpoints"

    def exists(self) -> bool:
        """Whether there is a training here."""
        return (self.folder / "run.json").is_file()

    def write_about(self, about: Mapping[str, Any]) -> None:
        """Write ``run.json``: settings, state, process, message and whatever else is to be known."""
        write_json(self.folder / "run.json", {"format": FORMAT, **about, "updated": time.time()})

    def about(self) -> dict[str, Any]:
        """Read ``run.json``.

        Raises
        ------
        ReadError
            If it is missing, damaged or something else.
        """
        path = self.folder / "run.json"
        found = read_json(path)
        if found.get("format") != FORMAT:
            raise ReadError(f"{path} has format {shown(found.get('format'))}; expected {FORMAT!r}")
        return found

    def state(self) -> State:
        """Return how it stands; a run whose process ended without a word is ``"interrupted"``.

        Raises
        ------
        ReadError
            As :meth:`about` does.
        """
        about = self.about()
        known: dict[object, State] = {state: state for state in get_args(State)}
        found = known.get(about.get("state"))
        if found is None:
            path = self.folder / "run.json"
            raise ReadError(
                f"{path} has state {shown(about.get('state'))}; expected one of {', '.join(get_args(State))}"
            )
        return "interrupted" if found == "running" and not lives(about.get("process")) else found

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Read the epochs from line ``since`` on; a last line that is cut short is left out."""
        if not self.log_file.exists():
            return []
        with reading(self.log_file):
            lines = self.log_file.read_text(encoding="utf-8").split("\n")
        return [entry for line in lines[since:-1] if isinstance(entry := _parsed(line, self.log_file), dict)]

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an epoch to the log, flushed to disk."""
        with _writing(self.log_file), open(self.log_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(entry)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def cut_log(self, epochs: int) -> None:
        """Leave the first ``epochs`` epochs in the log: what came after them is trained again."""
        kept = [json.dumps(entry) + "\n" for entry in self.log() if entry["epoch"] <= epochs]
        write_text(self.log_file, "".join(kept))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run, so that no other process trains it while the block runs.

        Raises
        ------
        WriteError
            If another process holds it; the message names it. Or if the folder cannot be made.
        """
        with _writing(self.checkpoints):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
        with only_writer(self.checkpoints / "lock"):
            yield


def _parsed(line: str, path: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ReadError(f"{path} holds {shown(line)}; expected one JSON object a line") from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} could not be written: {error.strerror or error}") from error


def find_runs(folder: Path) -> tuple[Run, ...]:
    """Return the runs in a folder, by name: itself, if it is one, or folders in it and in those."""
    if Run(folder).exists():
        return (Run(folder),)
    found_at = {path.parent for pattern in ("*/run.json", "*/*/run.json") for path in folder.glob(pattern)}
    return tuple(Run(path) for path in sorted(found_at))


def stop_run(run: Run) -> None:
    """Ask the process that trains a run to stop at the next batch: the best model is kept, and it can be resumed.

    Where there are no signals (Windows), the process is ended; what it wrote is whole there too.

    Raises
    ------
    ConfigError
        If it does not run, or on another machine.
    """
    state = run.state()
    if state != "running":
        raise ConfigError(f"{run.folder} is {state}; expected a run that is running")
    named = run.about()["process"]
    process = found(named)
    if process is None:
        raise ConfigError(f"{run.folder} runs on {shown(named.get('host'))}; stop it there")
    process.terminate()
