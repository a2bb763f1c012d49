"""A dataset in another tool's layout: :func:`export_dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...core.case import Case
from ...core.errors import ConfigError, LabelError
from ...core.labels import LabelMap, LabelTable
from ...core.progress import Job, Progress
from ...io import atomic_folder, write_labels, write_volume
from ...io.atomic import json_text
from ..folder import DatasetFolder
from ..reader import Split
from .formats import FORMATS, FormatName
from .layout import Contents, Layout
from .notes import FILE, CaseNote, Notes

StrPath = str | os.PathLike[str]


def export_dataset(folder: StrPath, target: StrPath, form: FormatName) -> Job[Path]:
    """Write the cases of a dataset in another tool's layout, one after the other, whole or not at all.

    Images keep their values and types, and geometry is exact: what NIfTI cannot hold (an affine beyond single
    precision, splits, seeds, how a case was made) lies beside it, in the images' sidecars and in ``medsynth.json``, so
    that :func:`~.importing.import_dataset` gives the same dataset again.

    Parameters
    ----------
    folder
        A finished dataset.
    target
        Folder to make; for nnU-Net its name is ``DatasetXXX_Name``.
    form
        ``"nifti"``, ``"nnunet"`` or ``"monai"``.

    Returns
    -------
    Job of Path
        Reports each case; its result is the folder.

    Raises
    ------
    ReadError
        If the dataset is not finished or cannot be read.
    ConfigError
        If this layout cannot hold it.
    WriteError
        If it cannot be written, or the folder holds something already.
    """
    dataset = DatasetFolder.open(folder)
    target, layout = Path(target), FORMATS[form]
    with ExitStack() as stack:
        splits = {name: stack.enter_context(Split.open(path)) for name, path in dataset.splits.items()}
        export = _Export(layout, splits, Path(folder).resolve().name)
        first = next(iter(splits.values()))
        layout.check(target, has_images=first.has_images, has_labels=first.has_labels)
        with atomic_folder(target) as temp:
            yield from export.cases_to(temp)
            for name, value in export.lists().items():
                (temp / name).write_text(json_text(target / name, value), encoding="utf-8")
            yield Progress(export.count, export.count, "flushing to the disk")
    return target


@dataclass
class _Export:
    """One export under way."""

    layout: Layout
    splits: Mapping[str, Split]
    name: str
    notes: dict[str, CaseNote] = field(default_factory=dict)
    parts: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meta = next(iter(self.splits.values())).meta
        self.table = LabelTable(tuple({e.value: e for e in (*self.meta.structures, *self.meta.table)}.values()))
        self.values = self.layout.values(self.table)

    @property
    def count(self) -> int:
        """How many cases there are."""
        return sum(len(split) for split in self.splits.values())

    def cases_to(self, folder: Path) -> Job[None]:
        """Write all cases, and note what their files cannot hold."""
        for name, split in self.splits.items():
            for index, case_id in enumerate(split.case_ids):
                if case_id in self.notes:
                    raise ConfigError(f"case {case_id} is in the dataset twice; expected an id for each case")
                yield Progress(len(self.notes), self.count, f"{name}: {case_id}")
                self._write(split.case(index), name, folder)
                self.notes[case_id] = CaseNote(name, int(split.columns.seeds[index]), split.affine(index))

    def lists(self) -> dict[str, object]:
        """Return the lists of the layout, and our notes."""
        ids = {name: tuple(i for i, note in self.notes.items() if note.split == name) for name in self.splits}
        contents = Contents(
            name=self.name, modality=self.meta.modality, table=self._table_in_files(), splits=ids, parts=self.parts
        )
        exchanged = {there: here for here, there in self.values.items()}
        notes = Notes(
            table=self.meta.table,
            structures=self.meta.values,
            label_values=exchanged if any(there != here for there, here in exchanged.items()) else {},
            modality=self.meta.modality,
            recipe=self.meta.recipe,
            seed=self.meta.seed,
            cases=self.notes,
        )
        return {**self.layout.lists(contents), FILE: notes.to_json(self.layout.name)}

    def _write(self, case: Case, split: str, folder: Path) -> None:
        places = self.layout.places(split, case.id)
        have = {"image": case.image, "labels": case.labels, "instances": case.instances}
        self.parts[case.id] = frozenset(part for part, array in have.items() if array is not None)
        history = case.history
        if case.image is not None:
            write_volume(case.image, folder / places.image, history=history)
            history = ()  # once is enough; cases without an image have it beside their labels
        if case.labels is not None:
            write_labels(self._in_file(case.labels, case.id), folder / places.labels, history=history)
        if case.instances is not None:
            write_labels(case.instances, folder / places.instances)

    def _in_file(self, labels: LabelMap, name: str) -> LabelMap:
        """Return a label map with the values, and the table, that the layout wants."""
        unknown = [value for value in labels.values() if value not in self.values]
        if unknown:
            raise LabelError(f"case {name} has labels {unknown[:5]} that the dataset's label table does not list")
        exchanged = np.zeros(max(self.values, default=0) + 1, labels.array.dtype)
        exchanged[list(self.values)] = list(self.values.values())
        return LabelMap(np.take(exchanged, labels.array), labels.affine, self._table_in_files())

    def _table_in_files(self) -> LabelTable:
        return LabelTable(tuple(replace(entry, value=self.values[entry.value]) for entry in self.table))
