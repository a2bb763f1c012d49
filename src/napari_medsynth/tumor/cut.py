"""Which part of a lesion's box the host's wall leaves, as text that a record can keep."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.errors import RecordError
from .host import Host
from .lesion import Lesion

Mask = npt.NDArray[np.bool_]


def cut_of(lesion: Lesion, host: Host) -> str | None:
    """Return the host's voxels in the lesion's box, packed.

    None, so that nothing is cut, if the whole lesion lies in the host, or less than half of it: then a person placed
    it outside on purpose.
    """
    box = lesion.box.clipped(host.labels.shape)
    inside = host.inside(box)
    own = box.within(lesion.box).slices
    meant = (lesion.mask[own] & inside).sum() >= lesion.mask.sum() / 2
    return pack(inside) if meant and not inside[lesion.share[own] > 0].all() else None


def pack(mask: Mask) -> str:
    """Return a mask as text: bits, deflated, in base 64."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode("ascii")


def unpack(text: str, shape: Sequence[int]) -> Mask:
    """Return the mask of this shape that :func:`pack` made text of.

    Raises
    ------
    RecordError
        If the text is not a mask of this shape.
    """
    voxels = int(np.prod(shape))
    expected = -(-voxels // 8)
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(text, validate=True), expected + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise RecordError(f"an insertion's cut is damaged: {error}") from error
    if len(data) != expected:
        raise RecordError(f"an insertion's cut holds {len(data)} bytes; expected {expected} for {tuple(shape)} voxels")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=voxels)
    return bits.astype(bool).reshape(tuple(shape))
