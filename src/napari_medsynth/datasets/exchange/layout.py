"""What every layout of another tool has in common: :class:`Layout`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ...core.labels import LabelTable
from .listing import Listing


@dataclass(frozen=True)
class Places:
    """Where the files of a case go, relative to the folder, with ``/``."""

    image: str
    labels: str
    instances: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an export holds.

    Parameters
    ----------
    name
        Name of the dataset.
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    table
        The meaning of the values in the files.
    splits
        For each split the ids of its cases, in their order.
    parts
        For each case which of ``"image"``, ``"labels"`` and ``"instances"`` it has.
    """

    name: str
    modality: str
    table: LabelTable
    splits: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, frozenset[str]]


class Layout(ABC):
    """A folder layout of another tool: where things go, which lists it needs, and how it is read."""

    #: Name of the layout on the command line.
    name: ClassVar[str]
    #: What it is, for people.
    title: ClassVar[str]

    def check(self, target: Path, *, has_images: bool, has_labels: bool) -> None:
        """Raise :class:`ConfigError` if a dataset with or without images or labels cannot be exported to ``target``."""
        del target, has_images, has_labels  # most layouts take any

    def places(self, split: str, name: str) -> Places:
        """Return where the files of the case called ``name`` go; in most layouts, the same for every split."""
        del split
        return Places(f"images/{name}.nii.gz", f"labels/{name}.nii.gz", f"instances/{name}.nii.gz")

    def values(self, table: LabelTable) -> dict[int, int]:
        """Return for each value of a dataset the value in the files."""
        return {entry.value: entry.value for entry in table}

    @abstractmethod
    def lists(self, contents: Contents) -> dict[str, Any]:
        """Return the JSON files that describe the cases, by name."""

    @abstractmethod
    def read(self, source: Path, fold: int) -> Listing:
        """List what a folder holds, opening none of its images.

        Parameters
        ----------
        source
            The folder.
        fold
            Which fold of a cross-validation is for validation, if the folder has several.

        Raises
        ------
        ReadError
            If it is not of this layout, or a list in it cannot be trusted.
        ConfigError
            If there is no such fold.
        """
