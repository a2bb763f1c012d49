"""One writer a folder: :func:`only_writer`.

The lock is the operating system's, held on an open file: it ends with the process that holds it, however that ends,
so none is ever left behind. What the file says of its holder is for the message only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..core.errors import WriteError

MAX_HOLDER = 1000

#: Windows locks bytes, and a locked one cannot be read: this one lies behind everything that the file says.
_LOCKED_BYTE = 1 << 30


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path`` while the block runs; its folder has to be there.

    The file is deleted in the end, unless its folder has gone before.

    Raises
    ------
    WriteError
        If another process or thread holds it; the message names process and host. Or if it cannot be made or locked.
    """
    file = _locked(path)
    try:
        with suppress(OSError):  # on a full disk: what is locked is locked without a word
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        yield
    finally:
        _release(file, path)


def _locked(path: Path) -> BinaryIO:
    """Open and lock the file; once more if its holder deleted it between the two."""
    while True:
        try:
            file: BinaryIO = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "rb+", buffering=0)
        except OSError as error:
            raise WriteError(f"{path} could not be written: {error.strerror}") from error
        try:
            locked = _try_lock(file)
        except OSError as error:
            file.close()
            raise WriteError(f"{path} could not be locked: {error.strerror}") from error
        if not locked:
            with file:
                holder = _holder(file)
            raise WriteError(f"{path.parent.parent} is being written by {holder}; expected one writer at a time")
        if _is_still_there(file, path):
            return file
        file.close()


def _is_still_there(file: BinaryIO, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _holder(file: BinaryIO) -> str:
    """Who holds the lock, as far as the file tells: it is empty for a moment after it was made."""
    try:
        known = json.loads(file.read(MAX_HOLDER))
        return f"process {int(known['pid'])} on {str(known['host'])[:100]}"
    except (ValueError, TypeError, KeyError):
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def _release(file: BinaryIO, path: Path) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        file.close()
        with suppress(OSError):  # a file that someone has open stays; it locks nobody out
            path.unlink(missing_ok=True)

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(file: BinaryIO, path: Path) -> None:
        path.unlink(missing_ok=True)  # before it is free, so that nobody locks a file that is then deleted
        file.close()
