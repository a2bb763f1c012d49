"""What is needed to go on with a training, on disk: :class:`Checkpoints`.

``epoch_0003.safetensors`` holds tensors, ``epoch_0003.json`` all else and the checksums of both. The JSON is written
last: without it there is no such checkpoint. The one before it stays, for the case that a disk damages the last.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from ..core.errors import ReadError, shown
from ..io import write_json
from ..io.atomic import write_bytes
from ..io.limits import require_affordable
from ..io.plainfile import read_json, reading
from .nested import packed, unpacked

FORMAT = "napari-medsynth checkpoint"
VERSION = 1

#: How many are kept.
_KEPT = 2

_NAME = re.compile(r"epoch_(\d{4,})\.json")


@dataclass(frozen=True)
class Checkpoint:
    """One that was found whole.

    Parameters
    ----------
    path
        Its JSON file.
    epoch
        Epochs that were finished.
    problems
        What is wrong with newer ones, a line each.
    """

    path: Path
    epoch: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints."""

    folder: Path

    def path(self, epoch: int) -> Path:
        """Return where the checkpoint after ``epoch`` epochs is."""
        return self.folder / f"epoch_{epoch:04d}.json"

    def newest(self) -> Checkpoint | None:
        """Find the newest that is whole; None if there are none at all.

        Raises
        ------
        ReadError
            If there are some, and all are damaged.
        """
        problems: list[str] = []
        for epoch in sorted(self._epochs(), reverse=True):
            try:
                read_state(self.path(epoch))
            except ReadError as error:
                problems.append(str(error))
            else:
                return Checkpoint(self.path(epoch), epoch, tuple(problems))
        if problems:
            raise ReadError(f"no checkpoint in {self.folder} is whole: {'; '.join(problems)}")
        return None

    def sweep(self, newest: int) -> None:
        """Delete what is newer than ``newest`` or no longer needed, and what was left unfinished."""
        kept = {self.path(epoch).stem for epoch in sorted(e for e in self._epochs() if e <= newest)[-_KEPT:]}
        for file in [*self.folder.glob("epoch_*"), *self.folder.glob(".epoch_*.partial*")]:
            if file.stem not in kept:
                file.unlink(missing_ok=True)

    def _epochs(self) -> list[int]:
        names = [_NAME.fullmatch(path.name) for path in self.folder.glob("epoch_*.json")]
        return [int(name[1]) for name in names if name]


def write_state(path: Path, state: Any) -> None:
    """Write nested state under a name that ends in ``.json``, and its tensors beside it.

    Raises
    ------
    WriteError
        If it cannot be written, or holds what cannot be kept; nothing half-written is left.
    """
    plain, tensors = packed(state)
    data = save(tensors)
    write_bytes(path.with_suffix(".safetensors"), data)
    about = {"format": FORMAT, "version": VERSION, "tensors_sha256": hashlib.sha256(data).hexdigest(), "state": plain}
    write_json(path, {**about, "sha256": _sum(about)})


def read_state(path: Path) -> Any:
    """Read what :func:`write_state` wrote; nothing in it is executed.

    Raises
    ------
    ReadError
        If a file is missing, cut short or changed.
    """
    about = read_json(path)
    expected = about.pop("sha256", None)
    if about.get("format") != FORMAT or about.get("version") != VERSION:
        found = f"{path} has format {shown(about.get('format'))}, version {shown(about.get('version'))}"
        raise ReadError(f"{found}; expected {FORMAT!r}, version {VERSION}")
    if _sum(about) != expected:
        raise ReadError(f"{path} does not have the checksum that it was written with: it is damaged")
    file = path.with_suffix(".safetensors")
    with reading(file):
        require_affordable(file, [file.stat().st_size], 1)
        data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != about["tensors_sha256"]:
        raise ReadError(f"{file} does not have the checksum that it was written with: it is damaged or cut short")
    try:
        return unpacked(about["state"], load(data))
    except SafetensorError as error:
        raise ReadError(f"{file} is not a whole safetensors file: {error}") from error


def _sum(about: dict[str, Any]) -> str:
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
