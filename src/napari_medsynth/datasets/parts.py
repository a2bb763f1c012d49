"""Finished cases of a dataset that is being made: one file each, of the very layout of a split.

They lie in ``.unfinished``, and each opens in h5py and in :class:`~.reader.Split` as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import ReadError
from ..io.atomic import write_bytes
from .reader import Split
from .schema import UNFINISHED

_NAME = re.compile(r"case_(\d{6,12})\.h5")


def part_path(folder: Path, index: int) -> Path:
    """Return where the case of this index is kept until its split is put together."""
    return folder / UNFINISHED / f"case_{index:06d}.h5"


def write_part(folder: Path, index: int, data: bytes) -> Path:
    """Keep a case that :func:`~.packing.pack` made, whole or not at all; raises as :func:`~..io.write_bytes` does.

    It is not flushed to the disk, which would take longer than making it. After a power cut, its checksum tells whether
    it is whole, and it can be made again.
    """
    path = part_path(folder, index)
    write_bytes(path, data, durable=False)
    return path


def parts_in(folder: Path) -> dict[int, Path]:
    """Return the cases that are finished and not yet put together, by their index in ascending order."""
    hidden = folder / UNFINISHED
    names = (path.name for path in hidden.iterdir()) if hidden.is_dir() else ()
    found = sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)
    return {index: part_path(folder, index) for index in found}


def open_part(path: Path, index: int, max_bytes: int | None = None) -> Split:
    """Open the file of one case; :class:`ReadError` if it holds another case or several."""
    split = Split.open(path, max_bytes)
    if list(split.columns.indices) != [index]:
        split.close()
        raise ReadError(f"{path} holds the cases {split.columns.indices.tolist()[:3]}; expected case {index} only")
    return split
