"""NIfTI pairs, which every tool reads.

::

    out/
      images/case_000000.nii.gz       not there if the cases have labels only
      labels/case_000000.nii.gz
      instances/case_000000.nii.gz    if the cases have lesions that are counted
      labels.json                     the label table: a list of {"value": 1, "name": "liver", …}
      splits.json                     {"train": ["case_000000", …], "val": […], "test": […]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ...core.case import case_id
from ...core.errors import MedsynthError, ReadError, shown
from ...core.labels import LabelTable
from ...io.plainfile import read_json, read_json_value
from ..schema import SPLITS
from .layout import Contents, Layout
from .listing import Entry, Listing, images_in, patient_of
from .notes import Notes

TABLE, LISTED = "labels.json", "splits.json"


class NiftiPairs(Layout):
    """Images and label maps of the same names in two folders."""

    name: ClassVar[str] = "nifti"
    title: ClassVar[str] = "NIfTI pairs"

    def lists(self, contents: Contents) -> dict[str, Any]:
        """Return the label table and the splits."""
        return {TABLE: contents.table.to_json(), LISTED: {name: list(ids) for name, ids in contents.splits.items()}}

    def read(self, source: Path, fold: int) -> Listing:
        """List the pairs; label maps without images are fine if no case has one."""
        del fold
        if not source.is_dir():
            raise ReadError(f"{source} is not a folder; expected one with labels/ and perhaps images/")
        folders = {part: images_in(source / part) for part in ("images", "labels", "instances")}
        names = list(dict.fromkeys([*folders["images"], *folders["labels"]]))
        if not names:
            raise ReadError(f"{source} has no image in images/ or labels/; expected files of the same names there")
        splits = _splits(source / LISTED, names)
        entries = tuple(
            Entry(
                id=case_id(name),
                image=folders["images"].get(name),
                labels=folders["labels"].get(name),
                instances=folders["instances"].get(name),
                split=splits.get(name, ""),
                patient=patient_of(name),
            )
            for name in names
        )
        notes = Notes.read(source)
        modality = notes.modality if notes else ""
        return Listing(source=source, entries=entries, table=_table(source / TABLE), modality=modality, notes=notes)


def _table(path: Path) -> LabelTable:
    """Read a label table: our list of entries, or a mapping of values to names; empty if there is none."""
    if not path.exists():
        return LabelTable()
    value = read_json_value(path)
    try:
        if isinstance(value, dict):
            return LabelTable.from_names({int(key): name for key, name in value.items() if int(key)})
        return LabelTable.from_json(value)
    except (MedsynthError, ValueError) as error:
        raise ReadError(f"{path} is no label table: {error}") from error


def _splits(path: Path, names: list[str]) -> dict[str, str]:
    """Return the split of each case; nothing if there is no list of splits."""
    if not path.exists():
        return {}
    known, found = set(names), dict[str, str]()
    for split, listed in read_json(path).items():
        if split not in SPLITS or not isinstance(listed, list):
            raise ReadError(f"{path} has {shown(split)}: {shown(listed)}; expected lists of cases for {SPLITS}")
        for name in listed:
            if not isinstance(name, str) or name not in known:
                raise ReadError(f"{path} lists {shown(name)} for {split}; there is no such case in {path.parent}")
            if name in found:
                raise ReadError(f"{path} lists case {shown(name)} more than once; expected each case once")
            found[name] = split
    missing = next((name for name in names if name not in found), None)
    if missing is not None:
        raise ReadError(f"{path} does not list case {shown(missing)}; expected every case of {path.parent}")
    return found
