"""What a split file says of itself, checked before any voxel is read: :class:`Header`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from ..core.errors import ReadError, shown
from ..core.labels import Label, LabelTable
from ..io.sidecar import require_version
from .blocks import Blocks
from .safety import dataset, json_of, text, whole_numbers
from .schema import (
    CASE_IDS,
    HISTORY,
    IMAGES,
    INSTANCES,
    LABELS,
    MASKS,
    MAX_HISTORY,
    MAX_STRUCTURES,
    SCHEMA,
    VERSION,
    Meta,
)

_NUMBERS = {IMAGES: "iuf", LABELS: "u", INSTANCES: "u", MASKS: "iuf"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Header:
    """What is known of a file once it is open.

    Parameters
    ----------
    meta
        What holds for all its cases.
    count
        How many cases there are.
    blocks
        The datasets of voxels that there are, and of the history, by their name; of use while the file is open.
    split
        Name of the split; empty for a single case and in files of other makers.
    is_ours
        Whether this package wrote it.
    """

    meta: Meta
    count: int
    blocks: Mapping[str, Blocks]
    split: str = ""
    is_ours: bool = True

    @property
    def history_width(self) -> int:
        """Bytes of the longest history that the file can hold; 0 if it holds none."""
        return self.blocks[HISTORY].dtype.itemsize if HISTORY in self.blocks else 0


def read_header(file: h5py.File, path: Path, max_bytes: int | None = None) -> Header:
    """Read and check what a file that this package wrote says of itself.

    Raises
    ------
    ReadError
        If it is damaged, no dataset, of a newer version, asks for other files, or is too large.
    LabelError
        If its label table is damaged.
    """
    attributes = file.attrs
    schema = text(attributes, "schema", path)
    if schema != SCHEMA:
        raise ReadError(f"{path} has schema {shown(schema)}; expected {SCHEMA!r}")
    require_version(_one(attributes, "schema_version", path), VERSION, path)
    table = LabelTable.from_json(json_of(attributes, "label_table", path))
    structures = _structures(attributes, path, table)
    size = whole_numbers(attributes, "image_size", path, 3)
    if len(size) < 2:
        raise ReadError(f"{path} has image_size {size}; expected two or three sizes")
    count = (*dataset(file, CASE_IDS, path).shape, 0)[0]
    blocks = checked_blocks(file, path, (count, len(structures), size), max_bytes)
    types = {name: found.dtype.name for name, found in blocks.items()}
    meta = Meta(
        image_size=size,
        structures=structures,
        table=table,
        image_type=types.get(IMAGES, ""),
        label_type=types.get(LABELS, ""),
        instance_type=types.get(INSTANCES, ""),
        modality=text(attributes, "modality", path),
        recipe=text(attributes, "recipe", path),
        seed=_one(attributes, "seed", path),
    )
    blocks[HISTORY] = _histories(file, path, count)
    return Header(meta=meta, count=count, blocks=blocks, split=text(attributes, "split", path))


def checked_blocks(
    file: h5py.File, path: Path, sizes: tuple[int, int, tuple[int, ...]], max_bytes: int | None
) -> dict[str, Blocks]:
    """Return the datasets of voxels, if they are as large as they should be and a block fits into memory.

    Parameters
    ----------
    sizes
        How many cases, how many structures, and the voxels of a case along each axis.

    Raises
    ------
    ReadError
        If they are not, or there are neither images nor labels.
    """
    count, structures, size = sizes
    there = {name for name in _NUMBERS if name.encode() in file.id}
    if not there & {IMAGES, LABELS}:
        raise ReadError(f"{path} has neither {IMAGES!r} nor {LABELS!r}; expected a dataset of cases")
    found = {}
    for name in sorted(there):
        blocks = Blocks(file, name, path, leading=2 if name == MASKS else 1, max_bytes=max_bytes)
        expected = (count, structures, *size) if name == MASKS else (count, *size)
        if blocks.shape != expected or blocks.dtype.kind not in _NUMBERS[name]:
            raise ReadError(f"{path} has {name!r} of {blocks.dtype} {blocks.shape}; expected {expected}")
        if name in (LABELS, INSTANCES) and blocks.dtype.itemsize > 2:
            raise ReadError(f"{path} has {name!r} of {blocks.dtype}; expected uint8 or uint16")
        found[name] = blocks
    return found


def checked_names(names: Any, path: Path) -> tuple[str, ...]:
    """Return names of structures; :class:`ReadError` unless they are a list of texts."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ReadError(f"{path} has structure_names {shown(names)}; expected a list of names")
    return tuple(names)


def _histories(file: h5py.File, path: Path, count: int) -> Blocks:
    found = Blocks(file, HISTORY, path)
    if found.shape != (count,) or found.dtype.kind != "S" or found.dtype.itemsize > MAX_HISTORY:
        expected = f"{(count,)} of at most {MAX_HISTORY} bytes each"
        raise ReadError(f"{path} has histories of {found.dtype} {found.shape}; expected {expected}")
    return found


def _one(attributes: h5py.AttributeManager, name: str, path: Path) -> int:
    return whole_numbers(attributes, name, path, 1)[0]


def _structures(attributes: h5py.AttributeManager, path: Path, table: LabelTable) -> tuple[Label, ...]:
    names = checked_names(json_of(attributes, "structure_names", path), path)
    values = whole_numbers(attributes, "structure_values", path, MAX_STRUCTURES)
    if len(names) != len(values) or list(values) != sorted(set(values)):
        raise ReadError(f"{path} has {len(names)} structure names for the values {shown(values)}; expected one each")
    listed = {(entry.value, entry.name): entry for entry in table}
    return tuple(listed.get(pair) or Label(*pair) for pair in zip(values, names, strict=True))
