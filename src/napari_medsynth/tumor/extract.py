"""Cut lesions out of a labelled scan as seeds, and put a seed back where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.case import Case, case_id
from ..core.errors import SeedError
from ..core.labels import Label, LabelMap, LabelTable
from ..core.progress import Job, Progress
from ..core.volume import Volume
from .attachment import CONTEXT, Surroundings, attachment_of
from .measure import AERATED_BELOW, Mask, core_hu, in_lung, principal_diameters_mm, ring_hu, signed_distance
from .seed import LESION, OTHER, Attachment, Seed, SeedInfo, checksum

#: What the values of a seed's mask mean.
SEED_TABLE = LabelTable((Label(LESION, "lesion", "lesion"), Label(OTHER, "other lesion", "lesion")))

#: Statistics of edge and ring need this much around a lesion, in mm.
LEAST_MARGIN = 4.0


def extract_seeds(
    case: Case,
    values: Sequence[int] | None = None,
    *,
    margin_mm: float = 6.0,
    min_ml: float = 0.0,
    organ: str = "",
    patient: str | None = None,
) -> Job[tuple[Seed, ...]]:
    """Cut every lesion of a case out, one seed per connected component.

    Parameters
    ----------
    case
        With image and labels, 3D. With its host, attachment and ring are measured against the organ itself.
    values
        Label values that are lesions. Left out: those whose entry in the label table has the tissue ``"lesion"``
        or a name with *tumor*, *tumour*, *lesion*, *nodule* or *gtv* in it; in a map with only one value that no
        table names, that one.
    margin_mm
        How much of the scan is kept around each lesion, at least 4 mm; less only at the scan's edge.
    min_ml
        Components smaller than this are left out. The numbers of the others do not depend on it.
    organ
        Where the lesions grew, e.g. ``"lung"``. Left out, a lung is still recognised by its air.
    patient
        Whose scan it is; the case's id if left out.

    Yields
    ------
    Progress
        After each component.

    Returns
    -------
    tuple of Seed
        Voxels that touch at a corner belong together (26-connected). Components are numbered from 1, first by
        value, then in the order of their first voxel. What belongs to other lesions in a crop is marked as such.

    Raises
    ------
    SeedError
        If the case lacks image or labels or is not 3D, a value is absent, nothing says which value is the lesion,
        or nothing is left to cut out.
    """
    image, labels = _parts(case)
    if not margin_mm >= LEAST_MARGIN:
        raise SeedError(f"margin_mm is {margin_mm!r}; expected at least {LEAST_MARGIN:g} mm")
    boxes = _boxes(labels)
    chosen = _chosen(case.id, labels.table, tuple(boxes), values)
    lesions = tuple(sorted({*chosen, *(v for v in boxes if labels.table[v].is_lesion)}))
    found = [part for value in chosen for part in _components(labels.array, value, boxes[value])]
    source = _Source(case, image, labels, lesions, organ, case.id if patient is None else patient, margin_mm)
    seeds = []
    for number, part in enumerate(found, start=1):
        if part.voxels * labels.voxel_ml >= min_ml:
            seeds.append(_seed(source, part, number))
        yield Progress(number, len(found), f"lesion {number} of {case.id}")
    if not seeds:
        raise SeedError(f"case {case.id} has {len(found)} lesions, all smaller than min_ml = {min_ml:g} mL")
    return tuple(seeds)


def put_back(volume: Volume, seed: Seed) -> Volume:
    """Return ``volume`` with the seed's crop where its affine says that it lies.

    Raises
    ------
    SeedError
        If the crop does not lie on the volume's voxels (nothing is resampled), leaves the volume, or holds values
        that the volume's type cannot hold.
    """
    crop = seed.image
    start = np.rint(volume.affine.to_index(crop.affine.origin)).astype(int)
    if volume.ndim != 3 or not volume.affine.shifted(start.tolist()).is_close(crop.affine, crop.shape3):
        raise SeedError(f"seed {seed.info.id} is on {crop.affine}, not on the voxels of {volume!r}")
    box = Box(tuple(int(v) for v in start), tuple(int(a + n) for a, n in zip(start, crop.shape, strict=True)))
    if box != box.clipped(volume.shape):
        raise SeedError(f"seed {seed.info.id} lies at voxels {box.start}–{box.stop}, outside of {volume!r}")
    array = volume.array.copy()
    with np.errstate(invalid="ignore"):
        array[box.slices] = crop.array.astype(array.dtype)
    if not np.array_equal(array[box.slices], crop.array, equal_nan=crop.array.dtype.kind == "f"):
        raise SeedError(f"seed {seed.info.id} has {crop.array.dtype} voxels that {array.dtype} cannot hold")
    return Volume(array, volume.affine, volume.modality)


@dataclass(frozen=True, eq=False)
class _Component:
    """One connected lesion: its value, its box in the scan, and which voxels of the box it holds."""

    value: int
    box: Box
    mask: Mask
    voxels: int


@dataclass(frozen=True, eq=False)
class _Source:
    """The case that seeds are cut from, and what all of them share."""

    case: Case
    image: Volume
    labels: LabelMap
    lesions: tuple[int, ...]
    organ: str
    patient: str
    margin_mm: float

    def box_around(self, part: _Component, margin_mm: float) -> Box:
        margin = [int(np.ceil(margin_mm / s)) for s in self.image.spacing]
        return part.box.grown(margin).clipped(self.image.shape)


def _parts(case: Case) -> tuple[Volume, LabelMap]:
    if case.image is None or case.labels is None:
        lacking = "image" if case.image is None else "labels"
        raise SeedError(f"case {case.id} has no {lacking}; expected image and labels to cut lesions from")
    if case.image.ndim != 3 or case.image.channels:
        raise SeedError(
            f"case {case.id} has an image of shape {case.image.array.shape}; expected one 3D scan (z, y, x)"
        )
    return case.image, case.labels


def _boxes(labels: LabelMap) -> dict[int, Box]:
    """Box around each value that is present."""
    from scipy import ndimage

    found = enumerate(ndimage.find_objects(labels.array), start=1)
    return {v: Box(tuple(s.start for s in at), tuple(s.stop for s in at)) for v, at in found if at is not None}


def _chosen(case: str, table: LabelTable, present: tuple[int, ...], values: Sequence[int] | None) -> tuple[int, ...]:
    """Return the lesion values to cut out, each of them present."""
    if not present:
        raise SeedError(f"labels of case {case} are all 0; expected at least one lesion voxel")
    listed = ", ".join(f"{v} ({table[v].name})" if v in table.values_of() else str(v) for v in present)
    if values is None:
        named = tuple(v for v in present if table[v].is_lesion)
        if not named and not (len(present) == 1 and present[0] not in table.values_of()):
            raise SeedError(f"nothing says which label of case {case} is the lesion; choose values from {listed}")
        return named or present
    for value in values:
        if value not in present:
            raise SeedError(f"case {case} has no voxel with label {value}; present are {listed}")
    if not values:
        raise SeedError(f"no label value was chosen for case {case}; present are {listed}")
    return tuple(sorted(set(values)))


def _components(labels: npt.NDArray[Any], value: int, box: Box) -> Iterator[_Component]:
    """Give the 26-connected components of one value, in the order of their first voxel."""
    from scipy import ndimage

    parts, _ = ndimage.label(labels[box.slices] == value, np.ones((3, 3, 3), dtype=bool))
    for number, at in enumerate(ndimage.find_objects(parts), start=1):
        mask = parts[at] == number
        within = Box(tuple(s.start for s in at), tuple(s.stop for s in at))
        yield _Component(value, within.shifted(box.start), mask, int(np.count_nonzero(mask)))


def _seed(source: _Source, part: _Component, number: int) -> Seed:
    box = source.box_around(part, source.margin_mm)
    lesion, others = _masks(source, part, box)
    image = source.image.crop(box)
    marked = np.where(lesion, LESION, np.where(others, OTHER, 0)).astype(np.uint8)
    mask = LabelMap(marked, image.affine, SEED_TABLE)
    distance = signed_distance(lesion, image.spacing)
    tissue = _host_tissue(source, box, distance) & ~others
    aerated = in_lung(image.array, distance, tissue, source.organ)
    if aerated:
        tissue &= image.array < AERATED_BELOW
    info = SeedInfo(
        id=case_id(f"{source.case.id[:57]}-{number}"),
        source=source.case.id,
        patient=source.patient,
        component=number,
        label=part.value,
        organ=source.organ,
        volume_ml=part.voxels * image.voxel_ml,
        diameters_mm=principal_diameters_mm(part.mask, image.spacing),
        core_hu=core_hu(image.array, distance),
        ring_hu=ring_hu(image.array, distance, tissue),
        attachment=_attachment(source, part, aerated=aerated),
        sha256=checksum(image, mask),
    )
    return Seed(image=image, mask=mask, info=info)


def _masks(source: _Source, part: _Component, box: Box) -> tuple[Mask, Mask]:
    """Return which voxels of the box belong to this lesion, and which to others."""
    lesion = np.zeros(box.shape, dtype=bool)
    lesion[part.box.within(box).slices] = part.mask
    return lesion, np.isin(source.labels.array[box.slices], source.lesions) & ~lesion


def _host_tissue(source: _Source, box: Box, distance: npt.NDArray[np.float32]) -> Mask:
    """Return the voxels outside the lesion that belong to the organ, or all of them where it is not known."""
    outside = distance > 0
    if source.case.host is None:
        return outside
    return outside & (source.case.host.array[box.slices] > 0)


def _attachment(source: _Source, part: _Component, *, aerated: bool) -> Attachment:
    box = source.box_around(part, max(CONTEXT, source.margin_mm))
    lesion, others = _masks(source, part, box)
    host = source.case.host
    around = Surroundings(
        values=source.image.array[box.slices],
        lesion=lesion,
        others=others,
        aerated=aerated,
        host=None if host is None else host.array[box.slices] > 0,
        spacing=source.image.spacing,
    )
    return attachment_of(around)
