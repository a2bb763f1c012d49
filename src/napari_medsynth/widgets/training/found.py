"""What there is to train on: :class:`Found`, counted of layers or of a folder, in a worker thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...core.errors import ConfigError
from ...core.labels import Label, LabelMap, LabelTable
from ...core.schemes import scheme as scheme_named
from ...datasets.finding import find_cases
from ...datasets.found import FoundCase
from ..layers import labels_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels

Source = Literal["synthetic", "real", "mixed"]

#: Label maps of a folder that are read to see what structures there are.
MOST_READ = 3

_ALONE = "With one patient there is nothing to validate on: no Dice is shown, and the last epoch is kept. Add a second."

_NEEDS = {"synthetic": "label maps", "real": "images with label maps", "mixed": "images with label maps"}


@dataclass(frozen=True)
class Found:
    """Cases, and what is in them.

    Parameters
    ----------
    patients
        The patient of each case.
    labelled
        Cases with a label map.
    pictured
        Cases with a label map and an image.
    structures
        What each value stands for, of all label maps that were read.
    read
        How many label maps were.
    ndim
        Axes of what was read; 0 if nothing was.
    """

    patients: tuple[str, ...]
    labelled: int
    pictured: int
    structures: LabelTable = field(default_factory=LabelTable)
    read: int = 0
    ndim: int = 0

    def describe(self) -> str:
        """Return the counts, in words."""
        parts = [
            _counted(len(self.patients), "case"),
            _counted(len(set(self.patients)), "patient"),
            f"{self.labelled} with labels",
            f"{self.pictured} with image and labels",
        ]
        some = f" (of {_counted(self.read, 'label map')})" if self.read < self.labelled else ""
        counts = " · ".join([*parts, _counted(len(self.structures), "structure") + some])
        return f"{counts}\n{_ALONE}" if len(set(self.patients)) == 1 else counts

    def obstacle(self, source: Source) -> str:
        """Return why this kind of model cannot learn from it; empty if it can."""
        usable = self.labelled if source == "synthetic" else self.pictured
        if not usable:
            return f"none of {_counted(len(self.patients), 'case')} has what this model learns from: {_NEEDS[source]}"
        return "" if len(self.structures) else "all labels are empty; paint a structure first"


def of_layers(pairs: Sequence[tuple[Labels, Image | None]]) -> Found:
    """Count labels layers, each with its image layer if it has one; each counts as a patient of its own.

    Raises
    ------
    GridError, LabelError
        If a layer is no label map.
    ConfigError
        If two are the same: one would be validated on what the other has taught.
    """
    maps = [labels_of(layer) for layer, _ in pairs]
    _require_different(maps, [layer.name for layer, _ in pairs])
    pictured = sum(image is not None for _, image in pairs)
    patients = tuple(str(number) for number in range(len(pairs)))
    ndim = max((labels.ndim for labels in maps), default=0)
    return Found(patients, len(maps), pictured, _structures(maps), len(maps), ndim)


def of_folder(folder: Path, layout: str, scheme: str | None) -> Found:
    """Count the cases of a folder, and read some of its label maps.

    Parameters
    ----------
    folder
        In any of the layouts.
    layout
        Its layout, or ``"auto"``.
    scheme
        What label values mean where the files do not say.

    Raises
    ------
    ReadError, ConfigError
        If there are no cases, or they cannot be read.
    """
    cases = find_cases(folder, layout=layout)
    labelled = [case for case in cases if case.labels is not None]
    maps = [labels for case in _apart(labelled) if (labels := case.read(image=False).labels) is not None]
    table = _structures(maps)
    if scheme is not None:
        listed = scheme_named(scheme)
        table = LabelTable(tuple(_meant(entry, listed) for entry in table))
    pictured = sum(case.image is not None for case in labelled)
    ndim = max((labels.ndim for labels in maps), default=0)
    return Found(tuple(case.patient for case in cases), len(labelled), pictured, table, len(maps), ndim)


def relabelled(table: LabelTable, wanted: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return the setting ``relabel`` for the structures that are wanted; empty if all are.

    Raises
    ------
    ConfigError
        If none is.
    """
    kept = set(wanted)
    if not kept:
        raise ConfigError("no structure is ticked; tick those that the model is to find")
    values = [entry.value for entry in table]
    return () if kept >= set(values) else tuple((value, value) for value in values if value in kept)


def _require_different(maps: Sequence[LabelMap], names: Sequence[str]) -> None:
    for (one, name), (other, twin) in combinations(zip(maps, names, strict=True), 2):
        if one.values() and np.array_equal(one.array, other.array):
            raise ConfigError(f"layers {name!r} and {twin!r} hold the same labels; untick one of them")


def _structures(maps: Iterable[LabelMap]) -> LabelTable:
    """What is in label maps; a value that one has a name for gets that."""
    entries: dict[int, Label] = {}
    for labels in maps:
        listed = {entry.value for entry in labels.table}
        for value in labels.values():
            if value and (value in listed or value not in entries):
                entries[value] = labels.table[value]
    return LabelTable(tuple(entry for entry in entries.values() if not entry.context))


def _meant(entry: Label, listed: LabelTable) -> Label:
    named = entry.name != f"label {entry.value}"
    return entry if named else listed[entry.value]


def _apart(cases: Sequence[FoundCase]) -> list[FoundCase]:
    """Some cases, spread over all."""
    step = max(1, len(cases) // MOST_READ)
    return list(cases[::step][:MOST_READ])


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
