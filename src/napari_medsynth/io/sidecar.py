"""What an image file cannot hold: a JSON file beside it with history, modality and label names.

``scan.nii.gz`` has ``scan.json``. Everything of ours is under one key, so that a file that BIDS or a converter put
there keeps its own keys, and theirs are never taken for ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.affine import Affine
from ..core.errors import MedsynthError, ReadError, WriteError
from ..core.labels import LabelTable
from ..core.record import Record
from .names import IMAGE, INDEX, INSTANCES, LABELS, split_suffix
from .plainfile import read_json

KEY = "napari-medsynth"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What is kept beside an image.

    Parameters
    ----------
    modality
        DICOM's word, e.g. ``"CT"``; empty if not known.
    table
        What the values of a label map mean.
    history
        The records of the steps that made it, oldest first.
    affine
        Where the voxels lie, for formats that cannot say it (PNG).
    file
        Name, size and checksum of the image: ``{"name": …, "bytes": …, "sha256": …}``; empty without a sidecar.
    """

    modality: str = ""
    table: LabelTable = field(default_factory=LabelTable)
    history: tuple[Record, ...] = ()
    affine: Affine | None = None
    file: dict[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.modality or len(self.table) or self.history or self.affine)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what is empty is left out."""
        values = {
            "modality": self.modality,
            "labels": self.table.to_json(),
            "history": [record.to_json() for record in self.history],
            "affine": self.affine.matrix.tolist() if self.affine else None,
            "file": dict(self.file),
        }
        return {"version": VERSION, **{key: value for key, value in values.items() if value}}

    @classmethod
    def from_json(cls, value: dict[str, Any], path: Path) -> Sidecar:
        """Make one of what :meth:`to_json` gave; ``path`` is for the message.

        Raises
        ------
        ReadError
            If it is not of that form or of a newer version.
        """
        require_version(value.get("version"), VERSION, path)
        affine, file = value.get("affine"), value.get("file", {})
        try:
            return cls(
                modality=text_of(value, "modality", path),
                table=LabelTable.from_json(value.get("labels", [])),
                history=history_of(value, path),
                affine=None if affine is None else Affine(np.asarray(affine, dtype=np.float64)),
                file=dict(file),
            )
        except (MedsynthError, TypeError, ValueError) as error:
            raise ReadError(f"{path} is damaged: {error}") from error


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of an image is: ``scan.nii.gz`` has ``scan.json``."""
    return path.with_name(f"{split_suffix(path)[0]}.json")


def read_sidecar(path: Path) -> Sidecar:
    """Read what is kept beside the image at ``path``; an empty :class:`Sidecar` if there is nothing of ours.

    Of a part of a case that was written as a folder, it is what the case's index says.

    Raises
    ------
    ReadError
        If there is something of ours that is damaged or newer than this installation.
    """
    beside = sidecar_path(Path(path))
    if not beside.is_file():
        return _in_case(Path(path))
    ours = read_json(beside).get(KEY)
    if ours is None:
        return Sidecar()
    if not isinstance(ours, dict):
        raise ReadError(f"{beside} holds {KEY} = {type(ours).__name__}; expected a mapping")
    sidecar = Sidecar.from_json(ours, beside)
    return sidecar if _belongs(sidecar, Path(path)) else Sidecar()


def _in_case(path: Path) -> Sidecar:
    """Return what the index of a case says of one of its parts; an empty :class:`Sidecar` if this is none."""
    index = path.with_name(INDEX)
    if path.name not in (IMAGE, LABELS, INSTANCES) or not index.is_file():
        return Sidecar()
    value = read_json(index)
    files, tables = value.get("files"), value.get("tables")
    known = files.get(path.name) if isinstance(files, dict) else None
    if not isinstance(known, dict):
        return Sidecar()
    kept: dict[str, Any] = {key: value[key] for key in ("version", "history") if key in value}
    if path.name == IMAGE:
        kept["modality"] = value.get("modality", "")
    elif isinstance(tables, dict):
        kept["labels"] = tables.get(split_suffix(path)[0], [])
    return Sidecar.from_json({**kept, "file": {"name": path.name, **known}}, index)


def merged(sidecar: Sidecar, path: Path) -> dict[str, Any]:
    """Return the whole sidecar file of the image at ``path``: keys of others as they are, ours new.

    Raises
    ------
    WriteError
        If the file there cannot be kept: it is not JSON, or describes another image of the same name.
    """
    beside = sidecar_path(path)
    try:
        there = read_json(beside) if beside.is_file() else {}
        old = there.pop(KEY, None)
        if old is not None and not _belongs(Sidecar.from_json(old, beside), path):
            raise WriteError(f"{beside} describes {old['file']['name']}; choose another name than {path.name}")
    except ReadError as error:
        raise WriteError(f"{path} needs a sidecar in a place that is taken: {error}") from error
    return there if sidecar.is_empty else {**there, KEY: sidecar.to_json()}


def _belongs(sidecar: Sidecar, path: Path) -> bool:
    """Whether it describes this image, and not one of the same stem in another format; a renamed pair stays one."""
    name = str(sidecar.file.get("name", path.name))
    return name == path.name or not path.with_name(Path(name).name).exists()


def require_version(found: object, known: int, path: Path) -> None:
    """Raise :class:`ReadError` unless the file is of a version that this installation knows."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ReadError(f"{path} has version {found!r}; expected 1 to {known}")
    if found > known:
        raise ReadError(f"{path} has version {found}; this installation reads up to {known} (update napari-medsynth)")


def text_of(value: dict[str, Any], key: str, path: Path) -> str:
    """Return a text of a JSON mapping, empty if it is not there."""
    text = value.get(key, "")
    if not isinstance(text, str):
        raise ReadError(f"{path} has {key} = {text!r}; expected text")
    return text


def history_of(value: dict[str, Any], path: Path) -> tuple[Record, ...]:
    """Return the records of a JSON mapping."""
    records = value.get("history", [])
    if not isinstance(records, list):
        raise ReadError(f"{path} has history = {type(records).__name__}; expected a list")
    return tuple(Record.from_json(record) for record in records)
