"""How much a file may claim: sizes are checked from headers before anything is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import ConfigError, ReadError

#: Environment variable that sets the most bytes that one array may take.
VARIABLE = "MEDSYNTH_MAX_BYTES"

#: Deflate cannot pack more than this many bytes into one (RFC 1951: 258 bytes in two bits, plus headers).
MAX_RATIO = 1032

_UNKNOWN_MEMORY = 8 * 1024**3


def budget(max_bytes: int | None = None) -> int:
    """Return the most bytes that one array may take.

    ``max_bytes`` if given, else the environment variable ``MEDSYNTH_MAX_BYTES``, else half of the physical memory
    (an image and its changed copy have to fit).

    Raises
    ------
    ConfigError
        If it is not a whole number above 0.
    """
    text = os.environ.get(VARIABLE, "")
    if max_bytes is None and not text:
        return _physical_memory() // 2
    try:
        value = int(text) if max_bytes is None else int(max_bytes)
    except ValueError as error:
        raise ConfigError(f"{VARIABLE} is {text!r}; expected a whole number of bytes") from error
    if value <= 0:
        raise ConfigError(f"the limit for one array is {value} bytes; expected a number above 0")
    return value


def require_sizes(path: Path, sizes: Sequence[int]) -> None:
    """Raise :class:`ReadError` unless there is at least one axis and every one has a voxel."""
    if not sizes or min(sizes) < 1:
        raise ReadError(f"{path} declares {_times(sizes)} voxels; expected at least one on each axis")


def require_affordable(path: Path, sizes: Sequence[int], itemsize: int, max_bytes: int | None = None) -> int:
    """Return the bytes of an array; raise :class:`ReadError` if they exceed the budget."""
    require_sizes(path, sizes)
    needed, allowed = math.prod(sizes) * itemsize, budget(max_bytes)
    if needed > allowed:
        found = f"{path} declares {_times(sizes)} voxels, {needed} bytes"
        raise ReadError(f"{found}; at most {allowed} are allowed here (set {VARIABLE} to change that)")
    return needed


def require_held(path: Path, needed: int, held: int, *, compressed: bool = False) -> None:
    """Raise :class:`ReadError` if ``held`` bytes of a file cannot hold the ``needed`` bytes of voxels."""
    if needed > held * (MAX_RATIO if compressed else 1):
        kind = " compressed" if compressed else ""
        raise ReadError(f"{path} is cut short: it declares {needed} bytes of voxels and has {max(held, 0)}{kind} bytes")


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _UNKNOWN_MEMORY


def _times(sizes: Sequence[int]) -> str:
    return "×".join(str(n) for n in sizes)
