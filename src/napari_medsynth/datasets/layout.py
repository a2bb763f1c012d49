"""The inside of a split file on its way to disk: the datasets, their chunks and filters, and the attributes.

Everything is made so that the same cases give the same bytes: no times, one library version, texts of fixed width.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from .checksum import Facts
from .schema import (
    AFFINES,
    CASE_IDS,
    CHECKSUMS,
    HISTORY,
    INDICES,
    LABELS,
    MASKS,
    PRESENCE,
    SCENARIOS,
    SCHEMA,
    SEEDS,
    SPACING,
    TEXT_WIDTHS,
    VERSION,
    Meta,
)

#: HDF5 1.10 (2016) and newer read it; what it writes of itself, unlike older versions, carries checksums.
LIBVER = ("v110", "v110")


def create(file: h5py.File, meta: Meta, count: int, history_width: int, split: str) -> None:
    """Make all datasets, still empty, for ``count`` cases with histories of at most ``history_width`` bytes."""
    size = meta.image_size
    for name, dtype in meta.types.items():
        _packed(file, name, (count, *size), (1, *size), dtype)
    if LABELS in meta.types and meta.structures:
        _packed(file, MASKS, (count, len(meta.structures), *size), (1, 1, *size), np.dtype(np.uint8))
    _packed(file, HISTORY, (count,), (1,), h5py.string_dtype("utf-8", max(history_width, 1)))
    for name, width in TEXT_WIDTHS.items():
        file.create_dataset(name, (count,), h5py.string_dtype("utf-8", width))
    file.create_dataset(PRESENCE, (count, len(meta.structures)), "u1")
    file.create_dataset(AFFINES, (count, 4, 4), "<f8")
    file.create_dataset(SPACING, (count, 3), "<f8")
    for name in (SEEDS, INDICES):
        file.create_dataset(name, (count,), "<i8")
    _describe(file, meta, split)


def put_rows(
    file: h5py.File, facts: Sequence[Facts], presence: Sequence[npt.NDArray[np.uint8]], checksums: Sequence[str]
) -> None:
    """Write what is kept of all cases beside their voxels and histories, one row a case."""
    columns = {
        CASE_IDS: [one.case_id.encode() for one in facts],
        SCENARIOS: [one.scenario.encode() for one in facts],
        CHECKSUMS: [text.encode() for text in checksums],
        PRESENCE: presence,
        AFFINES: [one.affine for one in facts],
        SPACING: [Affine(one.affine).spacing for one in facts],
        SEEDS: [one.seed for one in facts],
        INDICES: [one.index for one in facts],
    }
    for name, column in columns.items():
        target = file[name]
        target[...] = np.asarray(column, target.dtype)


def _packed(file: h5py.File, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: Any) -> None:
    """Make a dataset of gzip chunks, which its maker packs itself; multi-byte numbers are shuffled first."""
    shuffle = np.dtype(dtype).kind != "S" and np.dtype(dtype).itemsize > 1
    file.create_dataset(name, shape, dtype, chunks=chunks, compression="gzip", compression_opts=1, shuffle=shuffle)


def _describe(file: h5py.File, meta: Meta, split: str) -> None:
    texts = {
        "schema": SCHEMA,
        "split": split,
        "structure_names": json.dumps(meta.names, ensure_ascii=False),
        "label_table": json.dumps(meta.table.to_json(), ensure_ascii=False),
        "modality": meta.modality,
        "recipe": meta.recipe,
    }
    file.attrs.update(texts)
    file.attrs["schema_version"] = VERSION
    file.attrs["structure_values"] = np.asarray(meta.values, "<i4")
    file.attrs["image_size"] = np.asarray(meta.image_size, "<i4")
    file.attrs["seed"] = meta.seed
