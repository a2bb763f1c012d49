"""What a model is, where it may be used and where it comes from: :class:`ModelCard`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from ..core.errors import LabelError, ReadError, shown
from ..core.labels import LabelTable
from ..core.version import __version__

#: What the first line of a card says.
FORMAT = "napari-medsynth model"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """All that is known of a model beside its weights; plain JSON.

    Parameters
    ----------
    kind
        What the model does, e.g. ``"segmentation"``.
    name
        What people call it.
    network
        Name of the network and its settings; never code.
    inputs
        What the network is given: voxel size, modality, channels, intensity convention.
    labels
        What a segmentation model finds. Class 0 is background; class ``k`` is the ``k``-th entry, and its value is
        what stands in the label maps that the model makes.
    training
        How it was trained: settings, epochs, seed, what cases of which patients.
    data_sha256
        Checksum over the checksums of all training files.
    metrics
        What it reached, by name: of ``"validation"``, and what evaluations added.
    weights_sha256
        Checksum of the file of weights; empty until it is written.
    made_with
        Version of this package.
    """

    kind: str
    name: str
    network: Mapping[str, Any]
    inputs: Mapping[str, Any]
    labels: LabelTable = field(default_factory=LabelTable)
    training: Mapping[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    made_with: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"format": FORMAT, "version": VERSION, **asdict(self), "labels": self.labels.to_json()}

    @classmethod
    def from_json(cls, values: object, where: str = "model card") -> Self:
        """Make a card of what :meth:`to_json` gave.

        Raises
        ------
        ReadError
            If it is not of that form; ``where`` is named.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ReadError(f"{where} is not a model card; expected 'format': {FORMAT!r}")
        if values.get("version") != VERSION:
            raise ReadError(f"{where} has version {shown(values.get('version'))}; this installation reads {VERSION}")
        kept = {key: value for key, value in values.items() if key not in ("format", "version")}
        types = {entry.name: dict if "Mapping" in str(entry.type) else str for entry in fields(cls)} | {"labels": list}
        for key, value in kept.items():
            if key not in types or not isinstance(value, types[key]):
                raise ReadError(f"{where} has {shown(key)}: {shown(value)}; expected the entries of a model card")
        missing = [name for name in ("kind", "name", "network", "inputs") if name not in kept]
        if missing:
            raise ReadError(f"{where} lacks {missing[0]!r}")
        try:
            table = LabelTable.from_json(kept.pop("labels", []))
        except (LabelError, TypeError) as error:
            raise ReadError(f"{where}: {error}") from error
        return cls(labels=table, **kept)
