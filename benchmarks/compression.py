"""Which compression a dataset should have: ``python benchmarks/compression.py [--scan CT LABELS] [--repeats 3]``.

Packs one case of each kind with every codec that plain h5py reads, in memory, and prints size and time. "runs" and
"strings" are this package's own use of gzip (zlib's Z_RLE, and level 6), "masks" are packed slice by slice with shared
zeros. Times are processor time of this process for the whole case; the smallest of the repeats counts.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rich.console import Console
from rich.table import Table

from napari_medsynth.core.case import Case
from napari_medsynth.datasets.deflate import RUNS, STRINGS, deflated, deflated_mask, inflated, unshuffled
from napari_medsynth.io import read_case
from napari_medsynth.phantom.step import Phantom

Row = tuple[str, str, int, float, float]

H5PY = {
    "h5py gzip 1": {"compression": "gzip", "compression_opts": 1},
    "h5py gzip 4": {"compression": "gzip", "compression_opts": 4},
    "h5py gzip 6": {"compression": "gzip", "compression_opts": 6},
    "h5py lzf": {"compression": "lzf"},
    "h5py, unpacked": {},
}


def main() -> None:
    """Make the cases, pack them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", nargs=2, type=Path, metavar=("CT", "LABELS"), help="a real scan and its labels")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the fastest counts")
    options = parser.parse_args()
    table = Table("array", "codec", "kB", "pack ms", "read ms", title="one case, packed chunk by chunk")
    for name, case in cases(options.scan):
        for what, array in arrays(case):
            for _, codec, size, packing, reading in rows(array, options.repeats):
                table.add_row(f"{name} {what}", codec, f"{size / 1000:.0f}", f"{packing:.1f}", f"{reading:.1f}")
            table.add_section()
    Console(width=100).print(table)


def cases(scan: list[Path] | None) -> Iterator[tuple[str, Case]]:
    """Give the cases to pack."""
    yield "classic 128×128×64", Phantom()(Case(id="x"), seed=1)
    yield "torso 128×128×64", Phantom(anatomy="torso")(Case(id="x"), seed=1)
    if scan:
        yield "scan", read_case(*scan)


def arrays(case: Case) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Give image, labels and masks ``(s, z, y, x)`` of a case."""
    assert case.image is not None
    assert case.labels is not None
    yield f"image, {case.image.array.dtype}", case.image.array
    yield "labels", case.labels.array
    values = case.labels.values()
    yield f"{len(values)} masks", np.stack([case.labels.array == value for value in values]).view(np.uint8)


def rows(array: np.ndarray[Any, Any], repeats: int) -> Iterator[Row]:
    """Measure every codec on one array."""
    for name, options in H5PY.items():
        for shuffle in (False, True) if array.dtype.itemsize > 1 and options else (False,):
            label = f"{name}, shuffle" if shuffle else name
            yield from measured(label, lambda o=options, s=shuffle: by_h5py(array, o, s), read_by_h5py, array, repeats)
    if array.ndim == 4:
        yield from measured("this package: slices of runs", lambda: own_masks(array), read_own_masks, array, repeats)
        return
    wide = array.dtype.itemsize > 1
    for label, how in (("runs", RUNS), ("strings", STRINGS)):
        yield from measured(
            f"this package: {label}{', shuffle' if wide else ''}",
            lambda how=how: deflated(array, how, shuffle=wide),
            lambda data: read_own(data, array),
            array,
            repeats,
        )


def measured(
    label: str, pack: Callable[[], Any], read: Callable[[Any], Any], array: np.ndarray[Any, Any], repeats: int
) -> Iterator[Row]:
    """Time packing and reading; the bytes must come back as they were."""
    packing = min(seconds(pack) for _ in range(repeats)) * 1000
    data = pack()
    reading = min(seconds(lambda: read(data)) for _ in range(repeats)) * 1000
    assert np.array_equal(np.asarray(read(data)).reshape(array.shape), array)
    size = len(data) if isinstance(data, bytes) else data[1]
    yield "", label, size, packing, reading


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def by_h5py(array: np.ndarray[Any, Any], options: dict[str, Any], shuffle: bool) -> tuple[bytes, int]:
    """Let HDF5 pack an array, masks one by one; returns the file and how much of it is voxels."""
    chunks = (1, *array.shape[1:]) if array.ndim == 4 else array.shape
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        made = file.create_dataset("x", data=array, chunks=chunks, shuffle=shuffle, **options)
        size = made.id.get_storage_size()
    return buffer.getvalue(), size


def read_by_h5py(packed: tuple[bytes, int]) -> np.ndarray[Any, Any]:
    """Read what :func:`by_h5py` packed."""
    with h5py.File(io.BytesIO(packed[0])) as file:
        return np.asarray(file["x"][()])


def read_own(data: bytes, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Read what :func:`deflated` packed."""
    plain = inflated(data, array.nbytes, "x")
    return np.frombuffer(unshuffled(plain, array.itemsize) if array.itemsize > 1 else plain, array.dtype)


def own_masks(masks: np.ndarray[Any, Any]) -> tuple[list[bytes], int]:
    """Pack masks as a dataset does; those that are empty are not stored."""
    found = []
    for mask in masks:
        where = np.flatnonzero(mask.any(axis=(1, 2)))
        low, high = int(where[0]), int(where[-1]) + 1
        found.append(deflated_mask(mask[low:high], low * mask[0].size, (len(mask) - high) * mask[0].size))
    return found, sum(map(len, found))


def read_own_masks(packed: tuple[list[bytes], int]) -> np.ndarray[Any, Any]:
    """Read what :func:`own_masks` packed."""
    import zlib

    return np.stack([np.frombuffer(zlib.decompress(data), np.uint8) for data in packed[0]])


if __name__ == "__main__":
    main()
