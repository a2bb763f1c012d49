"""A case as a folder: ``case.json`` with meaning, history and checksums, and one NIfTI file per part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.case import Case, case_id
from ..core.errors import ConfigError, MedsynthError, ReadError, WriteError
from ..core.labels import LabelTable
from ..core.record import Record
from ..core.volume import Volume
from .atomic import atomic_folder, json_text
from .files import StrPath, read_labels, read_volume, write_voxels
from .names import IMAGE, INDEX, INSTANCES, LABELS, split_suffix
from .plainfile import file_sum, read_json, sum_problem
from .sidecar import history_of, read_sidecar, require_version, text_of
from .voxels import Nonfinite

VERSION = 1

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class CaseIndex:
    """What ``case.json`` says.

    Parameters
    ----------
    id, modality, history
        As in :class:`Case`.
    tables
        Label tables of ``"labels"`` and ``"instances"``.
    files
        Name of each file, extras included, with its ``bytes`` and ``sha256``.
    """

    id: str
    modality: str
    tables: Mapping[str, LabelTable]
    history: tuple[Record, ...]
    files: Mapping[str, Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "version": VERSION,
            "id": self.id,
            "modality": self.modality,
            "tables": {name: table.to_json() for name, table in self.tables.items()},
            "history": [record.to_json() for record in self.history],
            "files": {name: dict(known) for name, known in self.files.items()},
        }

    @classmethod
    def read(cls, folder: Path) -> CaseIndex:
        """Read the index of a case folder.

        Raises
        ------
        ReadError
            If it is missing, damaged, newer than this installation, or names files outside the folder.
        """
        path = folder / INDEX
        value = read_json(path)
        require_version(value.get("version"), VERSION, path)
        files, tables = value.get("files"), value.get("tables", {})
        if not isinstance(files, dict) or not isinstance(tables, dict):
            raise ReadError(f"{path} is damaged: it has no mapping of files or tables")
        for name in files:
            if not _PLAIN_NAME.fullmatch(name):
                raise ReadError(f"{path} names the file {name!r}; expected plain names within the folder")
        try:
            return cls(
                id=text_of(value, "id", path),
                modality=text_of(value, "modality", path),
                tables={name: LabelTable.from_json(entries) for name, entries in tables.items()},
                history=history_of(value, path),
                files=files,
            )
        except (MedsynthError, TypeError) as error:
            raise ReadError(f"{path} is damaged: {error}") from error

    def problems(self, folder: Path) -> list[str]:
        """Return what is missing, cut short, altered or not listed; empty if the folder is whole."""
        checked = (sum_problem(folder / name, known) for name, known in self.files.items())
        there = sorted(item.name for item in folder.iterdir())
        strange = [name for name in there if name != INDEX and name not in self.files]
        return [p for p in checked if p] + [f"{folder / name} is not listed in {INDEX}" for name in strange]


def read_case(
    image: StrPath,
    labels: StrPath | None = None,
    *,
    id: str | None = None,  # noqa: A002 - what the case calls it
    modality: str = "",
    nonfinite: Nonfinite = "error",
) -> Case:
    """Read a case: a folder that :func:`write_case` wrote, or an image with, perhaps, its labels.

    Parameters
    ----------
    image
        A case folder, whose checksums are verified, or an image as for :func:`read_volume`.
    labels
        Label map on the same grid; not with a case folder.
    id
        Name of the case; of a case folder the one it has, else made of the image's file name.
    modality, nonfinite
        As for :func:`read_volume`.

    Raises
    ------
    ReadError
        If a file cannot be read, or a case folder is not as it was written; all its problems are named.
    GridError
        If image and labels are not on one grid; both are stated.
    LabelError
        If a voxel of the labels is not a whole number from 0 to 65535.
    """
    path = Path(image)
    if (path / INDEX).is_file():
        if labels is not None:
            raise ConfigError(f"{path} is a case with labels of its own; expected no other labels ({labels})")
        case = _read_folder(path, nonfinite)
        return replace(case, id=id or case.id)
    volume = read_volume(path, modality=modality, nonfinite=nonfinite)
    mask = None if labels is None else read_labels(labels)
    history = read_sidecar(path).history
    return Case(id=id or case_id(split_suffix(path)[0]), image=volume, labels=mask, history=history)


def write_case(
    case: Case, folder: StrPath, *, extras: Mapping[str, str | bytes] | None = None, overwrite: bool = False
) -> Path:
    """Write a case as a folder, whole or not at all; the same case gives the same bytes. The host is not written.

    Parameters
    ----------
    extras
        Further files by name: text (UTF-8) or bytes, e.g. a table or a picture.
    overwrite
        Whether an older case in that folder is replaced; anything else there is never deleted.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WriteError
        If it cannot be written, the folder is in use, or an extra has a name that is taken or not plain.
    """
    folder = Path(folder)
    extras = extras or {}
    for name in extras:
        if not _PLAIN_NAME.fullmatch(name) or name in (INDEX, IMAGE, LABELS, INSTANCES):
            raise WriteError(f"{folder} cannot hold an extra file named {name!r}; expected a plain name not in use")
    if overwrite:
        _require_replaceable(folder)
    with atomic_folder(folder, replace=overwrite) as temp:
        for name, volume in _parts(case).items():
            write_voxels(volume, temp / name, folder / name)
        for name, data in extras.items():
            (temp / name).write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        index = _index(case, temp)
        (temp / INDEX).write_text(json_text(folder / INDEX, index.to_json()), encoding="utf-8")
    return folder


def _parts(case: Case) -> dict[str, Volume]:
    masks = {LABELS: case.labels, INSTANCES: case.instances}
    found = {name: Volume(mask.array, mask.affine) for name, mask in masks.items() if mask is not None}
    return found if case.image is None else {IMAGE: case.image, **found}


def _index(case: Case, folder: Path) -> CaseIndex:
    masks = {"labels": case.labels, "instances": case.instances}
    return CaseIndex(
        id=case.id,
        modality="" if case.image is None else case.image.modality,
        tables={name: mask.table for name, mask in masks.items() if mask is not None},
        history=case.history,
        files={item.name: file_sum(item) for item in sorted(folder.iterdir())},
    )


def _read_folder(folder: Path, nonfinite: Nonfinite) -> Case:
    index = CaseIndex.read(folder)
    problems = index.problems(folder)
    if problems:
        raise ReadError(f"{folder} is not as it was written: {'; '.join(problems)}")
    masks = {}
    for part, name in (("labels", LABELS), ("instances", INSTANCES)):
        if name in index.files:
            masks[part] = replace(read_labels(folder / name), table=index.tables.get(part, LabelTable()))
    volume = None
    if IMAGE in index.files:
        volume = read_volume(folder / IMAGE, modality=index.modality, nonfinite=nonfinite)
    return _made(Case, folder, id=index.id, image=volume, history=index.history, **masks)


def _made(cls: type[Case], folder: Path, **parts: Any) -> Case:
    try:
        return cls(**parts)
    except ConfigError as error:
        raise ReadError(f"{folder / INDEX} is damaged: {error}") from error


def _require_replaceable(folder: Path) -> None:
    """Raise :class:`WriteError` if overwriting ``folder`` would delete anything but an older case."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / INDEX).is_file():
        raise WriteError(f"{folder} holds files and is not a case; expected an older case or an empty folder")
    try:
        listed = CaseIndex.read(folder).files
    except ReadError as error:
        raise WriteError(f"{folder} cannot be replaced: {error}") from error
    strange = sorted(item.name for item in folder.iterdir() if item.name != INDEX and item.name not in listed)
    if strange:
        raise WriteError(f"{folder} also holds {', '.join(strange)}; move that away before overwriting the case")
