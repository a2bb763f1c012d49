"""A file of cases, open: what it says of itself and of each case, whoever wrote it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import h5py

from ..core.errors import ConfigError, LabelError, ReadError
from .blocks import Blocks
from .columns import Columns
from .foreign import read_foreign_columns, read_foreign_header
from .headers import Header, read_header
from .safety import explained, opened
from .schema import MASKS


def header_of(file: h5py.File, path: Path, max_bytes: int | None = None) -> Header:
    """Read what an open file says of itself, whoever wrote it.

    Raises
    ------
    ReadError
        If it is damaged, no dataset, of a newer version, asks for other files, or is too large.
    """
    try:
        with explained(path):
            ours = "schema" in file.attrs
        return read_header(file, path, max_bytes) if ours else read_foreign_header(file, path, max_bytes)
    except (LabelError, ConfigError) as error:
        raise ReadError(f"{path} is damaged: {error}") from error


def columns_of(file: h5py.File, path: Path, header: Header, max_bytes: int | None = None) -> Columns:
    """Read what a file keeps of each case beside its voxels; :class:`ReadError` if that is damaged or too large."""
    if not header.is_ours:
        return read_foreign_columns(file, path, header, max_bytes)
    return Columns.read(file, path, (header.count, len(header.meta.structures)), max_bytes)


class Handle:
    """A file as this process has opened it; a forked child must not share that of its parent and opens its own."""

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._file: h5py.File | None = None
        self._blocks: dict[str, Blocks] = {}
        self._owner = -1

    def file(self) -> h5py.File:
        """Return the open file."""
        if self._file is None or self._owner != os.getpid():
            self.close()
            self._file, self._owner = opened(self._path), os.getpid()
        return self._file

    def keep(self, blocks: Mapping[str, Blocks]) -> None:
        """Keep datasets of the open file that were checked already."""
        self._blocks = dict(blocks)

    def blocks(self, name: str) -> Blocks:
        """Return a dataset of the open file."""
        file = self.file()
        if name not in self._blocks:
            leading = 2 if name == MASKS else 1
            self._blocks[name] = Blocks(file, name, self._path, leading=leading, max_bytes=self._max_bytes)
        return self._blocks[name]

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        file, self._file, self._blocks = self._file, None, {}
        if file is not None:
            file.close()
