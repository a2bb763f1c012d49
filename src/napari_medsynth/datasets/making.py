"""What a worker does: make the cases of a :class:`Task` and pack them. Workers write nothing."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, replace
from functools import lru_cache

from ..core.case import Case
from ..core.errors import MedsynthError
from ..core.recipe import Recipe
from .packing import pack
from .schema import Meta
from .sources import Source


@dataclass(frozen=True)
class Task:
    """Cases to make.

    Parameters
    ----------
    recipe
        The recipe as JSON text.
    cases
        Index of each case in the dataset, and what it begins with; None begins with nothing.
    """

    recipe: str
    cases: tuple[tuple[int, Source | None], ...]


@dataclass(frozen=True)
class Part:
    """A case that was made: its index, what a dataset of such cases has in common, and its one-case HDF5 file."""

    index: int
    meta: Meta
    data: bytes


@dataclass(frozen=True)
class Made:
    """What became of a task: the cases up to the first that could not be made.

    Parameters
    ----------
    parts
        The cases.
    seconds
        How long that took.
    error
        Why the next one could not be made; None if all were.
    """

    parts: tuple[Part, ...]
    seconds: float
    error: MedsynthError | None = None


def make_cases(task: Task) -> Made:
    """Make the cases of a task, one after the other."""
    start = time.perf_counter()
    parts: list[Part] = []
    error = None
    for index, source in task.cases:
        try:
            parts.append(_packed(task.recipe, index, source))
        except MedsynthError as found:
            error = _explained(found, type(found), f"case {index} could not be made: {found}")
            break
        except Exception as found:  # noqa: BLE001 - steps of other packages run here; the case has to be named
            what = f"{type(found).__name__}: {found}"
            error = _explained(found, MedsynthError, f"case {index} could not be made: {what}")
            break
    return Made(tuple(parts), time.perf_counter() - start, error)


def _packed(text: str, index: int, source: Source | None) -> Part:
    recipe, yaml = _recipe(text)
    case = recipe(_start(index, source), index=index)
    meta = Meta.of(case, recipe=yaml, seed=recipe.seed)
    return Part(index, meta, pack(case, meta, index=index, seed=recipe.seed))


def _start(index: int, source: Source | None) -> Case:
    if source is None:
        return Case(id=f"case_{index:06d}")
    return replace(_read(source), id=f"{source.id}_{index:06d}")


def _explained(found: Exception, kind: type[MedsynthError], message: str) -> MedsynthError:
    """Make an error that keeps its traceback on the way to another process, as a note for ``--verbose``."""
    error = kind(message)
    error.add_note("".join(traceback.format_exception(found)).rstrip())
    return error


@lru_cache(maxsize=1)
def _recipe(text: str) -> tuple[Recipe, str]:
    recipe = Recipe.from_json(json.loads(text))
    return recipe, recipe.to_yaml()


@lru_cache(maxsize=2)  # scans are large; a batch often begins with the same few
def _read(source: Source) -> Case:
    return source.read()
