"""The list of what a seed library holds: ``index.json``, and the lock that keeps two writers apart."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..core.errors import ReadError, SeedError, WriteError
from ..io import write_json
from ..io.locks import try_lock
from ..io.plainfile import read_json
from .seed import SeedInfo

INDEX = "index.json"
LOCK = ".lock"
FORMAT = "napari-medsynth seed library"
VERSION = 1

#: How long a change waits for another process that is changing the same library, in seconds.
PATIENCE = 30.0


def is_library(folder: Path) -> bool:
    """Whether a folder holds a seed library."""
    return (folder / INDEX).is_file()


def read_index(folder: Path) -> tuple[dict[str, SeedInfo], list[str]]:
    """Read which seeds a library holds.

    Returns
    -------
    dict, list
        The seeds by id; and one line for each entry that cannot be used, without which the rest is as good.

    Raises
    ------
    SeedError
        If there is no index, it is damaged, or a newer version wrote it.
    """
    path = folder / INDEX
    try:
        found = read_json(path)
    except ReadError as error:
        raise SeedError(f"{folder} is not a seed library: {error}") from error
    if found.get("format") != FORMAT or not isinstance(found.get("seeds"), list):
        raise SeedError(f"{path} is not the index of a seed library; expected format {FORMAT!r} and a list of seeds")
    if found.get("version") != VERSION:
        raise SeedError(f"{path} is of version {found.get('version')!r}; this installation reads version {VERSION}")
    return _infos(path, found["seeds"])


def write_index(folder: Path, infos: Mapping[str, SeedInfo]) -> None:
    """Write which seeds a library holds, whole or not at all.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    seeds = [infos[key].to_json() for key in sorted(infos)]
    write_json(folder / INDEX, {"format": FORMAT, "version": VERSION, "seeds": seeds})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other writer out of a library; the system lifts the lock when a process ends, however it ends.

    Raises
    ------
    SeedError
        If another one still holds it after 30 s.
    WriteError
        If the folder cannot be written to.
    """
    with _lock_file(folder) as file:
        deadline = time.monotonic() + PATIENCE
        while not try_lock(file, folder / LOCK):
            if time.monotonic() > deadline:
                raise SeedError(f"library {folder} is being changed by another process; try again when it is done")
            time.sleep(0.02)
        yield


def _infos(path: Path, entries: list[object]) -> tuple[dict[str, SeedInfo], list[str]]:
    infos: dict[str, SeedInfo] = {}
    problems = []
    for number, entry in enumerate(entries, start=1):
        try:
            info = SeedInfo.from_json(entry)
        except SeedError as error:
            problems.append(f"{path}: entry {number} cannot be used: {error}")
            continue
        if info.id in infos:
            problems.append(f"{path}: entry {number} has the id {info.id} of an earlier one")
        infos.setdefault(info.id, info)
    return infos, problems


def _lock_file(folder: Path) -> IO[bytes]:
    try:
        return open(folder / LOCK, "a+b")
    except OSError as error:
        raise WriteError(f"library {folder} cannot be changed: {error.strerror}") from error
