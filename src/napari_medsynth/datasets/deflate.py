"""Voxels to zlib streams and back, the way that any HDF5 reader understands (filter 1, gzip).

HDF5's own gzip filter searches for repeated strings. Noise has none and masks are runs, so looking only for runs
(zlib's ``Z_RLE``) is several times faster and no larger; ``benchmarks/compression.py`` measures it. Zeros before and
after a structure are most of its mask: they are packed once and copied.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ReadError

#: Search for runs; entropy coding does not depend on the level then.
RUNS = (1, zlib.Z_RLE)

#: Search for repeated strings, for label maps: rows repeat those above, and 6 takes half of the space of 1.
STRINGS = (6, zlib.Z_DEFAULT_STRATEGY)

_HEADER = b"\x78\x01"
_END = b"\x03\x00"  # an empty last block
_MODULUS = 65521  # of Adler-32, RFC 1950
_ZEROS = 1024**2


def deflated(array: npt.NDArray[Any], how: tuple[int, int], *, shuffle: bool = False) -> bytes:
    """Return ``array`` as one zlib stream.

    Parameters
    ----------
    array
        Any shape; its bytes in C order.
    how
        :data:`RUNS` or :data:`STRINGS`.
    shuffle
        Whether bytes of one significance are brought together first (HDF5's filter 2).
    """
    level, strategy = how
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
    plain = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    if shuffle:
        plain = np.ascontiguousarray(plain.reshape(-1, array.dtype.itemsize).T)
    return packer.compress(plain.data) + packer.flush()


def deflated_mask(mask: npt.NDArray[np.uint8], before: int, after: int) -> bytes:
    """Return a zlib stream of ``before`` zeros, ``mask`` and ``after`` zeros.

    Parameters
    ----------
    mask
        ``uint8``, any shape: the slices in which the structure lies.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    data = np.ascontiguousarray(mask).reshape(-1)
    body = packer.compress(data.data) + packer.flush(zlib.Z_FULL_FLUSH)
    adler = _with_zeros(zlib.adler32(data.data, _with_zeros(1, before)), after)
    return b"".join((_HEADER, _zeros(before), body, _zeros(after), _END, adler.to_bytes(4, "big")))


def inflated(data: bytes, size: int, what: str) -> bytes:
    """Return the ``size`` bytes that a zlib stream holds.

    Raises
    ------
    ReadError
        If it is damaged, or holds more or less; no more than ``size`` bytes are ever unpacked. ``what`` begins the
        message.
    """
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, size)
        surplus = unpacker.decompress(unpacker.unconsumed_tail, 1)  # reads the checksum, and one byte too many
    except zlib.error as error:
        raise ReadError(f"{what} is damaged: {error}") from error
    if len(plain) != size or surplus or not unpacker.eof:
        found = "more" if surplus else str(len(plain))
        raise ReadError(f"{what} is damaged: it holds {found} bytes; expected {size}")
    return plain


def unshuffled(data: bytes, itemsize: int) -> bytes:
    """Undo HDF5's shuffle filter."""
    planes = np.frombuffer(data, np.uint8).reshape(itemsize, -1)
    return planes.T.tobytes()


def _zeros(count: int) -> bytes:
    """Deflate blocks of ``count`` zeros, ended at a whole byte."""
    blocks, rest = divmod(count, _ZEROS)
    return _zero_block(_ZEROS) * blocks + _zero_block(rest)


@lru_cache(maxsize=512)
def _zero_block(count: int) -> bytes:
    if not count:
        return b""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return packer.compress(bytes(count)) + packer.flush(zlib.Z_FULL_FLUSH)


def _with_zeros(adler: int, count: int) -> int:
    """Adler-32 after ``count`` more zeros: its low sum stays, its high sum grows by that for each."""
    low, high = adler & 0xFFFF, adler >> 16
    return (high + int(count) * low) % _MODULUS << 16 | low
