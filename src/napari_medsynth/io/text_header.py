"""What the text headers of MetaImage and NRRD have in common: fields, voxels in another file, voxels deflated.

ITK follows a detached header to any file of the machine, allocates whatever a header asks for, reads a damaged
compressed MetaImage as if it were whole, and takes a spacing of 0 for 1. So what a header says is checked before ITK
sees the file; and what ITK might read otherwise than we do is refused.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ReadError
from .limits import require_held

MAX_HEADER = 256 * 1024

_CHUNK = 1024**2
_ANY_DEFLATE = 32 + zlib.MAX_WBITS  # zlib's or gzip's wrapping, whichever is there


@dataclass(frozen=True)
class Stored:
    """Where the voxels of a file are.

    Parameters
    ----------
    file
        The file itself, or the one that a detached header names.
    start
        Byte at which they begin.
    values
        Number of values, channels counted.
    needed
        Bytes that these take, unpacked.
    packed
        Whether they are deflated.
    packed_bytes
        Bytes that they take deflated, if the header says so.
    """

    file: Path
    start: int
    values: int
    needed: int
    packed: bool
    packed_bytes: int | None = None

    def require_whole(self) -> None:
        """Raise :class:`ReadError` unless all voxels are there and, if deflated, their checksum is right."""
        require_held(self.file, self.needed, self.file.stat().st_size - self.start, compressed=self.packed)
        if self.packed:
            count, taken = self._inflated()
            if count != self.needed:
                raise ReadError(f"{self.file} holds {count} or more bytes of voxels; expected {self.needed}")
            if self.packed_bytes not in (None, taken):
                raise ReadError(f"{self.file} declares {self.packed_bytes} compressed bytes; it holds {taken}")

    def _inflated(self) -> tuple[int, int]:
        """Inflate without keeping the result; return the bytes given (at most a little too many) and taken."""
        inflater, count, taken = zlib.decompressobj(_ANY_DEFLATE), 0, 0
        with open(self.file, "rb") as file:
            file.seek(self.start)
            try:
                while not inflater.eof and count <= self.needed:
                    chunk = inflater.unconsumed_tail or file.read(_CHUNK)
                    out = inflater.decompress(chunk, _CHUNK)
                    count += len(out)
                    taken += len(chunk) - len(inflater.unconsumed_tail) - len(inflater.unused_data)
                    if not chunk and not out and not inflater.eof:
                        raise ReadError(f"{self.file} is cut short: it holds {count} of {self.needed} bytes of voxels")
            except zlib.error as error:
                raise ReadError(f"{self.file} is damaged: {error}") from error
        return count, taken


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, enough for any header."""
    with open(path, "rb") as file:
        return file.read(MAX_HEADER)


def fields_of(lines: bytes, pattern: re.Pattern[bytes], path: Path) -> dict[str, str]:
    """Return the keys of a header, letter case as it is, with their values.

    Parameters
    ----------
    pattern
        What a line has to be: key in the first group and value in the second, or neither.

    Raises
    ------
    ReadError
        If a line has another form, or a key comes twice in whatever letter case.
    """
    found: dict[str, str] = {}
    for line in lines.splitlines():
        match = pattern.fullmatch(line)
        if match is None:
            raise ReadError(f"{path} has the header line {line[:60]!r}; expected a key and its value")
        if match[1] is None:
            continue
        key = match[1].decode("ascii").strip()
        if key.lower() in map(str.lower, found):
            raise ReadError(f"{path} says {key!r} twice; expected it once")
        found[key] = match[2].decode("latin-1").strip(" \t\r")
    return found


def whole_numbers(fields: dict[str, str], key: str, path: Path, default: str = "") -> tuple[int, ...]:
    """Return the whole numbers of a field; a :class:`ReadError` if it does not hold one to ten of them."""
    text = fields.get(key, default)
    if not re.fullmatch(r"-?\d{1,18}( +-?\d{1,18}){0,9}", text):
        raise ReadError(f"{path} has {key} = {text!r}; expected whole numbers")
    return tuple(int(n) for n in text.split())


def file_beside(path: Path, name: str) -> Path:
    """Return the file that a detached header names; it has to lie in the header's folder or below."""
    if name.startswith("LIST") or "%" in name or "\0" in name:
        raise ReadError(f"{path} spreads its voxels over {name!r}; expected one file")
    folder = path.parent.resolve()
    target = (folder / name).resolve()
    if not target.is_relative_to(folder):
        raise ReadError(f"{path} takes its voxels from {name!r}; expected a file in its own folder")
    if not target.is_file():
        raise ReadError(f"{path} takes its voxels from {name!r}, which does not exist")
    return target
