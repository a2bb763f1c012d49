"""What a folder in another tool's layout holds: :class:`Listing`, read with suspicion.

Lists come from anywhere. A path in one must stay within the folder, without links, and name a file; a case or a file
that is there twice is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

from ...core.case import case_id
from ...core.errors import ReadError, shown
from ...core.labels import LabelTable
from ...io.names import WRITTEN, split_suffix
from .notes import Notes

Item = TypeVar("Item")

_MAX_PATH = 1024
_SUBJECT = re.compile(r"(?:^|[/_])(sub-[A-Za-z0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The files of one case.

    Parameters
    ----------
    id
        As in :class:`~napari_medsynth.core.case.Case`.
    image, labels, instances
        Its files; None for what it has not.
    split
        ``"train"``, ``"val"`` or ``"test"``; empty if nothing says.
    patient
        Who it is: two cases of one patient never go to different splits.
    """

    id: str
    image: Path | None = None
    labels: Path | None = None
    instances: Path | None = None
    split: str = ""
    patient: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it has, the image first."""
        return tuple(path for path in (self.image, self.labels, self.instances) if path is not None)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All cases of a folder.

    Parameters
    ----------
    source
        The folder or list that was read, for messages.
    entries
        The cases, in the order of the list.
    table
        What the values in the files mean.
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    notes
        What this package wrote beside its export; None if another tool made the folder.

    Raises
    ------
    ReadError
        If there is no case, or a case or a file is there twice.
    """

    source: Path
    entries: tuple[Entry, ...]
    table: LabelTable = field(default_factory=LabelTable)
    modality: str = ""
    notes: Notes | None = None

    def __post_init__(self) -> None:
        if not self.entries:
            raise ReadError(f"{self.source} lists no case; expected at least one")
        twice = _first_twice(entry.id for entry in self.entries)
        if twice is not None:
            raise ReadError(f"{self.source} lists case {shown(twice)} more than once; expected each case once")
        file = _first_twice(path for entry in self.entries for path in entry.files)
        if file is not None:
            raise ReadError(f"{self.source} lists {shown(str(file))} more than once; expected each file once")


def inside(root: Path, text: object, where: Path) -> Path:
    """Return the file that a list names, relative to ``root``.

    Raises
    ------
    ReadError
        If ``text`` is no relative path that stays below ``root``, goes through a link, or names no file; ``where``
        is the list, for the message.
    """
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_PATH or "\0" in text:
        raise ReadError(f"{where} lists {shown(text)}; expected the path of a file")
    parts = {*PurePosixPath(text).parts, *PureWindowsPath(text).parts}
    if ".." in parts or PureWindowsPath(text).anchor:
        raise ReadError(f"{where} lists {shown(text)}; expected a path that stays within {root}")
    path = root
    for part in PurePosixPath(text).parts:
        path = path / part
        if path.is_symlink():
            raise ReadError(f"{where} lists {shown(text)}, which goes through the link {path.name}; expected no links")
    if not path.is_file():
        raise ReadError(f"{where} lists {shown(text)}; there is no such file in {root}")
    return path


def images_in(folder: Path, suffixes: tuple[str, ...] = WRITTEN) -> dict[str, Path]:
    """Return the images of a folder by their name without suffix, in alphabetical order; none if it is not there.

    Raises
    ------
    ReadError
        If one is a link, or two differ in their suffix alone.
    """
    found: dict[str, Path] = {}
    if folder.is_symlink():
        raise ReadError(f"{folder} is a link; expected a folder")
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        stem, suffix = split_suffix(path)
        if suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.is_symlink() or not path.is_file():
            raise ReadError(f"{path} is a link or no file; expected an image")
        if stem in found:
            raise ReadError(f"{folder} holds {found[stem].name} and {path.name}; expected one file for {stem}")
        found[stem] = path
    return found


def ids_of(paths: Iterable[Path], root: Path) -> list[str]:
    """Return a case id for each file: its name, or its path where two have the same name."""
    names = [path.relative_to(root).with_name(split_suffix(path)[0]) for path in paths]
    short = [case_id(name.name) for name in names]
    ids = short if len(set(short)) == len(short) else [case_id("-".join(name.parts)[-64:]) for name in names]
    return list(_numbered(ids))


def patient_of(text: str) -> str:
    """Return the subject that a path names as BIDS does (``sub-07/…`` or ``sub-07_T1w``); else the text itself."""
    match = _SUBJECT.search(text)
    return match[1] if match else text


def _numbered(ids: Iterable[str]) -> Iterator[str]:
    """Give ids that are still the same, because they were too long, a number."""
    used: set[str] = set()
    for name in ids:
        number, unique = 1, name
        while unique in used:
            number += 1
            unique = f"{name[:56]}-{number}"
        used.add(unique)
        yield unique


def _first_twice(items: Iterable[Item]) -> Item | None:
    seen: set[Item] = set()
    for item in items:
        if item in seen:
            return item
        seen.add(item)
    return None
