"""The dataset that is looked through: :class:`Opened`, and which of its cases are wanted: :class:`Wanted`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...core.errors import ReadError

if TYPE_CHECKING:
    from ...datasets.reader import Split

SUFFIX = ".h5"

_MOST_NAMED = 3


@dataclass(frozen=True)
class Wanted:
    """Which cases are wanted: of a scenario (any, if empty), with some structures, and without some."""

    scenario: str = ""
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    def found_in(self, split: Split) -> npt.NDArray[np.intp]:
        """Return the numbers of the cases of a split that are as wanted, in ascending order."""
        fits = np.ones(len(split), dtype=bool)
        if self.scenario:
            fits &= np.array([name == self.scenario for name in split.scenarios], dtype=bool)
        names = list(split.structure_names)
        for wanted, structures in ((True, self.has), (False, self.lacks)):
            for name in structures:
                fits &= split.presence[:, names.index(name)] == wanted if name in names else not wanted
        return np.flatnonzero(fits)


class Opened:
    """A dataset folder, or one of its files.

    Parameters
    ----------
    path
        The folder, or an ``.h5`` file of one.

    Raises
    ------
    ReadError
        If it is not there, not finished, damaged or none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = {path.stem: path} if path.suffix.lower() == SUFFIX else _files_of(path)
        if not self._files:
            raise ReadError(f"{path} has no splits; expected a dataset with at least one")

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, training first."""
        return tuple(self._files)

    def file_of(self, name: str) -> Path:
        """Return the file of a split."""
        return self._files[name]

    def split(self, name: str) -> Split:
        """Open a split; raises :class:`ReadError` if it is damaged."""
        from ...datasets.reader import Split

        return Split.open(self._files[name])


def _files_of(folder: Path) -> dict[str, Path]:
    from ...datasets.folder import DatasetFolder

    return dict(DatasetFolder.open(folder).splits)


def presence_counts(split: Split) -> dict[str, int]:
    """Return in how many cases of a split each structure is present."""
    counts = np.asarray(split.presence).sum(axis=0)
    return {name: int(count) for name, count in zip(split.structure_names, counts, strict=True)}


def scenario_counts(split: Split) -> dict[str, int]:
    """Return how many cases of a split have each scenario, the most frequent first; cases without one are left out."""
    found = Counter(name for name in split.scenarios if name)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def describe_found(split: Split, wanted: Wanted, count: int) -> str:
    """Return a line on the filter: how many cases it lets through, and in how many each structure it names is."""
    present, total = presence_counts(split), len(split)
    named = [name for name in (*wanted.has, *wanted.lacks) if name in present]
    shares = [f"{name.replace('_', ' ')} in {present[name]} ({present[name] / total:.0%})" for name in named]
    head = f"{total} cases" if count == total else f"{count} of {total} cases"
    return " · ".join([head, *shares])


def describe_case(split: Split, index: int) -> str:
    """Return a line on a case: its scenario, how many structures it has, and those that it lacks."""
    present = np.asarray(split.presence[index])
    names = [name.replace("_", " ") for name in split.structure_names]
    absent = [name for name, there in zip(names, present, strict=True) if not there]
    parts = [split.columns.case_ids[index], split.columns.scenarios[index].replace("_", " ")]
    if names:
        parts.append(f"{int(present.sum())} of {len(names)} structures")
    if absent:
        more = f" and {len(absent) - _MOST_NAMED} more" if len(absent) > _MOST_NAMED else ""
        parts.append(f"without {', '.join(absent[:_MOST_NAMED])}{more}")
    return " · ".join(part for part in parts if part)
