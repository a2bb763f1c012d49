"""Many files of one case into one file a split: :func:`assemble`.

The packed bytes of each array are copied as they are, so that nothing is packed twice and memory holds one case.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import h5py
import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError, MedsynthError, ReadError, WriteError, shown
from ..core.progress import Job, Progress
from ..io.atomic import atomic_path
from .checksum import Facts
from .deflate import STRINGS, deflated
from .layout import LIBVER, create, put_rows
from .opening import header_of
from .packing import packed_labels
from .parts import open_part
from .reader import Split
from .safety import explained, opened
from .schema import HISTORY, INSTANCES, LABELS, MASKS, Meta

#: What a split file needs beside its parts, of which each has a header of its own.
_MARGIN = 2**20


@dataclass(frozen=True)
class Outline:
    """What has to be known of all cases of a dataset before one of its files can be put together.

    Parameters
    ----------
    meta
        What holds for all of them; structures are those of any.
    history_width
        Bytes of the longest history.
    """

    meta: Meta
    history_width: int

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Self:
        """Look through the cases of a dataset, and those of its splits that are finished.

        Raises
        ------
        ReadError
            If a file is damaged, or there is none.
        GridError, LabelError, ConfigError
            If cases do not fit together; the message names the first and the one that differs.
        """
        meta, first, width = None, Path(), 1
        for path in paths:
            with explained(path), opened(path) as file:
                found = header_of(file, path)
            meta, first = (found.meta, path) if meta is None else (meta, first)
            meta = meta.joined(found.meta, str(first), str(path))
            width = max(width, found.history_width)
        if meta is None:
            raise ReadError("there is no case to make a dataset of; expected at least one")
        return cls(meta, width)


def assemble(parts: Mapping[int, Path], outline: Outline, target: Path, split: str) -> Job[Path]:
    """Put the cases of one split into one file, whole or not at all; the parts stay where they are.

    The same cases give the same bytes, in whatever order they were made.

    Parameters
    ----------
    parts
        File of each case by its index in the dataset; they are put into the file in this order.
    outline
        That of the whole dataset.
    target
        The file to make, e.g. ``train.h5``.
    split
        Name of the split.

    Raises
    ------
    ReadError
        If a part is damaged or holds another case.
    ConfigError
        If a part does not fit the outline.
    WriteError
        If there is too little space, or the file cannot be written.
    """
    _require_space(parts.values(), target)
    with atomic_path(target) as temp, _explained(target), h5py.File(temp, "w", libver=LIBVER) as file:
        create(file, outline.meta, len(parts), outline.history_width, split)
        copier = _Copier(file, outline)
        for row, (index, path) in enumerate(parts.items()):
            yield Progress(row, len(parts), f"putting {target.name} together")
            with open_part(path, index) as part:
                copier.add(part, row)
        put_rows(file, copier.facts, copier.presence, copier.checksums)
    yield Progress(len(parts), len(parts), f"{target.name} is finished")
    return target


class _Copier:
    """Copies voxels and history of one case after the other, and remembers the rest, which is little."""

    def __init__(self, file: h5py.File, outline: Outline) -> None:
        self.facts: list[Facts] = []
        self.presence: list[npt.NDArray[np.uint8]] = []
        self.checksums: list[str] = []
        self._outline = outline
        self._rank = len(outline.meta.image_size)
        self._targets = {name: file[name].id for name in (*outline.meta.types, MASKS, HISTORY) if name in file}
        self._place_of = {value: place for place, value in enumerate(outline.meta.values)}

    def add(self, part: Split, row: int) -> None:
        meta = self._outline.meta
        if meta.joined(part.meta, "the dataset", str(part.path)) != meta:
            raise ConfigError(
                f"{part.path} has structures that the dataset lacks; expected an outline of all its cases"
            )
        for name, dtype in meta.types.items():
            self._put(name, (row, *(0,) * self._rank), self._chunk(part, name, dtype))
        places = [self._place_of[value] for value in part.meta.values]
        for own, place in enumerate(places):
            self._put(MASKS, (row, place, *(0,) * self._rank), part.chunk(MASKS, 0, own))
        history = part.history_text(0).ljust(self._outline.history_width, b"\0")
        self._put(HISTORY, (row,), deflated(np.frombuffer(history, np.uint8), STRINGS))
        presence = np.zeros(len(meta.structures), np.uint8)
        presence[places] = part.presence[0]
        self.presence.append(presence)
        self.facts.append(part.facts(0))
        self.checksums.append(part.checksums[0])

    def _chunk(self, part: Split, name: str, dtype: np.dtype[np.generic]) -> bytes | None:
        """Packed voxels of a case, as they are or of the dataset's wider type."""
        own = part.meta.types.get(name)
        if own is None:
            return None  # a case without lesions in a dataset with some
        if own == dtype:
            chunk = part.chunk(name, 0)
        else:
            narrow = part.labels(0) if name == LABELS else part.instances(0)
            chunk = None if narrow is None else packed_labels(narrow.astype(dtype))
        if chunk is None and name != INSTANCES:
            raise ReadError(f"{part.path} has no {name} stored; expected those of one case")
        return chunk

    def _put(self, name: str, place: tuple[int, ...], chunk: bytes | None) -> None:
        if chunk is not None:
            self._targets[name].write_direct_chunk(place, chunk)


def _require_space(parts: Iterable[Path], target: Path) -> None:
    try:
        needed = sum(path.stat().st_size for path in parts) + _MARGIN
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise ReadError(f"{error.filename} could not be read: {error.strerror}") from error
    if needed > free:
        raise WriteError(f"{target} needs about {needed} bytes and {free} are free; make room and go on")


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    """Turn what h5py raises while it writes into one line that names the file."""
    try:
        yield
    except (MedsynthError, OSError):
        raise  # the file's own error, which atomic_path explains
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise WriteError(f"{target} could not be written: {shown(str(error))}") from error
