"""What a split file keeps of each case beside its voxels, read at once: :class:`Columns`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..core.errors import ReadError
from .blocks import Blocks
from .safety import dataset, explained, require_stored
from .schema import AFFINES, CASE_IDS, CHECKSUMS, INDICES, PRESENCE, SCENARIOS, SEEDS, SPACING


@dataclass(frozen=True, eq=False, kw_only=True)
class Columns:
    """One row a case.

    Parameters
    ----------
    presence
        ``(N, S)`` bool: which structures a case has.
    scenarios, case_ids, checksums
        ``N`` texts each; checksums are empty in files of other makers.
    affines
        ``(N, 4, 4)`` float64.
    spacing
        ``(N, 3)`` float64, millimetres along ``(z, y, x)``.
    seeds, indices
        ``(N,)`` int64.
    """

    presence: npt.NDArray[np.bool_]
    scenarios: tuple[str, ...]
    case_ids: tuple[str, ...]
    checksums: tuple[str, ...]
    affines: npt.NDArray[np.float64]
    spacing: npt.NDArray[np.float64]
    seeds: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]

    @classmethod
    def read(cls, file: h5py.File, path: Path, sizes: tuple[int, int], max_bytes: int | None = None) -> Columns:
        """Read the columns of a file that this package wrote.

        Parameters
        ----------
        sizes
            How many cases and how many structures there are.

        Raises
        ------
        ReadError
            If one is missing, of the wrong type or size, cut short, or too large.
        """
        count, structures = sizes

        def column(name: str, kinds: str, *tail: int) -> npt.NDArray[Any]:
            return read_column(file, name, path, kinds, (count, *tail), max_bytes)

        return cls(
            presence=zero_or_one(column(PRESENCE, "u", structures), path),
            scenarios=texts(column(SCENARIOS, "S"), SCENARIOS, path),
            case_ids=texts(column(CASE_IDS, "S"), CASE_IDS, path),
            checksums=texts(column(CHECKSUMS, "S"), CHECKSUMS, path),
            affines=column(AFFINES, "f", 4, 4),
            spacing=column(SPACING, "f", 3),
            seeds=column(SEEDS, "i"),
            indices=column(INDICES, "i"),
        )

    def __len__(self) -> int:
        return len(self.case_ids)


def read_column(
    file: h5py.File, name: str, path: Path, kinds: str, shape: tuple[int, ...], max_bytes: int | None = None
) -> npt.NDArray[Any]:
    """Return all of a small dataset.

    Parameters
    ----------
    kinds
        Letters of NumPy's kinds that it may have, e.g. ``"iu"``.
    shape
        What its shape has to be.

    Raises
    ------
    ReadError
        If it is not of that kind and shape, cut short, or too large.
    """
    found = dataset(file, name, path)
    if found.shape != shape or found.dtype.kind not in kinds:
        raise ReadError(f"{path} has {name!r} of {found.dtype} {found.shape}; expected {shape}")
    require_stored(found, path, max_bytes)
    if found.chunks is not None and 0 not in shape:
        return _unpacked(Blocks(file, name, path, leading=0, max_bytes=max_bytes), shape)
    with explained(path, name):
        column = np.empty(shape, found.dtype)
        found.id.read(h5py.h5s.ALL, h5py.h5s.ALL, column)
        return column


def _unpacked(blocks: Blocks, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Unpack a column here: another maker may have packed it, and HDF5 unpacks whatever there is."""
    found = blocks.read()
    return np.zeros(shape, blocks.dtype) if found is None else found


def texts(column: npt.NDArray[Any], name: str, path: Path) -> tuple[str, ...]:
    """Return a column of bytes as texts; :class:`ReadError` if one is not UTF-8."""
    try:
        return tuple(bytes(value).decode() for value in column)
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} has {name!r} that are no texts") from error


def zero_or_one(column: npt.NDArray[Any], path: Path) -> npt.NDArray[np.bool_]:
    """Return presence as booleans; :class:`ReadError` unless it holds 0 and 1 only."""
    if not np.isin(column, (0, 1)).all():
        raise ReadError(f"{path} has {PRESENCE!r} other than 0 and 1")
    return column.astype(bool)
