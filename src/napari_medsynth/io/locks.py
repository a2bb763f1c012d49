"""The operating system's lock on an open file: :func:`try_lock`.

It ends with the process that holds it, however that ends, so none is ever left behind.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import IO

from ..core.errors import WriteError

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

#: Windows locks bytes, and a locked one cannot be read: this one lies behind everything that a file says.
_LOCKED_BYTE = 1 << 30


def try_lock(file: IO[bytes], path: Path) -> bool:
    """Take the lock on an open file if it is free; closing the file gives it back.

    Raises
    ------
    WriteError
        If files cannot be locked there; the message names ``path``.
    """
    try:
        _lock(file)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise WriteError(f"{path} could not be locked: {error.strerror}") from error
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(0)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
