"""Is a dataset whole and as it was written: :func:`verify`, and :func:`checking` as a job that tells how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import MedsynthError, shown
from ..core.progress import Job, Progress, finish
from ..io.plainfile import read_json
from .checksum import checksum, content_sum
from .folder import DatasetFolder, described, recipe_of, split_files, sum_of_sums
from .parts import open_part, parts_in
from .reader import Split
from .schema import IMAGES, INSTANCES, LABELS, METADATA

_FEW = 5  #: how many of many are named

#: A problem, or how far the search for more is.
Found = str | Progress


def verify(path: Path) -> list[str]:
    """Return the problems of a dataset's folder or of one of its files; an empty list means that it is whole.

    Every case is read in full and compared with its checksum; masks and presence with the labels; metadata with the
    files. Cases that are missing, cut short, altered or there twice, in one split or in two, are named.
    """
    return finish(checking(path))


def checking(path: Path) -> Job[list[str]]:
    """Do what :func:`verify` does as a job; it reports each case before it is read."""
    path = Path(path)
    problems: list[str] = []
    try:
        for found in _folder_problems(path) if path.is_dir() else _file_problems(path, _Seen()):
            if isinstance(found, Progress):
                yield found
            else:
                problems.append(found)
    except MedsynthError as error:
        problems.append(str(error))
    return problems


class _Seen:
    """How many cases were met, and where each id, index and content was met first, to find one that is there twice."""

    def __init__(self) -> None:
        self.cases = 0
        self.marks: dict[tuple[str, Any], str] = {}
        self._contents: dict[str, tuple[str, str]] = {}

    def duplicates(self, split: Split, row: int, where: str) -> Iterator[str]:
        """Say so if a case was met before, by what is kept of it beside its voxels."""
        columns = split.columns
        marks = {
            "id": columns.case_ids[row],
            "index": int(columns.indices[row]),
            "checksum": columns.checksums[row],
        }
        for kind, mark in marks.items() if split.header.is_ours else ():
            first = self.marks.setdefault((kind, mark), where)
            if first != where:
                yield f"{where} is a duplicate of {first}: both have the same {kind}"
                return

    def leaks(self, split: Split, content: str, where: str) -> Iterator[str]:
        """Say so if the same voxels are in another split: then held-back data leaks. In one split they may be."""
        if split.header.is_ours and not split.name:
            return  # a single case, and which split it is for is not known here
        group = split.name or str(split.path)
        first_group, first = self._contents.setdefault(content, (group, where))
        if first_group != group:
            yield f"{where} holds the same voxels as {first}"


def _folder_problems(folder: Path) -> Iterator[Found]:
    seen = _Seen()
    metadata: Mapping[str, Any] = {}
    if (folder / METADATA).is_file():
        metadata = read_json(folder / METADATA)
        files = split_files(folder, metadata)
    else:
        dataset = DatasetFolder.open(folder, allow_unfinished=True)
        files = dict(dataset.splits)
        if not dataset.is_finished:
            yield f"{folder} is not finished: {dataset.done} of {dataset.total} cases are made"
    for name, file in files.items():
        yield from _guarded(_split_problems(file, name, metadata, seen))
    for index, part in parts_in(folder).items():
        yield from _guarded(_part_problems(part, index, seen))
    if "splits" in metadata:
        yield from _missing_indices(folder, metadata, seen)
        yield from _guarded(_summary_problems(folder, files, metadata))
    listed = set(files.values())
    yield from (f"{path} is not listed in {METADATA}" for path in sorted(folder.glob("*.h5")) if path not in listed)


def _guarded(problems: Iterator[Found]) -> Iterator[Found]:
    """Go on with the next file where one cannot be read on."""
    try:
        yield from problems
    except MedsynthError as error:
        yield str(error)


def _part_problems(path: Path, index: int, seen: _Seen) -> Iterator[Found]:
    open_part(path, index).close()
    yield from _file_problems(path, seen)


def _split_problems(path: Path, name: str, metadata: Mapping[str, Any], seen: _Seen) -> Iterator[Found]:
    if not path.is_file():
        yield f"{path} is missing"
        return
    yield from _file_problems(path, seen)
    if "splits" in metadata:
        with Split.open(path) as split:
            yield from _disagreements(split, name, metadata)


def _disagreements(split: Split, name: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """What a file and ``metadata.json`` say differently."""
    meta, entry = split.meta, metadata["splits"][name]
    said = {
        "split": (split.name, name),
        "cases": (len(split), entry.get("cases")),
        "checksum": (sum_of_sums(split.checksums), entry.get("checksum")),
        "structure_names": (list(meta.names), metadata.get("structure_names")),
        "image_size": (list(meta.image_size), metadata.get("image_size")),
        "label_table": (meta.table.to_json(), metadata.get("label_table")),
        "modality": (meta.modality, metadata.get("modality")),
        "seed": (meta.seed, metadata.get("seed")),
        "recipe": (recipe_of(meta.recipe, split.path), metadata.get("recipe")),
    }
    for what, (mine, theirs) in said.items():
        if mine != theirs:
            yield f"{split.path} has {what} {shown(mine)}; {METADATA} says {shown(theirs)}"


def _summary_problems(folder: Path, files: Mapping[str, Path], metadata: Mapping[str, Any]) -> Iterator[str]:
    """What ``metadata.json`` says of all files together, and of the order that they were made to."""
    if not all(file.is_file() for file in files.values()):
        return  # each that is missing was named
    found = described(files)
    said = {key: (found[key], metadata.get(key)) for key in ("generation_params", "scenarios", "spacing")}
    order = metadata.get("order")
    if isinstance(order, dict):
        said["recipe"] = (found["recipe"], order.get("recipe"))
        said["total_samples"] = (found["total_samples"], order.get("count"))
    for what, (mine, theirs) in said.items():
        if mine != theirs:
            yield f"{folder} has {what} {shown(mine)}; {METADATA} says {shown(theirs)}"


def _missing_indices(folder: Path, metadata: Mapping[str, Any], seen: _Seen) -> Iterator[str]:
    total = metadata.get("total_samples")
    if isinstance(total, bool) or not isinstance(total, int) or total < 1:
        yield f"{folder / METADATA} has total_samples {shown(total)}; expected how many cases there are"
        return
    found = {mark for kind, mark in seen.marks if kind == "index"}
    if len(found) < total:
        few = [str(index) for index in range(min(total, len(found) + _FEW)) if index not in found][:_FEW]
        more = " …" if total - len(found) > len(few) else ""
        yield f"{folder} has {len(found)} of {total} cases; missing: {', '.join(few)}{more}"


def _file_problems(path: Path, seen: _Seen) -> Iterator[Found]:
    with Split.open(path) as split:
        for row, case_id in enumerate(split.columns.case_ids):
            where = f"{path} (case {row}, {case_id})"
            yield Progress(seen.cases, seen.cases - row + len(split), f"checking {path.name}")
            seen.cases += 1
            try:
                content = content_sum(_voxels(split, row))
                yield from _case_problems(split, row, content, where)
                yield from seen.leaks(split, content, where)
            except MedsynthError as error:
                yield f"{where} cannot be read: {str(error).removeprefix(f'{path} ')}"
            yield from seen.duplicates(split, row, where)


def _voxels(split: Split, row: int) -> dict[str, npt.NDArray[Any]]:
    arrays = {IMAGES: split.image(row)} if split.has_images else {}
    if split.meta.label_type:
        arrays[LABELS] = split.labels(row)
    instances = split.instances(row)
    return arrays if instances is None else {**arrays, INSTANCES: instances}


def _case_problems(split: Split, row: int, content: str, where: str) -> Iterator[str]:
    columns = split.columns
    if split.header.is_ours:
        found = checksum(split.facts(row), content, split.history_text(row), split.modality)
        if columns.checksums[row] != found:
            yield f"{where} is altered: its checksum is not the recorded one"
            return
    if not np.array_equal(columns.spacing[row], split.affine(row).spacing):
        yield f"{where} has spacing {columns.spacing[row].tolist()}, unlike its affine"
    if split.meta.label_type:
        yield from _mask_problems(split, row, where)
    else:
        split.masks(row)
    split.case(row)


def _mask_problems(split: Split, row: int, where: str) -> Iterator[str]:
    """Masks and presence say again what the labels say; readers of the plain layout know only those."""
    labels = split.labels(row)
    for place, entry in enumerate(split.meta.structures):
        mask = labels == entry.value
        if mask.any() != split.presence[row, place]:
            yield f"{where} has presence {int(split.presence[row, place])} of {entry.name!r}, unlike its labels"
        if not np.array_equal(mask, split.stored_mask(row, place)):
            yield f"{where} has a mask of {entry.name!r}, unlike its labels"
