"""MONAI datalists: one JSON file in the manner of the Medical Segmentation Decathlon.

::

    out/
      datalist.json     {"labels": {"0": "background", "1": "liver"}, "training": [{"image": …, "label": …}, …],
                         "validation": […], "test": […]}, paths relative to the list
      images/, labels/, instances/

``monai.data.load_decathlon_datalist(path, data_list_key="training")`` reads a section; one that would be empty is left
out. Read are also lists with ``"testing"``, with a ``"fold"`` in each item instead of a validation section, and those
of the Decathlon itself, whose ``dataset.json`` has test images without labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ...core.errors import ConfigError, MedsynthError, ReadError, shown
from ...core.labels import LabelTable
from ...io.plainfile import read_json
from .layout import Contents, Layout
from .listing import Entry, Listing, ids_of, inside, patient_of
from .notes import Notes

LIST = "datalist.json"

_LISTS = (LIST, "dataset.json")
_SECTIONS = {"training": "train", "validation": "val", "test": "test", "testing": "test"}
_PATIENT = ("patient", "patient_id", "subject", "subject_id")


class _Item(NamedTuple):
    """An entry of a list, with its paths as files."""

    split: str
    files: dict[str, Path]
    patient: str
    fold: int | None


class Monai(Layout):
    """Files anywhere below a list that names them."""

    name: ClassVar[str] = "monai"
    title: ClassVar[str] = "MONAI datalist"

    def lists(self, contents: Contents) -> dict[str, Any]:
        """Return the list."""
        names = {"0": "background", **{str(entry.value): entry.name for entry in contents.table}}
        description = {
            "name": contents.name,
            "tensorImageSize": "3D",
            "modality": {"0": contents.modality or "image"},
            "labels": names,
            "numTraining": len(contents.splits.get("train", ())),
            "numValidation": len(contents.splits.get("val", ())),
            "numTest": len(contents.splits.get("test", ())),
        }
        sections = {
            section: [self._item(split, name, contents.parts[name]) for name in contents.splits[split]]
            for section, split in _SECTIONS.items()
            if section != "testing" and contents.splits.get(split)
        }
        return {LIST: {**description, **sections}}

    def read(self, source: Path, fold: int) -> Listing:
        """List the cases of a datalist, or of the one in a folder."""
        path = _list_at(source)
        value, root = read_json(path), path.parent
        items = _with_folds(list(_items(path, value)), path, fold)
        named = [next(iter(item.files.values())) for item in items]
        entries = tuple(
            Entry(
                id=name,
                image=item.files.get("image"),
                labels=item.files.get("label"),
                instances=item.files.get("instances"),
                split=item.split,
                patient=item.patient or patient_of(file.relative_to(root).as_posix()),
            )
            for name, item, file in zip(ids_of(named, root), items, named, strict=True)
        )
        notes = Notes.read(root)
        modality = notes.modality if notes else _modality(value.get("modality"))
        table = _table(path, value.get("labels", {}))
        return Listing(source=path, entries=entries, table=table, modality=modality, notes=notes)

    def _item(self, split: str, name: str, parts: frozenset[str]) -> dict[str, str]:
        places = self.places(split, name)
        keys = {"image": "image", "labels": "label", "instances": "instances"}
        return {key: getattr(places, part) for part, key in keys.items() if part in parts}


def _list_at(source: Path) -> Path:
    if not source.is_dir():
        return source
    found = next((source / name for name in _LISTS if (source / name).is_file()), None)
    if found is None:
        raise ReadError(f"{source} has no {' or '.join(_LISTS)}; expected a datalist")
    return found


def _items(path: Path, value: Mapping[str, Any]) -> Iterator[_Item]:
    """Read the sections; without one for validation, cases for training have no split yet."""
    known = [section for section in _SECTIONS if section in value]
    if not known:
        raise ReadError(f"{path} has none of {', '.join(_SECTIONS)}; expected a datalist")
    for section in known:
        listed = value[section]
        if not isinstance(listed, list):
            raise ReadError(f"{path} has {section} = {shown(listed)}; expected a list of cases")
        open_split = section == "training" and "validation" not in known
        for item in listed:
            yield _item(path, item, "" if open_split else _SECTIONS[section])


def _item(path: Path, item: object, split: str) -> _Item:
    if isinstance(item, str):  # the Decathlon's test images
        item = {"image": item}
    if not isinstance(item, dict) or not {"image", "label"} & set(item):
        raise ReadError(f"{path} lists {shown(item)}; expected 'image' and 'label'")
    files = {}
    for key in ("image", "label", "instances"):
        text = item.get(key)
        if isinstance(text, list) and len(text) != 1:
            raise ReadError(f"{path} lists {len(text)} files as {key}; expected one (a dataset has one channel)")
        if text is not None:
            files[key] = inside(path.parent, text[0] if isinstance(text, list) else text, path)
    patient = next((str(item[key]) for key in _PATIENT if isinstance(item.get(key), str | int)), "")
    fold = item.get("fold")
    return _Item(split, files, patient, fold if isinstance(fold, int) else None)


def _with_folds(items: list[_Item], path: Path, fold: int) -> list[_Item]:
    """Take one fold for validation, if every case without a split is in one."""
    folds = {item.fold for item in items if not item.split}
    if not folds or None in folds:
        return items
    if fold not in folds:
        raise ConfigError(f"fold is {fold}; {path} has folds {sorted(f for f in folds if f is not None)}")
    return [item if item.split else item._replace(split="val" if item.fold == fold else "train") for item in items]


def _table(path: Path, labels: object) -> LabelTable:
    if not isinstance(labels, dict):
        raise ReadError(f"{path} has labels = {shown(labels)}; expected values with their names")
    try:
        return LabelTable.from_names({int(value): name for value, name in labels.items() if int(value)})
    except (MedsynthError, ValueError) as error:
        raise ReadError(f"{path} has labels that cannot be used: {error}") from error


def _modality(value: object) -> str:
    """Return the word for the only channel, if there is one."""
    words = list(value.values()) if isinstance(value, dict) else [value]
    return str(words[0]) if len(words) == 1 and isinstance(words[0], str) else ""
