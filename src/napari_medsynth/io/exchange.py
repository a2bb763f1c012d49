"""Two paths that swap their names in a single step."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_HERE = -100  # AT_FDCWD: relative paths count from the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE, renameat2(2)


def exchange(first: Path, second: Path) -> bool:
    """Swap the names of two folders; False if this system or file system cannot do that, and nothing changed then.

    Raises
    ------
    OSError
        If it can, but not for these two.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    if library.renameat2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(code, os.strerror(code))
