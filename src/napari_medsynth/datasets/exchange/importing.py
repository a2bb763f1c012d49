"""Another tool's folder as a dataset of ours: :func:`import_dataset`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from ...core.case import Case
from ...core.errors import GridError, LabelError, ReadError
from ...core.grid import Gridded
from ...core.labels import LabelMap, LabelTable
from ...core.progress import Job, Progress
from ...io import atomic_folder, read_labels, read_sidecar, read_volume
from ..assemble import Outline, assemble
from ..folder import write_metadata
from ..packing import pack
from ..parts import write_part
from ..schema import SPLITS, UNFINISHED, Meta
from .formats import FORMATS, FormatName
from .listing import Entry, Listing
from .notes import CaseNote
from .splitting import with_splits

StrPath = str | os.PathLike[str]

OnGrid = TypeVar("OnGrid", bound=Gridded)

#: How far, in voxels, a file's affine may lie from the noted one and still be the same in single precision.
_SAME = 1e-3


def import_dataset(
    source: StrPath,
    folder: StrPath,
    form: FormatName,
    *,
    validation_split: float = 0.2,
    test_split: float = 0.1,
    seed: int = 0,
    fold: int = 0,
    labelled_only: bool = False,
) -> Job[Path]:
    """Make a dataset of the files of another tool, whole or not at all.

    Every file is read twice, one case at a time: first to learn what holds for all of them, then to pack it. All
    cases must have one size; nothing is resampled. Images of several types get the smallest type that holds them all.

    Parameters
    ----------
    source
        A folder; for MONAI also the datalist itself.
    folder
        Dataset to make; new or empty.
    form
        ``"nifti"``, ``"nnunet"`` or ``"monai"``.
    validation_split, test_split
        Fractions of the patients, where the source does not say what is for what.
    seed
        Of the draw of patients.
    fold
        Which fold is for validation, if the source has a cross-validation.
    labelled_only
        Whether cases without labels are left out; else they are an error.

    Returns
    -------
    Job of Path
        Reports each case twice; its result is the folder.

    Raises
    ------
    ReadError
        If a list or a file cannot be read or trusted.
    GridError
        If two cases differ in size; both are named.
    SplitError
        If the source has a patient in two splits.
    ConfigError
        If a fraction or the fold cannot be used, or cases do not fit together.
    WriteError
        If the dataset cannot be written, or the folder holds something already.
    """
    listing = FORMATS[form].read(Path(source), fold)
    entries = _labelled(listing, labelled_only)
    entries = with_splits(entries, listing.source, validation_split, test_split, seed)
    reader = _Reader(listing)
    with atomic_folder(folder) as temp:  # first, so that a folder in use is told before all is read
        meta = yield from reader.survey(entries)
        parts: dict[int, Path] = {}
        for index, entry in enumerate(entries):
            yield Progress(len(entries) + index, 2 * len(entries), f"packing {entry.id}")
            data = pack(reader.read(entry), meta, index=index, seed=reader.seed_of(entry))
            parts[index] = write_part(temp, index, data)
        yield from _assembled(temp, entries, parts)
    return Path(folder)


@dataclass(frozen=True)
class _Reader:
    """Reads the cases of a listing as a dataset has them."""

    listing: Listing

    def read(self, entry: Entry) -> Case:
        """Read a case: exact geometry, values of the dataset, history."""
        note = self._note(entry)
        image = None if entry.image is None else _placed(read_volume(entry.image), note)
        if image is not None:
            image = replace(image, modality=self.listing.modality or image.modality)
        labels = None if entry.labels is None else self._in_dataset(_placed(read_labels(entry.labels), note), entry)
        instances = None if entry.instances is None else _placed(read_labels(entry.instances), note)
        history = read_sidecar(entry.files[0]).history
        try:
            return Case(id=entry.id, image=image, labels=labels, instances=instances, history=history)
        except GridError as error:
            raise GridError(f"case {entry.id} of {self.listing.source}: {error}") from error

    def survey(self, entries: Sequence[Entry]) -> Job[Meta]:
        """Read all cases and return what holds for all of them."""
        meta: Meta | None = None
        for done, entry in enumerate(entries):
            yield Progress(done, 2 * len(entries), f"reading {entry.id}")
            found = Meta.of(self.read(entry))
            meta = found if meta is None else _joined(meta, found, f"case {entries[0].id}", f"case {entry.id}")
        if meta is None:
            raise ReadError(f"{self.listing.source} has no case with labels; expected at least one")
        return self._noted(meta)

    def seed_of(self, entry: Entry) -> int:
        """Return the seed that is noted of a case; 0 for those of other tools."""
        note = self._note(entry)
        return 0 if note is None else note.seed

    def _note(self, entry: Entry) -> CaseNote | None:
        return None if self.listing.notes is None else self.listing.notes.cases.get(entry.id)

    def _in_dataset(self, labels: LabelMap, entry: Entry) -> LabelMap:
        """Exchange values that the other tool needed for those of the dataset, and give the label table."""
        notes = self.listing.notes
        if notes is None:
            return replace(labels, table=self.listing.table if len(self.listing.table) else labels.table)
        values = notes.label_values
        if not values:
            return replace(labels, table=notes.table)
        unknown = [value for value in labels.values() if value not in values]
        if unknown:
            raise LabelError(f"{entry.labels} holds the values {unknown[:5]}, which medsynth.json does not list")
        exchanged = np.zeros(max(values) + 1, np.uint16)
        exchanged[list(values)] = list(values.values())
        array = np.take(exchanged, labels.array)
        kind = np.promote_types(labels.array.dtype, np.min_scalar_type(int(array.max())))
        return LabelMap(array.astype(kind), labels.affine, notes.table)

    def _noted(self, meta: Meta) -> Meta:
        """Add what is noted of the whole export: which labels are targets, recipe and seed; else name every value."""
        notes = self.listing.notes
        if notes is None:
            return replace(meta, table=LabelTable(meta.structures))
        listed = {entry.value for entry in notes.table} | set(notes.structures)
        new = tuple(entry for entry in meta.structures if entry.value not in listed)
        structures = LabelTable((*notes.targets, *new)).entries
        return replace(meta, structures=structures, recipe=notes.recipe, seed=notes.seed)


def _labelled(listing: Listing, labelled_only: bool) -> tuple[Entry, ...]:
    """Return the cases that have labels; :class:`ReadError` if one has none and none may be left out."""
    bare = next((entry for entry in listing.entries if entry.labels is None), None)
    if bare is not None and not labelled_only:
        raise ReadError(f"case {bare.id} of {listing.source} has no labels; add them, or import labelled cases only")
    return tuple(entry for entry in listing.entries if entry.labels is not None)


def _placed(grid: OnGrid, note: CaseNote | None) -> OnGrid:
    """Return an image where it lies in full precision, if its file still says the same as was noted."""
    if note is None or not grid.affine.is_close(note.affine, grid.shape3, _SAME):
        return grid
    return replace(grid, affine=note.affine)


def _joined(a: Meta, b: Meta, mine: str, theirs: str) -> Meta:
    """Join what holds for some cases with what holds for one more; images get a type that holds both."""
    if a.image_type and b.image_type:
        kind = np.promote_types(a.image_type, b.image_type).name
        a, b = replace(a, image_type=kind), replace(b, image_type=kind)
    return a.joined(b, mine, theirs)


def _assembled(folder: Path, entries: Sequence[Entry], parts: Mapping[int, Path]) -> Job[None]:
    """Put the cases of each split together, and describe the whole."""
    outline = Outline.of(parts.values())
    for split in SPLITS:
        mine = {index: path for index, path in parts.items() if entries[index].split == split}
        for step in assemble(mine, outline, folder / f"{split}.h5", split) if mine else ():
            yield Progress(2 * len(parts), 2 * len(parts), step.note)
    shutil.rmtree(folder / UNFINISHED)
    write_metadata(folder)
