"""One writer a folder: :func:`only_writer`.

What the lock's file says of its holder is for the message only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..core.errors import WriteError
from ..io.locks import try_lock

MAX_HOLDER = 1000


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
        with ExitStack() as stack:
            stack.enter_context(file)
            if not try_lock(file, path):
                found = f"{path.parent.parent} is being written by {_holder(file)}"
                raise WriteError(f"{found}; expected one writer at a time")
            if _is_still_there(file, path):
                stack.pop_all()
                return file


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


def _release(file: BinaryIO, path: Path) -> None:
    if sys.platform != "win32":
        path.unlink(missing_ok=True)  # before it is free, so that nobody locks a file that is then deleted
    file.close()
    if sys.platform == "win32":  # there a file that someone has open stays; it locks nobody out
        with suppress(OSError):
            path.unlink(missing_ok=True)
