"""Lesions put into a scan: the step :class:`InsertTumors`.

Its parameters are a list of :class:`Insertion`, one a lesion, each complete in itself: what is placed, how it is
changed, where, how it is blended, and which part of it the host's wall cuts off. A person who places a lesion by
hand makes the same list, so that a drawn and a hand-made case are replayed in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from ..core.box import Box
from ..core.case import Case
from ..core.errors import ConfigError, HostError, RecordError, SeedError
from ..core.labels import LabelMap
from ..core.progress import Job, Progress, finish
from ..core.rng import child_seed
from ..core.settings import Settings, require_interval, setting
from ..core.step import Step
from ..core.volume import Volume
from .blend import Blend, Patch, blend
from .cut import cut_of, unpack
from .host import Host, host_of, prepare_host
from .lesion import Lesion, shape
from .library import SeedLibrary
from .morph import Morph
from .options import TumorOptions
from .place import Placement, Surroundings, broken_rule, find_place
from .prepare import prepare
from .seed import Seed, SeedInfo
from .synthetic import SyntheticLesion
from .truth import instance_table, lesions_of, next_instance, require_image, table_with_tumor, tumor_value, writable


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
        """Bring the seed, changed, onto the scan's grid; a lesion that only moves by whole voxels is not made again."""
        whole = [int(np.floor(c)) for c in self.centre]
        z, y, x = (c - w for c, w in zip(self.centre, whole, strict=True))
        return _shaped(seed, self.morph, image.affine, (z, y, x)).moved(whole)

    def moved_with(self, before: Lesion, after: Lesion, host: Host | None) -> Insertion:
        """Return the insertion where ``after`` is, ``before`` being its lesion now, cut off by the host's wall."""
        z, y, x = (c + b - a for c, a, b in zip(self.centre, before.box.start, after.box.start, strict=True))
        return replace(self, centre=(z, y, x), cut=None if host is None else cut_of(after, host))

    def patch(self, lesion: Lesion, image: Volume | npt.NDArray[Any], spacing: tuple[float, ...]) -> Patch:
        """Blend it into the scan; the voxels that change."""
        array = image.array if isinstance(image, Volume) else image
        shape = lesion.box.clipped(array.shape).shape
        host = None if self.cut is None else unpack(self.cut, shape)
        return blend(array, spacing, lesion, self.blend, host)


@dataclass(frozen=True, kw_only=True)
class InsertTumors(TumorOptions, Step):
    """Place tumors in an organ of a scan, from a seed library or made ones, and keep the exact ground truth.

    Gives the image, ``labels`` with the tumor's value, and ``instances`` numbered 1, 2, 3 … Only the lesions' boxes
    change. What could not be placed is listed in the record with the reason.
    """

    name: ClassVar[str] = "insert_tumors"
    version: ClassVar[int] = 1

    count: tuple[int, int] = setting((1, 3), "Lesions to place, uniform between the two", low=0, high=500)
    at: tuple[tuple[float, float, float], ...] = setting(
        (), "Places chosen by hand, array index z, y, x each, in place of `count`"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "count")

    @classmethod
    def of(cls, options: TumorOptions, **more: Any) -> InsertTumors:
        """Make the step of options, with how many or where."""
        return cls(**{f.name: getattr(options, f.name) for f in fields(options)} | more)

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Choose seeds, morphs and places.

        Raises
        ------
        HostError
            If the case has no image or no host, or a place in ``at`` lies outside the scan.
        SeedError
            If the library is damaged, or no seed in it fits the settings.
        """
        return finish(self.drawing(case, rng))

    def drawing(self, case: Case, rng: np.random.Generator) -> Job[dict[str, Any]]:
        """Do what :meth:`draw` does as a job that reports each lesion."""
        image = require_image(case)
        infos = self._choices()
        there, remarks = self._surroundings(case)
        first = next_instance(case)
        placed: list[Insertion] = []
        missed: list[dict[str, Any]] = []
        places = self._places(rng)
        for number, place in enumerate(places, 1):
            yield Progress(number - 1, len(places), f"lesion {number}")
            seed, entry = self._drawn(infos, rng, place or _middle(there), first + len(placed))
            lesion = entry.lesion(seed, image)
            if place is None:
                found, why = find_place(lesion, there, self.placement, rng)
            else:
                found, why = lesion, _remark(lesion, there, self.placement, image)
            if found is None:
                missed.append({"lesion": number, "seed": seed.info.id, "why": why})
                continue
            remarks += [f"lesion {number}: {why}"] if why else []
            placed.append(entry.moved_with(lesion, found, there.host))
            there = there.with_lesion(found)
        return {
            "value": tumor_value(case.labels, self.value),
            "lesions": [entry.to_json() for entry in placed],
            "not_placed": missed,
            "remarks": remarks,
        }

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
        labels = writable(case.labels, image, value)
        entries = [Insertion.from_json(entry, "insertion") for entry in params["lesions"]]
        instances = writable(case.instances, image, max((e.instance for e in entries), default=1))
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
            return _made(entry.synthetic)
        if self.library is None:
            raise ConfigError(f"InsertTumors.library is not set; expected the folder that holds seed {entry.seed_id!r}")
        seed = open_library(self.library).load(entry.seed_id)
        if seed.info.sha256 != entry.sha256:
            found = f"seed {entry.seed_id!r} in {self.library} has checksum {seed.info.sha256[:12]}…"
            raise RecordError(f"{found}; the record was made with {entry.sha256[:12]}…")
        return seed

    def _surroundings(self, case: Case) -> tuple[Surroundings, list[str]]:
        """Return what the rules look at, and what there is to say of it: a person may place without an organ."""
        try:
            host = prepare_host(host_of(case, self.organ))
        except HostError as error:
            if not self.at:
                raise
            return surroundings(case, None, self.value), [f"lesions are not held inside an organ: {error}"]
        return surroundings(case, host, self.value), []

    def _places(self, rng: np.random.Generator) -> Sequence[tuple[float, float, float] | None]:
        """Return the places that were asked for, or one None for each lesion whose place is drawn."""
        return self.at or (None,) * int(rng.integers(self.count[0], self.count[1], endpoint=True))

    def _drawn(
        self, infos: tuple[SeedInfo, ...], rng: np.random.Generator, centre: tuple[float, float, float], instance: int
    ) -> tuple[Seed, Insertion]:
        """Draw a seed and how it is changed and blended."""
        seed, made = self._choose(infos, rng)
        entry = Insertion(
            centre=centre,
            seed_id="" if made else seed.info.id,
            sha256="" if made else seed.info.sha256,
            synthetic=made,
            morph=self.variation.draw(seed.info.diameter_mm, rng),
            blend=replace(self.blend, seed=child_seed(rng)),
            instance=instance,
        )
        return seed, entry

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
        return _made(made), made


@lru_cache(maxsize=8)
def _shaped(seed: Seed, morph: Morph, grid: Affine, centre: tuple[float, float, float]) -> Lesion:
    return shape(prepare(seed), morph, grid, centre)


@lru_cache(maxsize=16)
def _made(lesion: SyntheticLesion) -> Seed:
    return lesion.make()


def surroundings(case: Case, host: Host | None, value: int | None = None) -> Surroundings:
    """Return what the placing rules look at: scan, host, and the lesions there are already, by name or ``value``."""
    image = require_image(case)
    return Surroundings(image.array, image.spacing, host, tuple(lesions_of(case, value)))


def _remark(lesion: Lesion, there: Surroundings, rules: Placement, image: Volume) -> str:
    """Return which rule a place that a person chose breaks; it is told, and refused only outside the scan."""
    if lesion.box.clipped(image.shape).is_empty:
        asked = "–".join(str(v) for v in (lesion.box.start, lesion.box.stop))
        raise HostError(f"a lesion at voxels {asked} lies outside the scan of {image.shape} voxels")
    return broken_rule(lesion, there, rules)


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


def _middle(there: Surroundings) -> tuple[float, float, float]:
    """Return the voxel in the middle of the host, where a lesion is shaped before its place is known."""
    box = Box((0, 0, 0), there.image.shape) if there.host is None else there.host.box
    z, y, x = (float((a + b) // 2) for a, b in zip(box.start, box.stop, strict=True))
    return z, y, x
