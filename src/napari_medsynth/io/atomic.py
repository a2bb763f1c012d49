"""Files and folders that are there whole or not at all.

Everything is written under a temporary name in the same folder, flushed to the disk and renamed, so that neither an
error, a full disk, a killed process nor a power cut leaves half of a file under its final name.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..core.errors import MedsynthError, WriteError
from .exchange import exchange
from .names import split_suffix

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes ``path`` when the block ends, and vanishes if it fails.

    The temporary name ends in the suffix of ``path``, because libraries choose the format by it. Folders that are
    missing are made.

    Parameters
    ----------
    durable
        Whether the file is flushed to the disk, so that it survives a power cut. That takes as long as the disk
        needs; files that are checked before use and can be made again may do without.

    Raises
    ------
    WriteError
        If the file cannot be written; the message names ``path`` and the reason. What ``path`` held is unchanged.
    """
    path = Path(path)
    temp = _beside(path)
    try:
        with _explained(path, temp):
            path.parent.mkdir(parents=True, exist_ok=True)
            temp.touch(exist_ok=False)  # a folder that may not be written is found before any work is done
            yield temp
            if durable:
                _flush(temp)
            os.replace(temp, path)
            if durable:
                _flush_folder(path.parent)
    except BaseException:
        with suppress(NotADirectoryError):  # a file lies where a folder was expected: nothing was made
            temp.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder to fill; it becomes ``path`` when the block ends, and vanishes if it fails.

    With ``replace``, a folder that exists is exchanged with the new one in a single step where the system can do
    that (Linux), so that a crash leaves the old one or the new one; elsewhere by two renames.

    Raises
    ------
    WriteError
        If it cannot be written, or ``path`` is not empty and ``replace`` is false.
    """
    path = Path(path)
    temp = _beside(path)
    try:
        with _explained(path, temp):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise WriteError(f"{path} is a file or a link; expected a folder or a new name")
            if not replace and path.is_dir() and any(path.iterdir()):
                raise WriteError(f"{path} is not empty; choose another folder or allow overwriting")
            path.parent.mkdir(parents=True, exist_ok=True)
            temp.mkdir()
            yield temp
            _flush_tree(temp)
            _put_in_place(temp, path)
            _flush_folder(path.parent)
    finally:
        shutil.rmtree(temp, ignore_errors=True)  # after an exchange, this is the old folder


def write_bytes(path: str | os.PathLike[str], data: bytes, *, durable: bool = True) -> None:
    """Write a file, whole or not at all; parameters and errors as of :func:`atomic_path`."""
    with atomic_path(path, durable=durable) as temp:
        temp.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; raises as :func:`atomic_path` does."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write plain values as JSON, whole or not at all.

    Raises
    ------
    WriteError
        If the value cannot be kept as JSON (NaN included), or as :func:`atomic_path` does.
    """
    write_text(path, json_text(path, value))


def json_text(path: str | os.PathLike[str], value: Any) -> str:
    """Return the text of a JSON file; ``path`` is for the message of a :class:`WriteError`."""
    try:
        return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as error:
        raise WriteError(f"{path} cannot hold these values as JSON: {error}") from error


def _beside(path: Path) -> Path:
    stem, suffix = split_suffix(path)
    return path.with_name(f".{stem}.{secrets.token_hex(4)}.partial{suffix}")


@contextmanager
def _explained(path: Path, temp: Path) -> Iterator[None]:
    """Turn an OSError into a WriteError that names the final path and the reason."""
    try:
        yield
    except MedsynthError:
        raise
    except OSError as error:
        raise WriteError(f"{path} could not be written: {_reason(error, path, temp)}") from error


def _reason(error: OSError, path: Path, temp: Path) -> str:
    if error.errno in _FULL:
        written = temp.stat().st_size if temp.is_file() else 0
        free = shutil.disk_usage(path.parent).free
        return f"the disk or quota is full ({written} bytes of it were written, {free} bytes are free)"
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"the folder or file is read-only ({error.strerror})"
    return error.strerror or str(error)


def _put_in_place(temp: Path, path: Path) -> None:
    if not path.exists():
        temp.rename(path)
    elif not exchange(temp, path):
        old = _beside(path)
        path.rename(old)
        try:
            temp.rename(path)
        except BaseException:
            old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere folders cannot be opened, and renames are kept by the file system's journal
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_tree(folder: Path) -> None:
    for item in folder.iterdir():
        if item.is_dir():
            _flush_tree(item)
        else:
            _flush(item)
    _flush_folder(folder)
