"""Files of the plain layout that other tools write: images, and perhaps masks, presence and scenarios."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from ..core.affine import Affine
from ..core.errors import ReadError
from ..core.labels import Label, LabelTable
from ..io.plainfile import read_json
from .columns import Columns, read_column, texts, zero_or_one
from .headers import Header, checked_blocks, checked_names
from .safety import MAX_TEXT, dataset, explained, members, require_stored, text
from .schema import IMAGES, MASKS, MAX_STRUCTURES, METADATA, PRESENCE, SCENARIOS, Meta


def read_foreign_header(file: h5py.File, path: Path, max_bytes: int | None = None) -> Header:
    """Read what a file of the plain layout says of itself.

    Structures are numbered from 1 in the order of the masks. Their names are those of the attribute
    ``structure_names``, or of the ``metadata.json`` beside the file.

    Raises
    ------
    ReadError
        If it is damaged, has no images, asks for other files, or is too large.
    """
    there = members(file, path)
    if IMAGES not in there:
        raise ReadError(f"{path} has no {IMAGES!r}; expected a dataset of cases")
    images = dataset(file, IMAGES, path)
    if images.ndim not in (3, 4):
        raise ReadError(f"{path} has {IMAGES!r} of shape {images.shape}; expected (cases, z, y, x)")
    count, *size = images.shape
    structures = _structures(file, path, there)
    blocks = checked_blocks(file, path, (count, len(structures), tuple(size)), max_bytes)
    kept = {name: found for name, found in blocks.items() if name in (IMAGES, MASKS)}
    meta = Meta(
        image_size=tuple(size),
        structures=structures,
        table=LabelTable(structures),
        image_type=blocks[IMAGES].dtype.name,
    )
    return Header(meta=meta, count=count, blocks=kept, is_ours=False)


def read_foreign_columns(file: h5py.File, path: Path, header: Header, max_bytes: int | None = None) -> Columns:
    """Read presence and scenarios; what the plain layout does not keep gets the values of a case without history.

    Raises
    ------
    ReadError
        If they are damaged or too large, or there are masks and no presence.
    """
    there, structures, count = members(file, path), len(header.meta.structures), header.count
    presence = np.zeros((count, structures), bool)
    if PRESENCE in there:
        presence = zero_or_one(read_column(file, PRESENCE, path, "iufb", (count, structures), max_bytes), path)
    elif structures:
        raise ReadError(f"{path} has no {PRESENCE!r}; expected which of {structures} structures each case has")
    return Columns(
        presence=presence,
        scenarios=_scenarios(file, path, count, max_bytes) if SCENARIOS in there else ("",) * count,
        case_ids=tuple(f"{path.stem}_{index:06d}" for index in range(count)),
        checksums=("",) * count,
        affines=np.broadcast_to(Affine.from_spacing().matrix, (count, 4, 4)),
        spacing=np.ones((count, 3)),
        seeds=np.zeros(count, np.int64),
        indices=np.arange(count),
    )


def _structures(file: h5py.File, path: Path, there: set[str]) -> tuple[Label, ...]:
    known = [dataset(file, name, path).shape for name in (MASKS, PRESENCE) if name in there]
    count = known[0][1] if known and len(known[0]) > 1 else 0
    if count > MAX_STRUCTURES:
        raise ReadError(f"{path} has masks of {count} structures; expected at most {MAX_STRUCTURES}")
    names = _names_of(file, path) or [f"structure {n}" for n in range(1, count + 1)]
    if len(names) != count:
        raise ReadError(f"{path} has {len(names)} structure names and {count} structures; expected one name each")
    return tuple(Label(value, name) for value, name in enumerate(names, 1))


def _names_of(file: h5py.File, path: Path) -> tuple[str, ...]:
    """Names of the structures: of an attribute, or of the metadata beside the file."""
    beside = path.parent / METADATA
    attributes = file.attrs
    with explained(path):
        named = "structure_names" in attributes
        kind = attributes.get_id("structure_names") if named else None
        if kind is not None and kind.shape != () and np.prod(kind.shape, dtype=float) <= MAX_STRUCTURES:
            found = attributes["structure_names"].tolist()
            return checked_names([name.decode() if isinstance(name, bytes) else name for name in found], path)
    if named:
        value = text(attributes, "structure_names", path)
        return checked_names(json.loads(value) if value.startswith("[") else [value], path)
    return checked_names(read_json(beside).get("structure_names", []), beside) if beside.is_file() else ()


def _scenarios(file: h5py.File, path: Path, count: int, max_bytes: int | None) -> tuple[str, ...]:
    """Texts of fixed or variable width; of the latter, many rows may name one long text, so that they are counted."""
    found = dataset(file, SCENARIOS, path)
    if found.dtype.kind != "O":
        return texts(read_column(file, SCENARIOS, path, "S", (count,), max_bytes), SCENARIOS, path)
    if found.shape != (count,):
        raise ReadError(f"{path} has {SCENARIOS!r} of shape {found.shape}; expected {(count,)}")
    require_stored(found, path, max_bytes)
    if found.compression is not None:  # HDF5 would unpack the references, whatever there is
        raise ReadError(f"{path} packs the texts of {SCENARIOS!r}; expected them as they are, or of a fixed width")
    kept: list[str] = []
    size = 0
    with explained(path, SCENARIOS):
        rows = found.asstr()
        for row in range(count):
            kept.append(str(rows[row]))
            size += len(kept[-1])
            if size > MAX_TEXT:
                raise ReadError(f"{path} has {SCENARIOS!r} of more than {MAX_TEXT} bytes")
    return tuple(kept)
