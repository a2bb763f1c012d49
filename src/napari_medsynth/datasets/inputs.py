"""The files that a recipe's settings name, and what is in them: they decide what a dataset holds, too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..core.recipe import Recipe
from ..core.settings import Settings
from ..io.plainfile import file_sum
from ..tumor.library_index import INDEX


def inputs_of(recipe: Recipe) -> tuple[dict[str, str], ...]:
    """Return path and checksum of each file and folder that the settings of a recipe name, those that are there.

    A seed library's checksum is that of its index, which has those of its seeds; another folder's is that of the names
    and sizes of its files.

    Raises
    ------
    ReadError
        If a file cannot be read.
    """
    paths = dict.fromkeys(path for step in recipe.steps for path in _paths(step))
    return tuple({"path": str(path), "sha256": _sum(path)} for path in paths if path.exists())


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Settings):
        for field in fields(value):
            yield from _paths(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from _paths(part)


def _sum(path: Path) -> str:
    file = path / INDEX if (path / INDEX).is_file() else path
    if file.is_file():
        return str(file_sum(file)["sha256"])
    listing = sorted(f"{item.relative_to(path)} {item.stat().st_size}" for item in path.rglob("*") if item.is_file())
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()
