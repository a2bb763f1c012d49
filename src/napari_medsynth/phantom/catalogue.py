"""The structures of an anatomy, kept as data: :class:`Catalogue` and its :class:`Structure` entries.

A catalogue is a YAML file in this folder. Positions and sizes are ``(z, y, x)``: ``z`` to the head, ``y`` to the
back, ``x`` to the patient's left, from the middle of the body, in the catalogue's unit (mm, or fractions of the whole
field of view). Sizes are full extents, not radii.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ..core.errors import ConfigError, shown
from ..core.labels import Label, LabelTable
from ..core.settings import nearest

Triple = tuple[float, float, float]
Unit = Literal["mm", "fraction"]


@dataclass(frozen=True)
class Structure:
    """One structure: what it is, where it lies, what it looks like, and how much of that may vary.

    Parameters
    ----------
    label
        Its value, name, tissue, side and colour.
    shape
        Name of the function that makes its shape.
    centre, size
        Where its middle lies, and its full extents, ``(z, y, x)`` in the catalogue's unit.
    intensity
        Mean value of its voxels: 0 … 255 (classic) or HU (torso).
    varies
        How much of the user's noise it takes: ``(position, size, intensity)``, 1 for all of it, 0 for none.
    neighbours
        Names of the structures that it touches or that must not pass through it.
    details
        What its shape needs to know besides.
    """

    label: Label
    shape: str
    centre: Triple
    size: Triple
    intensity: float
    varies: Triple = (1.0, 1.0, 1.0)
    neighbours: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the structure."""
        return self.label.name

    @property
    def target(self) -> bool:
        """Whether it is one of the structures that masks and presence are given for; others are context."""
        return not self.label.context


@dataclass(frozen=True)
class Region:
    """A part of the body that an image can show: its middle and full extents, ``(z, y, x)``."""

    centre: Triple
    extent: Triple


@dataclass(frozen=True)
class Catalogue:
    """All structures of an anatomy.

    Parameters
    ----------
    name
        What the anatomy is called.
    unit
        What positions and sizes are in.
    field_of_view
        Millimetres along ``(z, y, x)`` of an image that shows the whole.
    limits
        Lowest and highest value of a voxel; images hold whole numbers.
    air
        Value of what no structure covers.
    artefacts
        The anatomy's own ``blur`` (voxels, standard deviation), ``bias_field`` (largest relative change) and
        ``noise`` (standard deviation, in the image's unit).
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    regions
        Parts that an image can show, by name; ``"whole"`` is one of them.
    groups
        Names that stand for several structures, e.g. ``thoracic`` or a kidney that has a cortex and a medulla.
    structures
        In the order in which they are painted, one over the other.
    """

    name: str
    unit: Unit
    field_of_view: Triple
    limits: tuple[float, float]
    air: float
    artefacts: Mapping[str, float]
    modality: str
    regions: Mapping[str, Region]
    groups: Mapping[str, tuple[str, ...]]
    structures: tuple[Structure, ...]

    @property
    def table(self) -> LabelTable:
        """What the values of its label maps mean."""
        return LabelTable(tuple(entry.label for entry in self.structures))

    @property
    def targets(self) -> tuple[Structure, ...]:
        """The structures that masks and presence are given for, by value: the order of masks in a dataset."""
        return tuple(sorted((s for s in self.structures if s.target), key=lambda s: s.label.value))

    @property
    def names(self) -> tuple[str, ...]:
        """Names that may be asked for: the target structures, then the groups."""
        return (*(entry.name for entry in self.targets), *self.groups)

    def __getitem__(self, name: str) -> Structure:
        """Return a structure by its name; :class:`ConfigError` that names the nearest if there is none."""
        found = next((entry for entry in self.structures if entry.name == name), None)
        if found is None:
            raise self._unknown(name, [entry.name for entry in self.structures])
        return found

    def members(self, names: Iterable[str]) -> frozenset[str]:
        """Return the target structures that ``names`` stand for, groups resolved.

        Raises
        ------
        ConfigError
            If a name is neither; the nearest one is given.
        """
        single = {entry.name for entry in self.targets}
        found: set[str] = set()
        for name in names:
            if name in single:
                found.add(name)
            elif name in self.groups:
                found |= self.members(self.groups[name])
            else:
                raise self._unknown(name, self.names)
        return frozenset(found)

    def _unknown(self, name: object, known: Iterable[str]) -> ConfigError:
        return ConfigError(f"anatomy {self.name!r} has no structure {shown(name)}; {nearest(str(name), known)}")


@cache
def catalogue(name: str) -> Catalogue:
    """Return one of the catalogues that come with this package, ``"classic"`` or ``"torso"``."""
    import yaml

    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    # The loader in C is ten times as fast and as safe; not every installation of PyYAML has it.
    return _catalogue(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - both are safe


def _catalogue(data: Mapping[str, Any]) -> Catalogue:
    regions = {name: Region(_triple(r["centre"]), _triple(r["extent"])) for name, r in data["regions"].items()}
    return Catalogue(
        name=data["name"],
        unit=data["unit"],
        field_of_view=_triple(data["field_of_view"]),
        limits=(float(data["limits"][0]), float(data["limits"][1])),
        air=float(data["air"]),
        artefacts={key: float(value) for key, value in data["artefacts"].items()},
        modality=data["modality"],
        regions=regions,
        groups={name: tuple(members) for name, members in data["groups"].items()},
        structures=tuple(_structure(entry) for entry in data["structures"]),
    )


def _structure(entry: Mapping[str, Any]) -> Structure:
    known = dict(entry)
    label = Label(
        known.pop("value"),
        known.pop("name"),
        known.pop("tissue"),
        known.pop("side", ""),
        _triple(known.pop("colour")),
        known.pop("context", False),
    )
    return Structure(
        label,
        known.pop("shape"),
        _triple(known.pop("centre", (0, 0, 0))),
        _triple(known.pop("size", (0, 0, 0))),
        float(known.pop("intensity")),
        _triple(known.pop("varies", (1, 1, 1))),
        tuple(known.pop("neighbours", ())),
        known,
    )


def _triple(values: Iterable[float]) -> Triple:
    a, b, c = (float(v) for v in values)
    return a, b, c
