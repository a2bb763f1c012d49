"""The raw data layout of nnU-Net, version 2.

::

    nnUNet_raw/Dataset501_Phantoms/
      dataset.json
      imagesTr/case_000000_0000.nii.gz    cases of training and validation; 0000 is the channel
      labelsTr/case_000000.nii.gz
      imagesTs/, labelsTs/                cases of the test split
      splits_final.json                   training and validation; nnU-Net looks for it in its folder of preprocessed
                                          data, so copy it to nnUNet_preprocessed/Dataset501_Phantoms/

Described in nnU-Net's ``documentation/dataset_format.md`` and ``manual_data_splits.md`` (Isensee et al. 2021, Nature
Methods 18, 203–211). Its labels are 0 for the background and then 1, 2, 3 … without gaps, so values are exchanged on
the way; :mod:`.notes` keeps which was which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ...core.case import case_id
from ...core.errors import ConfigError, MedsynthError, ReadError, shown
from ...core.labels import LabelTable
from ...io.names import WRITTEN
from ...io.plainfile import read_json, read_json_value
from .layout import Contents, Layout, Places
from .listing import Entry, Listing, images_in, inside, patient_of
from .notes import Notes

DESCRIPTION, FOLDS = "dataset.json", "splits_final.json"

_NAME = re.compile(r"Dataset\d{3}_[A-Za-z0-9][A-Za-z0-9_.-]*")
_CHANNEL = re.compile(r"(.+)_(\d{4})")
_RESERVED = ("background", "ignore")  # names that mean something to nnU-Net


class NnUnet(Layout):
    """One image, one channel; training and validation in one folder, test cases in another."""

    name: ClassVar[str] = "nnunet"
    title: ClassVar[str] = "nnU-Net raw data"

    def check(self, target: Path, *, has_images: bool, has_labels: bool) -> None:
        """Refuse a folder that nnU-Net would not find, and cases that it cannot train on."""
        if not _NAME.fullmatch(target.name):
            example = "nnUNet_raw/Dataset501_Phantoms"
            raise ConfigError(f"the output folder is {shown(target.name)}; expected DatasetXXX_Name, e.g. {example}")
        if not has_images:
            raise ConfigError("the dataset has no images; nnU-Net needs them (export to nifti or monai instead)")
        if not has_labels:
            raise ConfigError("the dataset has no labels; nnU-Net needs them (export to nifti or monai instead)")

    def places(self, split: str, name: str) -> Places:
        """Return where the files of a case go."""
        part = "Ts" if split == "test" else "Tr"
        return Places(
            f"images{part}/{name}_0000.nii.gz", f"labels{part}/{name}.nii.gz", f"instances{part}/{name}.nii.gz"
        )

    def values(self, table: LabelTable) -> dict[int, int]:
        """Return consecutive values, in the order of those of the dataset."""
        return {entry.value: number for number, entry in enumerate(table, 1)}

    def lists(self, contents: Contents) -> dict[str, Any]:
        """Return ``dataset.json`` and, if there is a validation split, ``splits_final.json``."""
        train, val = (list(contents.splits.get(split, ())) for split in ("train", "val"))
        description = {
            "channel_names": {"0": contents.modality or "image"},
            "labels": {"background": 0, **_names(contents.table)},
            "numTraining": len(train) + len(val),
            "file_ending": ".nii.gz",
            "name": contents.name,
        }
        return {DESCRIPTION: description, **({FOLDS: [{"train": train, "val": val}]} if val else {})}

    def read(self, source: Path, fold: int) -> Listing:
        """List the cases; ``dataset.json`` says what their labels mean."""
        path = source / DESCRIPTION
        description = read_json(path)
        channels = description.get("channel_names", description.get("modality"))
        if not isinstance(channels, dict) or len(channels) != 1:
            found = f"{path} has channels {shown(channels)}"
            raise ReadError(f"{found}; expected one (a dataset holds one value per voxel)")
        notes = Notes.read(source)
        if "dataset" in description:
            entries = tuple(_listed(source, path, description["dataset"]))
        else:
            ending = _ending(path, description.get("file_ending", ".nii.gz"))
            entries = (*_entries(source, "Tr", ending), *_entries(source, "Ts", ending))
        entries = _with_folds(entries, source / FOLDS, fold)
        modality = notes.modality if notes else str(next(iter(channels.values())))
        table = _table(path, description.get("labels"))
        return Listing(source=source, entries=entries, table=table, modality=modality, notes=notes)


def _names(table: LabelTable) -> dict[str, int]:
    """Names for ``dataset.json``: a name that is taken or means something to nnU-Net gets its value behind it."""
    found: dict[str, int] = {}
    for entry in table:
        taken = entry.name in found or entry.name.lower() in _RESERVED
        found[f"{entry.name} {entry.value}" if taken else entry.name] = entry.value
    return found


def _table(path: Path, labels: object) -> LabelTable:
    """Read the names of values; regions, which stand for several values, name none of them."""
    if not isinstance(labels, dict):
        raise ReadError(f"{path} has labels = {shown(labels)}; expected names with their values")
    single = [(name, value) for name, value in labels.items() if isinstance(value, int | str)]
    try:
        if labels.get("background") != 0 and labels.get("0") is not None:  # version 1: value to name
            return LabelTable.from_names({int(value): str(name) for value, name in single if int(value)})
        return LabelTable.from_json([{"value": int(v), "name": name} for name, v in single if int(v)])
    except (MedsynthError, ValueError) as error:
        raise ReadError(f"{path} has labels that cannot be used: {error}") from error


def _ending(path: Path, ending: object) -> str:
    if ending not in WRITTEN:
        raise ReadError(f"{path} has file_ending {shown(ending)}; expected one of {', '.join(WRITTEN)}")
    return str(ending)


def _entries(source: Path, part: str, ending: str) -> list[Entry]:
    """List the cases of ``imagesTr`` or ``imagesTs``."""
    images = images_in(source / f"images{part}", (ending,))
    labels, instances = (images_in(source / f"{kind}{part}", (ending,)) for kind in ("labels", "instances"))
    entries = []
    for stem, image in images.items():
        match = _CHANNEL.fullmatch(stem)
        if match is None or match[2] != "0000":
            raise ReadError(f"{image} is no image of channel 0000; expected names that end in _0000{ending}")
        name = match[1]
        split = "test" if part == "Ts" else ""
        found = {"labels": labels.pop(name, None), "instances": instances.pop(name, None)}
        entries.append(Entry(id=case_id(name), image=image, split=split, patient=patient_of(name), **found))
    if labels:
        raise ReadError(f"{next(iter(labels.values()))} has no image in images{part}; expected one")
    return entries


def _listed(source: Path, path: Path, listed: object) -> list[Entry]:
    """List the cases that ``dataset.json`` names itself."""
    if not isinstance(listed, dict):
        raise ReadError(f"{path} has dataset = {shown(listed)}; expected a mapping of cases")
    entries = []
    for name, files in listed.items():
        images = files.get("images") if isinstance(files, Mapping) else None
        if not isinstance(images, list) or len(images) != 1 or "label" not in files:
            raise ReadError(f"{path} has {shown(name)}: {shown(files)}; expected one of 'images' and a 'label'")
        image, labels = inside(source, images[0], path), inside(source, files["label"], path)
        entries.append(Entry(id=case_id(name), image=image, labels=labels, patient=patient_of(name)))
    return entries


def _with_folds(entries: tuple[Entry, ...], path: Path, fold: int) -> tuple[Entry, ...]:
    """Give the cases that are not for testing their splits, if there is a list of folds."""
    if not path.exists():
        return entries
    folds = read_json_value(path)
    if not isinstance(folds, list) or not all(isinstance(f, dict) for f in folds):
        raise ReadError(f"{path} holds {shown(folds)}; expected a list of folds")
    if not 0 <= fold < len(folds):
        raise ConfigError(f"fold is {fold}; {path} has folds 0 to {len(folds) - 1}")
    known = {entry.id for entry in entries if not entry.split}
    found: dict[str, str] = {}
    for split in ("train", "val"):
        listed = folds[fold].get(split)
        for name in listed if isinstance(listed, list) else [listed]:
            if not isinstance(name, str) or case_id(name) not in known:
                raise ReadError(f"{path} lists {shown(name)} in fold {fold}; there is no such case in imagesTr")
            if found.setdefault(case_id(name), split) != split:
                raise ReadError(f"{path} lists {shown(name)} for training and for validation; expected one of them")
    missing = next((e.id for e in entries if not e.split and e.id not in found), None)
    if missing is not None:
        raise ReadError(f"{path} does not list case {missing} in fold {fold}; expected every case of imagesTr")
    return tuple(entry if entry.split else replace(entry, split=found[entry.id]) for entry in entries)
