"""What a layer knows beyond its pixels: ``layer.metadata["napari-medsynth"]``, as JSON.

It keeps the true affine (napari shows no rotation), the orientation of the file that the voxels came from, what the
label values mean, and how the voxels were made. :mod:`.layers` writes it, :mod:`.writer` puts it back into files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.affine import Affine
from ..core.errors import GridError, MedsynthError, shown
from ..core.labels import LabelTable
from ..core.record import Record

if TYPE_CHECKING:
    from napari.layers import Layer

KEY = "napari-medsynth"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """What is kept with a layer.

    Parameters
    ----------
    shape
        Voxels of the displayed array, ``(y, x)`` or ``(z, y, x)``.
    affine
        Where the displayed array lies.
    original_affine
        Where the file's array lies: the same voxels before axes were permuted and flipped for display.
    modality, table, history
        As in :class:`~napari_medsynth.core.volume.Volume`, :class:`LabelMap` and :class:`Case`.
    role
        Which part of a case it is: ``"image"``, ``"labels"`` or ``"instances"``.
    """

    shape: tuple[int, ...]
    affine: Affine
    original_affine: Affine
    modality: str = ""
    table: LabelTable = field(default_factory=LabelTable)
    history: tuple[Record, ...] = ()
    role: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "version": VERSION,
            "role": self.role,
            "shape": list(self.shape),
            "affine": self.affine.matrix.tolist(),
            "orientation": self.original_affine.orientation,
            "original_affine": self.original_affine.matrix.tolist(),
            "modality": self.modality,
            "table": self.table.to_json(),
            "history": [record.to_json() for record in self.history],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> LayerInfo:
        """Make one of what :meth:`to_json` gave.

        Raises
        ------
        GridError
            If it is not of that form, or of a newer version.
        """
        if value.get("version") != VERSION:
            raise GridError(f"layer metadata is of version {shown(value.get('version'))}; expected {VERSION}")
        try:
            return cls(
                shape=tuple(int(n) for n in value["shape"]),
                affine=Affine(np.asarray(value["affine"], dtype=np.float64)),
                original_affine=Affine(np.asarray(value["original_affine"], dtype=np.float64)),
                modality=str(value["modality"]),
                table=LabelTable.from_json(value["table"]),
                history=tuple(Record.from_json(record) for record in value["history"]),
                role=str(value["role"]),
            )
        except (MedsynthError, KeyError, TypeError, ValueError) as error:
            raise GridError(f"layer metadata {KEY!r} is damaged: {error}") from error


def metadata_of(layer: Layer) -> dict[str, Any]:
    """Return what this package keeps with a layer, as JSON values; empty if the layer is not one of ours."""
    found = layer.metadata.get(KEY, {})
    return dict(found) if isinstance(found, dict) else {}


def info_of(layer: Layer) -> LayerInfo | None:
    """Return :func:`metadata_of` read into a :class:`LayerInfo`; None if the layer is not one of ours.

    Raises
    ------
    GridError
        If it is damaged or of a newer version.
    """
    found = metadata_of(layer)
    return LayerInfo.from_json(found) if "version" in found else None


def history_of(layer: Layer) -> tuple[Record, ...]:
    """Return how the voxels of a layer were made, oldest first.

    Raises
    ------
    RecordError
        If an entry is not a record.
    """
    return tuple(Record.from_json(record) for record in metadata_of(layer).get("history", []))


def with_history(layer: Layer, history: Iterable[Record]) -> None:
    """Set the history of a layer; whatever else is in its metadata stays."""
    ours = {**metadata_of(layer), "history": [record.to_json() for record in history]}
    layer.metadata = {**layer.metadata, KEY: ours}
