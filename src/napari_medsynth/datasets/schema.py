"""What a split file holds, by name, and what is the same for all its cases: :class:`Meta`.

A dataset is a folder with one HDF5 file a split and ``metadata.json``; ``docs/datasets.md`` describes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError, GridError, LabelError
from ..core.labels import Label, LabelTable

SCHEMA = "napari-medsynth dataset"
VERSION = 1

#: Names of the splits, in the order in which cases are given to them.
SPLITS = ("train", "val", "test")

#: Files of a dataset's folder; unfinished ones keep their cases, and the plan of the whole, in a folder of their own.
METADATA, REPORT, UNFINISHED, PLAN = "metadata.json", "report.html", ".unfinished", "plan.json"

IMAGES, LABELS, INSTANCES, MASKS = "images", "labels", "instances", "masks"
PRESENCE, SCENARIOS, CASE_IDS, HISTORY = "presence_labels", "scenarios", "case_ids", "history"
AFFINES, SPACING, SEEDS, INDICES, CHECKSUMS = "affines", "spacing", "seeds", "indices", "checksums"

#: Bytes of the texts of a case; histories are as long as the longest.
TEXT_WIDTHS = {SCENARIOS: 64, CASE_IDS: 64, CHECKSUMS: 64}

#: A history longer than this is no history; a reader refuses it before it allocates anything.
MAX_HISTORY = 16 * 1024**2

#: HDF5 keeps the size of a chunk, here all voxels of a case, in 32 bits.
MAX_ARRAY = 2**32 - 1

#: 65535 labels can be named, and no more.
MAX_STRUCTURES = 65535


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What holds for all cases of a dataset.

    Parameters
    ----------
    image_size
        Voxels along ``(z, y, x)``, or ``(y, x)``.
    structures
        What masks and presence are given for, ordered by value.
    table
        What the values of the label maps mean; it may have more entries than ``structures``.
    image_type, label_type, instance_type
        NumPy names of the voxels' types, e.g. ``"int16"``; empty if the cases have no such array.
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    recipe
        The recipe as YAML; empty if no recipe made the cases.
    seed
        Root seed of the dataset.
    """

    image_size: tuple[int, ...]
    structures: tuple[Label, ...] = ()
    table: LabelTable = field(default_factory=LabelTable)
    image_type: str = ""
    label_type: str = ""
    instance_type: str = ""
    modality: str = ""
    recipe: str = ""
    seed: int = 0

    @classmethod
    def of(cls, case: Case, *, recipe: str = "", seed: int = 0) -> Self:
        """Return what holds for ``case``, as a dataset of one.

        Structures are those of the label table and those that occur, without what surrounds the organs of a phantom.

        Raises
        ------
        ConfigError
            If there is neither an image nor labels.
        GridError
            If the image has channels: a dataset holds one value per voxel.
        """
        image, labels, instances = case.image, case.labels, case.instances
        return cls(
            image_size=shape_of(case),
            structures=structures_of(case),
            table=LabelTable() if labels is None else labels.table,
            image_type="" if image is None else _kept_type(image.array.dtype),
            label_type="" if labels is None else labels.array.dtype.name,
            instance_type="" if instances is None else instances.array.dtype.name,
            modality="" if image is None else image.modality,
            recipe=recipe,
            seed=seed,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the structures, in the order of masks and presence."""
        return tuple(entry.name for entry in self.structures)

    @property
    def values(self) -> tuple[int, ...]:
        """Label values of the structures, in the order of masks and presence."""
        return tuple(entry.value for entry in self.structures)

    @property
    def types(self) -> dict[str, np.dtype[np.generic]]:
        """Type on disk of each array that the cases have, by its name there."""
        known = {IMAGES: self.image_type, LABELS: self.label_type, INSTANCES: self.instance_type}
        return {name: np.dtype(kind).newbyteorder("<") for name, kind in known.items() if kind}

    def joined(self, other: Meta, mine: str, theirs: str) -> Self:
        """Return what holds for the cases of both: all structures of either, label types wide enough for both.

        Parameters
        ----------
        mine, theirs
            What the two are called in messages.

        Raises
        ------
        GridError
            If their images are not of one size.
        LabelError
            If a label value means two things.
        ConfigError
            If anything else that must be the same is not.
        """
        if self == other:
            return self
        if self.image_size != other.image_size:
            sizes = " and ".join(f"{who} is {times(of.image_size)}" for who, of in ((mine, self), (theirs, other)))
            raise GridError(f"{sizes} voxels; expected one size in a dataset (resample or crop them first)")
        for name in ("image_type", "modality", "recipe", "seed"):
            a, b = getattr(self, name), getattr(other, name)
            if a != b:
                found = f"{mine} has {name.replace('_', ' ')} {a!r} and {theirs} {b!r}"
                raise ConfigError(f"{found}; expected the same in a dataset")
        if bool(self.label_type) != bool(other.label_type):
            without = theirs if self.label_type else mine
            raise ConfigError(f"{without} has no labels and others have; expected the same in a dataset")
        return replace(
            self,
            structures=LabelTable(_united(self.structures, other.structures, mine, theirs)).entries,
            table=LabelTable(_united(self.table, other.table, mine, theirs)),
            label_type=_wider(self.label_type, other.label_type),
            instance_type=_wider(self.instance_type, other.instance_type),
        )


def structures_of(case: Case) -> tuple[Label, ...]:
    """Return what masks are given for: the label table's entries and the values that occur, by value.

    Context, such as a phantom's skin and fat, has labels and no mask.
    """
    if case.labels is None:
        return ()
    table = case.labels.table
    known = {entry.value for entry in table}
    unnamed = (table[value] for value in case.labels.values() if value not in known)
    return tuple(e for e in sorted((*table, *unnamed), key=lambda e: e.value) if not e.context)


def scenario_of(case: Case) -> str:
    """Return the scenario that a step of the case's history recorded; empty if none did."""
    found = (record.params.get("scenario") for record in case.history)
    return next((text for text in found if isinstance(text, str)), "")


def shape_of(case: Case) -> tuple[int, ...]:
    """Return the voxels of a case along each axis.

    Raises
    ------
    GridError
        If its image has channels.
    ConfigError
        If it has neither an image nor labels.
    """
    if case.image is not None and case.image.channels:
        channels = case.image.array.shape[0]
        raise GridError(f"case {case.id!r} has an image of {channels} channels; a dataset holds one value per voxel")
    grid = case.labels if case.image is None else case.image
    if grid is None:
        raise ConfigError(f"case {case.id!r} has neither an image nor labels; a dataset needs one of them")
    return grid.shape


def times(sizes: Iterable[int]) -> str:
    """Return sizes for a message: ``128×128×64``."""
    return "×".join(str(n) for n in sizes)


def _kept_type(dtype: np.dtype[np.generic]) -> str:
    """Type in which an image is stored: any that HDF5 readers of every language know."""
    name = dtype.newbyteorder("=").name
    return {"bool": "uint8", "float16": "float32"}.get(name, name)


def _wider(a: str, b: str) -> str:
    return np.promote_types(a, b).name if a and b else a or b


def _united(a: Iterable[Label], b: Iterable[Label], mine: str, theirs: str) -> tuple[Label, ...]:
    found = {entry.value: entry for entry in a}
    for entry in b:
        known = found.setdefault(entry.value, entry)
        if known != entry:
            said = f"{mine} calls label {entry.value} {known.name!r} and {theirs} {entry.name!r}"
            raise LabelError(f"{said}; expected one meaning a value in a dataset")
    return tuple(found.values())
