"""Checksums of the files of finished cases, so that going on with a dataset need not unpack them: :class:`Sums`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..core.errors import ReadError, WriteError
from ..io.plainfile import file_sum, reading

_LINE = re.compile(rb"(\d{1,12}) ([0-9a-f]{64})")


class Sums:
    """A text file with one line a case, its index and the SHA-256 of its file; each is added when that is in place.

    A process may be killed at any moment: a line that is missing or cut short only means that its case has to be
    checked in another way.

    Parameters
    ----------
    path
        The text file; it need not be there.

    Raises
    ------
    ReadError
        If it is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = []
        if path.is_file():
            with reading(path):
                lines = path.read_bytes().split(b"\n")
        self._known = {int(match[1]): match[2].decode() for match in map(_LINE.fullmatch, lines) if match}

    def __contains__(self, index: int) -> bool:
        """Whether the sum of this case is known."""
        return index in self._known

    def add(self, index: int, data: bytes) -> None:
        """Note the file of a case; raises :class:`WriteError` if that cannot be."""
        self._known[index] = hashlib.sha256(data).hexdigest()
        try:
            with open(self._path, "ab") as file:  # a line that was cut short before ends here
                file.write(f"\n{index} {self._known[index]}\n".encode())
        except OSError as error:
            raise WriteError(f"{self._path} could not be written: {error.strerror}") from error

    def match(self, index: int, path: Path) -> bool:
        """Whether the file of a case is the one that was noted."""
        try:
            return self._known.get(index) == file_sum(path)["sha256"]
        except ReadError:
            return False
