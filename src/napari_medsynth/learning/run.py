"""A training on disk: :class:`Run`. Whoever looks at the folder sees how far it is; whoever finds it can go on.

``run.json``        what is trained, how, by which process, and how it stands
``log.jsonl``       one line an epoch: losses, validation, learning rate, seconds
``split.json``      which case of which patient is for what
``samples/``        predictions on one slice as they improve: ``epoch_0003.png``
``checkpoints/``    what is needed to go on: ``last`` and the one before it

Beside the folder ``NAME`` lies its best model, ``NAME_best.safetensors`` and ``NAME_best.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.errors import ReadError, shown
from ..io import write_json
from ..io.plainfile import read_json, reading

FORMAT = "napari-medsynth training"

#: ``running`` holds only while the process does: see :meth:`Run.state`.
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
        write_json(self.folder / "run.json", {"format": FORMAT, **about})

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

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Read the epochs from line ``since`` on; a last line that is cut short is left out."""
        if not self.log_file.exists():
            return []
        with reading(self.log_file):
            lines = self.log_file.read_text(encoding="utf-8").split("\n")
        return [entry for line in lines[since:-1] if isinstance(entry := _parsed(line, self.log_file), dict)]

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an epoch to the log, flushed to disk."""
        with reading(self.log_file), open(self.log_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(entry)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _parsed(line: str, path: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ReadError(f"{path} holds {shown(line)}; expected one JSON object a line") from error
