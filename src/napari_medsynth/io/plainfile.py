"""Reading of small text files and sums of large ones."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import MedsynthError, ReadError

MAX_JSON = 64 * 1024**2


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an OSError into a :class:`ReadError` that names ``path`` and the reason."""
    try:
        yield
    except MedsynthError:
        raise
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist") from error
    except OSError as error:
        raise ReadError(f"{path} could not be read: {error.strerror or error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds a mapping.

    Raises
    ------
    ReadError
        As :func:`read_json_value` does, and if it is not a mapping.
    """
    value = read_json_value(path)
    if not isinstance(value, dict):
        raise ReadError(f"{path} holds {type(value).__name__}; expected a mapping")
    return value


def read_json_value(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    ReadError
        If it is missing, no file (a pipe or a device might never end), larger than 64 MiB, not JSON, or holds NaN.
    """
    with reading(path):
        if path.exists() and not path.is_file():
            raise ReadError(f"{path} is no file; expected one in JSON")
        if path.stat().st_size > MAX_JSON:
            raise ReadError(f"{path} has {path.stat().st_size} bytes; expected at most {MAX_JSON}")
        data = path.read_bytes()
    try:
        return json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path} is not valid JSON: {error}") from error


def file_sum(path: Path) -> dict[str, int | str]:
    """Return size and checksum of a file, ``{"bytes": …, "sha256": …}``."""
    with reading(path), open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}


def sum_problem(path: Path, recorded: object) -> str | None:
    """Return what is wrong with a file, given what :func:`file_sum` once said of it; None if it is whole."""
    if path.is_symlink():
        return f"{path} is a link; expected a file"
    if not path.is_file():
        return f"{path} is missing"
    if not isinstance(recorded, dict) or set(recorded) != {"bytes", "sha256"}:
        return f"{path} has no valid checksum on record: {recorded!r}"
    size = path.stat().st_size
    if size != recorded["bytes"]:
        word = "cut short" if isinstance(recorded["bytes"], int) and size < recorded["bytes"] else "altered"
        return f"{path} is {word}: it has {size} bytes; expected {recorded['bytes']}"
    if file_sum(path)["sha256"] != recorded["sha256"]:
        return f"{path} is altered: its checksum is not the recorded one"
    return None


def _refused(constant: str) -> None:
    raise ValueError(f"it holds {constant}")
