"""One case's part of a dataset, unpacked here: :class:`Blocks`.

HDF5's own gzip filter unpacks whatever a chunk holds, however much that is, and cannot be told to stop. So the bytes of
a chunk are taken as they lie in the file and unpacked to the size that the header declares, no further.
"""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..core.errors import ReadError
from ..io.limits import require_affordable
from ..io.voxels import empty
from .deflate import inflated, unshuffled
from .safety import DEFLATE, FLETCHER, LZF, SHUFFLE, dataset, explained

#: A block in more pieces than this would take minutes to read.
_MOST_CHUNKS = 100_000


class Blocks:
    """A dataset whose first ``leading`` axes count blocks, e.g. cases, or cases and structures.

    Parameters
    ----------
    file
        An open file; nothing is read from it yet but the dataset's header.
    name
        Name of the dataset.
    leading
        How many axes count blocks.
    max_bytes
        Most bytes that one block may take; see :func:`napari_medsynth.io.limits.budget`.

    Raises
    ------
    ReadError
        If there is no such dataset, it needs other files or plugins, or a block is larger than allowed.
    """

    def __init__(
        self, file: h5py.File, name: str, path: Path, *, leading: int = 1, max_bytes: int | None = None
    ) -> None:
        self._dataset = dataset(file, name, path)
        self._path, self._name = path, name
        self.shape: tuple[int, ...] = self._dataset.shape
        stored = self._dataset.dtype
        self.dtype: np.dtype[Any] = np.dtype(np.uint8) if stored.kind == "b" else stored
        if len(self.shape) < leading:
            raise ReadError(f"{path} has {name!r} with {len(self.shape)} axes; expected at least {leading}")
        self._block = self.shape[leading:]
        require_affordable(path, self._block or (1,), self.dtype.itemsize, max_bytes)
        plist = self._dataset.id.get_create_plist()
        self._filters = [plist.get_filter(n)[0] for n in range(plist.get_nfilters())]
        self._chunks: tuple[int, ...] | None = self._dataset.chunks
        if self._chunks is not None:
            require_affordable(path, self._chunks, self.dtype.itemsize, max_bytes)

    @property
    def is_ours(self) -> bool:
        """Whether each block is one gzip chunk, as this package writes it."""
        whole = (1,) * (len(self.shape) - len(self._block)) + self._block
        shuffled = self.dtype.kind != "S" and self.dtype.itemsize > 1
        return self._chunks == whole and self._filters == ([SHUFFLE, DEFLATE] if shuffled else [DEFLATE])

    def chunk(self, *place: int) -> bytes | None:
        """Return the chunk of a block as it lies in the file, packed; None if it is not stored.

        Raises
        ------
        ReadError
            If the chunk cannot be read, or the dataset does not have one gzip chunk a block.
        """
        if not self.is_ours:
            raise ReadError(f"{self._path} does not keep {self._name!r} in one gzip chunk each; expected that")
        found = self._raw((*place, *(0 for _ in self._block)), place)
        return None if found is None else found[0]

    def read(self, *place: int) -> npt.NDArray[Any] | None:
        """Return a block, writable and in native byte order; None if it is one chunk that is not stored.

        Raises
        ------
        ReadError
            If it is damaged or packs more than it declares.
        """
        if self.is_ours:
            block = self._unpacked((*place, *(0 for _ in self._block)), place)
            block = None if block is None else block.reshape(self._block)
        elif self._chunks is None or LZF in self._filters:
            block = self._read_by_library(place)
        else:
            block = self._gathered(place, self._chunks)
        return None if block is None else block.astype(self.dtype.newbyteorder("="), copy=False)

    def _gathered(self, place: tuple[int, ...], chunks: tuple[int, ...]) -> npt.NDArray[Any]:
        """Put a block together of the chunks of another maker."""
        lead = len(place)
        corner = tuple(n - n % size for n, size in zip(place, chunks, strict=False))
        inner = tuple(n - start for n, start in zip(place, corner, strict=True))
        starts = [range(0, n, size) for n, size in zip(self._block, chunks[lead:], strict=True)]
        if prod(len(steps) for steps in starts) > _MOST_CHUNKS:
            raise ReadError(f"{self._path} has {self._name!r} in chunks of {chunks}; expected larger ones")
        block = empty(self._block, self.dtype, self._path)
        block[...] = self._dataset.fillvalue
        for start in product(*starts):
            found = self._unpacked((*corner, *start), place)
            if found is not None:
                target = block[tuple(slice(n, n + size) for n, size in zip(start, chunks[lead:], strict=True))]
                target[...] = found.reshape(chunks)[inner][tuple(slice(0, n) for n in target.shape)]
        return block

    def _unpacked(self, offset: tuple[int, ...], place: tuple[int, ...]) -> npt.NDArray[Any] | None:
        found = self._raw(offset, place)
        if found is None or self._chunks is None:
            return None
        data, mask = found
        what = f"{self._path} ({self._label(place)})"
        applied = [number for n, number in enumerate(self._filters) if not mask >> n & 1]
        size = prod(self._chunks) * self.dtype.itemsize
        for number in reversed(applied):
            if number == FLETCHER:
                data = data[:-4]  # its sum is left unchecked: zlib's own, or the size, tells of damage
            elif number == DEFLATE:
                data = inflated(data, size + 4 * (FLETCHER in applied[: applied.index(DEFLATE)]), what)
            elif number == SHUFFLE and len(data) == size:
                data = unshuffled(data, self.dtype.itemsize)
        if len(data) != size:
            raise ReadError(f"{what} is damaged: it holds {len(data)} bytes; expected {size}")
        return np.frombuffer(bytearray(data), self.dtype)

    def _raw(self, offset: tuple[int, ...], place: tuple[int, ...]) -> tuple[bytes, int] | None:
        """Bytes of a chunk as they lie in the file, and which filters were left out."""
        with explained(self._path, self._label(place)):
            info = self._dataset.id.get_chunk_info_by_coord(offset)
            if info.byte_offset is None:
                return None
            if info.size > self._path.stat().st_size:
                raise ReadError(f"{self._path} ({self._label(place)}) is damaged: its chunk is larger than the file")
            mask, data = self._dataset.id.read_direct_chunk(offset)
            return data, mask

    def _read_by_library(self, place: tuple[int, ...]) -> npt.NDArray[Any]:
        """Let HDF5 read what is not packed, or packed by lzf, which unpacks to less than a hundred times its size."""
        with explained(self._path, self._label(place)):
            block = empty(self._block, self._dataset.dtype, self._path)
            self._dataset.read_direct(block, place)
            return block.view(self.dtype)

    def _label(self, place: tuple[int, ...]) -> str:
        return f"{self._name}, case {', '.join(str(n) for n in place)}" if place else self._name
