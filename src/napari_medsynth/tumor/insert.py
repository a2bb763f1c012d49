"""Lesions put into a scan: the step :class:`InsertTumors`.

Its parameters are a list of :class:`Insertion`, one a lesion, each complete in itself: what is placed, how it is
changed, where, how it is blended, and which part of it the host's wall cuts off. A person who places a lesion by
hand makes the same list, so that a drawn and a hand-made case are replayed in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.case import Case
from ..core.errors import ConfigError, GridError, HostError, RecordError, SeedError
from ..core.labels import Label, LabelMap, LabelTable
from ..core.rng import child_seed
from ..core.settings import Settings, require_interval, setting
from ..core.step import Step
from ..core.volume import Volume
from .blend import Blend, Patch, blend
from .cut import cut_of, unpack
from .host import Host, host_of, prepare_host
from .lesion import Lesion, shape
from .library import SeedLibrary
from .morph import Morph, Variation
from .place import Placement, Surroundings, find_place
from .prepare import prepare
from .seed import Attachment, Seed, SeedInfo
from .synthetic import KINDS, Kind, SyntheticLesion

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Insertion(Settings):
    """One lesion that is placed."""

    centre: tuple[float, float, float] = setting(help="Where its centroid goes, array index z, y, x")
    seed_id: str = setting("", "Seed in the library; empty for a made lesion")
    sha256: str = setting("", "Checksum of that seed")
    synthetic: SyntheticLesion | None = setting(None, "The made lesion, in place of a seed")
    morph: Morph = setting(Morph(), "How it is changed")
    blend: Blend = setting(Blend(), "How it becomes part of the scan")
    cut: str | None = setting(None, "Voxels of its box that lie in the host, packed; all of them if left out")
    instance: int = setting(1, "Its value in the instance map", low=1, high=65535)

    def lesion(self, seed: Seed, image: Volume) -> Lesion:
        """Bring the seed, changed, onto the scan's grid."""
        return shape(prepare(seed), self.morph, image.affine, self.centre)

    def patch(self, lesion: Lesion, image: Volume | npt.NDArray[Any], spacing: tuple[float, ...]) -> Patch:
        """Blend it into the scan; the voxels that change."""
        array = image.array if isinstance(image, Volume) else image
        shape = lesion.box.clipped(array.shape).shape
        host = None if self.cut is None else unpack(self.cut, shape)
        return blend(array, spacing, lesion, self.blend, host)


@dataclass(frozen=True, kw_only=True)
class InsertTumors(Step):
    """Place tumors in an organ of a scan, from a seed library or made ones, and keep the exact ground truth.

    Gives the image, ``labels`` with the tumor's value, and ``instances`` numbered 1, 2, 3 … Only the lesions' boxes
    change. What could not be placed is listed in the record with the reason.
    """

    name: ClassVar[str] = "insert_tumors"
    version: ClassVar[int] = 1

    library: Path | None = setting(None, "Folder of seeds; made lesions if left out")
    kinds: tuple[Kind, ...] = setting(KINDS, "Made lesions: which kinds")
    count: tuple[int, int] = setting((1, 3), "Lesions to place, uniform between the two", low=0, high=500)
    organ: str = setting("lung", "Where: 'lung', or a name or tissue in the label table")
    value: int | None = setting(
        None, "Value in the label map; the table's lesion if left out, else the next free", low=1, high=65535
    )
    attachment: tuple[Attachment, ...] = setting((), "Take only seeds that were attached so; any if empty")
    seed_volume_ml: tuple[float, float] = setting(
        (0.0, 2000.0), "Take only seeds of this volume", unit="mL", low=0, high=2000
    )
    exclude_patients: tuple[str, ...] = setting((), "Take no seed of these")
    variation: Variation = setting(Variation(), "How seeds are changed")
    placement: Placement = setting(Placement(), "Rules for their places")
    blend: Blend = setting(Blend(), "How they become part of the scan")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "count", "seed_volume_ml")
        if not self.kinds and self.library is None:
            raise ConfigError(f"InsertTumors.kinds is empty; expected one or more of {', '.join(KINDS)}")

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Choose seeds, morphs and places.

        Raises
        ------
        HostError
            If the case has no image or no host.
        SeedError
            If the library is damaged, or no seed in it fits the settings.
        """
        image = require_image(case)
        there = surroundings(case, prepare_host(host_of(case, self.organ)))
        infos = self._choices()
        first = next_instance(case)
        placed: list[dict[str, Any]] = []
        missed: list[dict[str, Any]] = []
        for number in range(int(rng.integers(self.count[0], self.count[1], endpoint=True))):
            seed, made = self._choose(infos, rng)
            morph = self.variation.draw(seed.info.diameter_mm, rng)
            start = Insertion(
                centre=_middle(there.host), morph=morph, synthetic=made, instance=first + len(placed),
                seed_id="" if made else seed.info.id, sha256="" if made else seed.info.sha256,
                blend=replace(self.blend, seed=child_seed(rng)),
            )  # fmt: skip
            here = start.lesion(seed, image)
            lesion, why = find_place(here, there, self.placement, rng)
            if lesion is None:
                missed.append({"lesion": number + 1, "seed": seed.info.id, "why": why})
                continue
            offset = np.subtract(lesion.box.start, here.box.start)
            z, y, x = (float(c + o) for c, o in zip(start.centre, offset, strict=True))
            placed.append(replace(start, centre=(z, y, x), cut=cut_of(lesion, there.host)).to_json())
            there = there.with_lesion(lesion)
        return {"value": tumor_value(case.labels, self.value), "lesions": placed, "not_placed": missed}

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Place the lesions that ``params`` list.

        Raises
        ------
        RecordError
            If a seed is no longer the one that was recorded.
        """
        image = require_image(case)
        voxels = image.array.copy()
        value = int(params["value"])
        labels = _writable(case.labels, image, value)
        entries = [Insertion.from_json(entry, "insertion") for entry in params["lesions"]]
        instances = _writable(case.instances, image, max((e.instance for e in entries), default=1))
        for entry in entries:
            patch = entry.patch(entry.lesion(self.seed_of(entry), image), voxels, image.spacing)
            voxels[patch.box.slices] = patch.values
            labels[patch.box.slices][patch.mask] = value
            instances[patch.box.slices][patch.mask] = entry.instance
        return replace(
            case,
            image=replace(image, array=voxels),
            labels=LabelMap(labels, image.affine, table_with_tumor(case.labels, value)),
            instances=LabelMap(instances, image.affine, instance_table(instances)),
        )

    def seed_of(self, entry: Insertion) -> Seed:
        """Return the seed that an insertion names, made or from the library.

        Raises
        ------
        RecordError
            If the library's seed is not the one that was recorded.
        """
        if entry.synthetic is not None:
            return entry.synthetic.make()
        if self.library is None:
            raise ConfigError(f"InsertTumors.library is not set; expected the folder that holds seed {entry.seed_id!r}")
        seed = open_library(self.library).load(entry.seed_id)
        if seed.info.sha256 != entry.sha256:
            found = f"seed {entry.seed_id!r} in {self.library} has checksum {seed.info.sha256[:12]}…"
            raise RecordError(f"{found}; the record was made with {entry.sha256[:12]}…")
        return seed

    def _choices(self) -> tuple[SeedInfo, ...]:
        """Return the library's seeds that fit the settings; none if lesions are made."""
        if self.library is None:
            return ()
        library = open_library(self.library)
        found = tuple(
            info
            for info in library.search(volume_ml=self.seed_volume_ml, exclude_patients=self.exclude_patients)
            if not self.attachment or info.attachment in self.attachment
        )
        if not found:
            raise SeedError(f"{self.library} holds {len(library.infos)} seeds and none of them fits the settings")
        return found

    def _choose(self, infos: tuple[SeedInfo, ...], rng: np.random.Generator) -> tuple[Seed, SyntheticLesion | None]:
        """Draw a seed from the library, or a made lesion of the size that is asked for."""
        if self.library is not None:
            return open_library(self.library).load(infos[int(rng.integers(len(infos)))].id), None
        size = self.variation if self.variation.size != "seed" else replace(self.variation, size="nodule")
        made = SyntheticLesion(
            kind=self.kinds[int(rng.integers(len(self.kinds)))],
            diameter_mm=round(size.diameter(10.0, rng), 2),
            elongation=round(float(rng.uniform(1.0, 1.5)), 3),
            roughness=round(float(rng.uniform(0.08, 0.2)), 3),
            seed=child_seed(rng),
        )
        return made.make(), made


def require_image(case: Case) -> Volume:
    """Return the case's image if lesions can be placed in it.

    Raises
    ------
    GridError, HostError
        If there is none, it is 2D or has channels, or it holds NaN or infinite voxels.
    """
    if case.image is None:
        raise HostError(f"case {case.id!r} has no image; expected a scan to place lesions in")
    if case.image.ndim != 3 or case.image.channels:
        raise GridError(f"case {case.id!r} has an image of shape {case.image.array.shape}; expected (z, y, x)")
    if not case.image.is_finite:
        raise HostError(f"case {case.id!r} has NaN or infinite voxels; expected a finite image")
    return case.image


def surroundings(case: Case, host: Host) -> Surroundings:
    """Return what the placing rules look at: scan, host and the lesions that the case has already."""
    image = require_image(case)
    return Surroundings(image.array, image.spacing, host, tuple(_lesions_of(case)))


def _lesions_of(case: Case) -> Iterator[tuple[Box, Mask]]:
    """Boxes and masks of the lesions in ``instances``, and of those in ``labels`` that the table calls lesions."""
    from scipy import ndimage

    maps = [] if case.instances is None else [case.instances.array]
    if case.labels is not None:
        values = case.labels.table.values_of(tissue="lesion")
        maps += [case.labels.mask(values).view(np.uint8)] if values else []
    for array in maps:
        for value, found in enumerate(ndimage.find_objects(array), 1):
            if found is not None:
                box = Box(tuple(s.start for s in found), tuple(s.stop for s in found))
                yield box, array[found] == value


def next_instance(case: Case) -> int:
    """Return the first number that no lesion of the case has yet."""
    return 1 if case.instances is None else int(case.instances.array.max()) + 1


def tumor_value(labels: LabelMap | None, asked: int | None = None) -> int:
    """Return the value that tumors get: the one asked for, else the table's lesion, else the next that is free."""
    if asked is not None:
        return asked
    if labels is None:
        return 1
    lesions = labels.table.values_of(tissue="lesion")
    return lesions[0] if lesions else max((*labels.values(), *(e.value for e in labels.table), 0)) + 1


def table_with_tumor(labels: LabelMap | None, value: int) -> LabelTable:
    """Return the label table with an entry for tumors, an existing one kept."""
    table = LabelTable() if labels is None else labels.table
    known = any(entry.value == value for entry in table)
    return table if known else table.with_label(Label(value, "tumor", tissue="lesion", colour=(0.9, 0.2, 0.2)))


def instance_table(instances: npt.NDArray[Any]) -> LabelTable:
    """Return a table that calls each lesion ``"tumor 1"``, ``"tumor 2"`` …"""
    return LabelTable(tuple(Label(n, f"tumor {n}", tissue="lesion") for n in range(1, int(instances.max()) + 1)))


def open_library(folder: Path) -> SeedLibrary:
    """Open a seed library; kept open until its index changes."""
    return _open(folder, library_stamp(folder))


@lru_cache(maxsize=4)
def _open(folder: Path, stamp: tuple[int, ...]) -> SeedLibrary:
    return SeedLibrary.open(folder)


def library_stamp(folder: Path) -> tuple[int, ...]:
    """Return times that change when a library's index does."""
    names = (folder / "index.json", folder / "dataset.json")
    return tuple(path.stat().st_mtime_ns for path in names if path.exists())


def _writable(labels: LabelMap | None, image: Volume, top: int) -> npt.NDArray[Any]:
    """Return a copy of a label map, or an empty one, that can hold values up to ``top``."""
    dtype = np.uint8 if top < 256 else np.uint16
    if labels is None:
        return np.zeros(image.shape, dtype)
    return labels.array.astype(np.promote_types(labels.array.dtype, dtype))


def _middle(host: Host) -> tuple[float, float, float]:
    """Return the voxel in the middle of the host, where a lesion is shaped before its place is known."""
    z, y, x = (float((a + b) // 2) for a, b in zip(host.box.start, host.box.stop, strict=True))
    return z, y, x
