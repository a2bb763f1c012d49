"""A case as bytes that one process can send to another and keep as a file: :func:`pack`."""

from __future__ import annotations

import json
import secrets
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..core.case import Case
from ..core.errors import ConfigError, GridError, WriteError
from .checksum import Facts, checksum, content_sum
from .deflate import RUNS, STRINGS, deflated, deflated_mask
from .layout import LIBVER, create, put_rows
from .schema import (
    HISTORY,
    IMAGES,
    INSTANCES,
    LABELS,
    MASKS,
    MAX_ARRAY,
    MAX_HISTORY,
    SCENARIOS,
    TEXT_WIDTHS,
    Meta,
    scenario_of,
    shape_of,
    times,
)

Array = npt.NDArray[Any]

#: Memory grows in steps of this many bytes while a file is made there.
_STEP = 2**20


def pack(case: Case, meta: Meta | None = None, *, index: int, seed: int) -> bytes:
    """Return ``case`` as an HDF5 file of one case, which opens in h5py and in :class:`~.reader.Split`.

    The same case gives the same bytes.

    Parameters
    ----------
    meta
        What holds for the dataset; of this case alone if left out.
    index
        The case's in the whole dataset, from 0.
    seed
        Root seed of its random streams.

    Raises
    ------
    GridError
        If the case does not have the dataset's size, or has channels.
    ConfigError
        If it does not have the arrays that the dataset has, or neither an image nor labels.
    WriteError
        If it holds more than a split file can.
    """
    meta = Meta.of(case, seed=seed) if meta is None else meta
    arrays = _arrays(case, meta)
    facts, history = _facts(case, index, seed), _history(case)
    boxes = _boxes(arrays.get(LABELS))
    name = f"{case.id}.{secrets.token_hex(8)}"  # never on disk; HDF5 takes two of one name for the same file
    with h5py.File(name, "w", driver="core", backing_store=False, block_size=_STEP, libver=LIBVER) as file:
        create(file, meta, 1, len(history), "")
        _put_arrays(file, arrays)
        _put_masks(file, arrays.get(LABELS), meta, boxes)
        _put_chunk(file, HISTORY, (0,), deflated(np.frombuffer(history, np.uint8), STRINGS))
        presence = np.array([value in boxes for value in meta.values], np.uint8)
        put_rows(file, [facts], [presence], [checksum(facts, content_sum(arrays), history, meta.modality)])
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def packed(array: Array) -> bytes:
    """Return the chunk of a whole array: images by their runs, label maps by repeated strings."""
    return deflated(array, RUNS, shuffle=array.dtype.itemsize > 1)


def packed_labels(array: Array) -> bytes:
    """Return the chunk of a label map."""
    return deflated(array, STRINGS, shuffle=array.dtype.itemsize > 1)


def _arrays(case: Case, meta: Meta) -> dict[str, Array]:
    """Voxels by their name on disk, of the types that the dataset has."""
    parts = {IMAGES: case.image, LABELS: case.labels, INSTANCES: case.instances}
    found = {name: part.array for name, part in parts.items() if part is not None}
    size = shape_of(case)
    if size != meta.image_size:
        expected = f"expected {times(meta.image_size)} as in the whole dataset"
        raise GridError(f"case {case.id!r} has {times(size)} voxels; {expected}")
    needed = set(meta.types) - {INSTANCES}
    if needed != set(found) - {INSTANCES} or (INSTANCES in found and not meta.instance_type):
        raise ConfigError(f"case {case.id!r} has {_listed(found)}; the dataset has {_listed(meta.types)}")
    for name, array in found.items():
        kind = meta.types[name]
        if not np.can_cast(array.dtype, kind, "safe"):
            raise ConfigError(f"case {case.id!r} has {name} of type {array.dtype}; the dataset has {kind.name}")
        if array.size * kind.itemsize > MAX_ARRAY:
            raise WriteError(f"case {case.id!r} has {array.nbytes} bytes of {name}; expected at most {MAX_ARRAY}")
        found[name] = array.astype(kind, copy=False)
    return found


def _facts(case: Case, index: int, seed: int) -> Facts:
    grid = case.labels if case.image is None else case.image
    assert grid is not None  # noqa: S101 - shape_of has refused a case without either
    scenario = scenario_of(case)
    if len(scenario.encode()) > TEXT_WIDTHS[SCENARIOS]:
        raise WriteError(f"case {case.id!r} has scenario {scenario!r}; expected at most {TEXT_WIDTHS[SCENARIOS]} bytes")
    return Facts(case_id=case.id, scenario=scenario, index=index, seed=seed, affine=grid.affine.matrix)


def _history(case: Case) -> bytes:
    records = [record.to_json() for record in case.history]
    text = json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MAX_HISTORY:
        raise WriteError(f"case {case.id!r} has a history of {len(text)} bytes; expected at most {MAX_HISTORY}")
    return text


def _boxes(labels: Array | None) -> dict[int, slice]:
    """Which slices along the first axis each value that occurs lies in."""
    if labels is None:
        return {}
    from scipy import ndimage

    return {value: box[0] for value, box in enumerate(ndimage.find_objects(labels), 1) if box is not None}


def _put_arrays(file: h5py.File, arrays: dict[str, Array]) -> None:
    for name, array in arrays.items():
        chunk = packed(array) if name == IMAGES else packed_labels(array)
        _put_chunk(file, name, (0,) * (array.ndim + 1), chunk)


def _put_masks(file: h5py.File, labels: Array | None, meta: Meta, boxes: dict[int, slice]) -> None:
    """Write the mask of each structure that occurs; the chunks of others are not stored and read as zeros."""
    if labels is None:
        return
    voxels = labels[0].size  # of one slice
    for row, value in enumerate(meta.values):
        if value in boxes:
            slices = boxes[value]
            mask = (labels[slices] == value).view(np.uint8)
            chunk = deflated_mask(mask, slices.start * voxels, (len(labels) - slices.stop) * voxels)
            _put_chunk(file, MASKS, (0, row) + (0,) * labels.ndim, chunk)


def _put_chunk(file: h5py.File, name: str, place: tuple[int, ...], chunk: bytes) -> None:
    file[name].id.write_direct_chunk(place, chunk)


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "nothing"
