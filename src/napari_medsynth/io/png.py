"""PNG files, read and written with Pillow; 2D, 1 mm voxels unless a sidecar says otherwise."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..core.errors import ReadError, WriteError
from ..core.volume import Volume
from .limits import require_affordable
from .plainfile import reading

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Pillow takes larger ones for an attack and warns, which a program cannot act on.
MAX_PIXELS = 89_000_000

_GREY = {"1": np.uint8, "L": np.uint8, "I;16": np.uint16}


def read(path: Path, max_bytes: int | None = None) -> Volume:
    """Read grey values as stored (1-bit ones as 0 and 1), colours as three channels ``(r, g, b)`` in front.

    Raises
    ------
    ReadError
        If it is not a whole PNG, is too large, has 16-bit colours (Pillow would halve them), is partly transparent,
        or moves.
    """
    with _decoded(path, max_bytes) as image:
        if image.mode in _GREY:
            return Volume(np.asarray(image).astype(_GREY[image.mode], copy=False))
        colour = image.convert("RGBA")
        array = np.asarray(colour)
        if (array[..., 3] != 255).any():
            raise ReadError(f"{path} is partly transparent; expected an opaque image")
        if image.mode == "LA":
            return Volume(array[..., 0])
        return Volume(np.moveaxis(array[..., :3], -1, 0), channels=True)


def read_indices(path: Path, max_bytes: int | None = None) -> Volume:
    """Read a label map: palette entries count by their number, and colours that are all grey by their grey value.

    Raises
    ------
    ReadError
        As :func:`read` does, and if there are true colours.
    """
    with _decoded(path, max_bytes) as image:
        if image.mode == "P":
            return Volume(np.asarray(image))
    volume = read(path, max_bytes)
    if not volume.channels:
        return volume
    red, green, blue = volume.array
    if not (np.array_equal(red, green) and np.array_equal(red, blue)):
        raise ReadError(f"{path} holds colours; expected one grey value or palette entry per label")
    return Volume(red)


def write(volume: Volume, path: Path, name: Path) -> None:
    """Write 8- or 16-bit grey, or three 8-bit channels, to ``path``, ``name`` in messages; deterministic.

    Raises
    ------
    WriteError
        If PNG cannot hold it.
    """
    array: npt.NDArray[Any] = volume.array
    if array.dtype == bool:
        array = array.view(np.uint8)
    colour = volume.channels and array.shape[0] == 3 and array.dtype == np.uint8
    grey = not volume.channels and array.dtype in (np.uint8, np.uint16)
    if volume.ndim != 2 or not (colour or grey):
        found = f"{'×'.join(map(str, array.shape))} {array.dtype}"
        raise WriteError(f"{name} cannot hold {found}; PNG takes 2D uint8 or uint16, or three uint8 channels")
    image = Image.fromarray(np.ascontiguousarray(np.moveaxis(array, 0, -1)) if colour else array)
    image.save(path, format="PNG")


@contextmanager
def _decoded(path: Path, max_bytes: int | None) -> Iterator[Image.Image]:
    """Open and decode after checks of header and checksums."""
    with reading(path):
        _check_header(path, max_bytes)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.verify()  # reads the checksum of every chunk, and uses the image up
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                raise ReadError(f"{path} holds {frames} pictures; expected one")
            yield image
    except ReadError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise ReadError(f"{path} is cut short or damaged: {error}") from error


def _check_header(path: Path, max_bytes: int | None) -> None:
    with open(path, "rb") as file:
        head = file.read(26)
    if len(head) < 26 or head[:8] != _SIGNATURE or head[12:16] != b"IHDR":
        raise ReadError(f"{path} is not a PNG file: it starts with {head[:8]!r}")
    width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
    require_affordable(path, (width, height), 8, max_bytes)
    if width * height > MAX_PIXELS:
        raise ReadError(f"{path} declares {width}×{height} pixels; expected at most {MAX_PIXELS} in all")
    if depth == 16 and colour != 0:
        raise ReadError(f"{path} has 16-bit colours or transparency; expected 16-bit grey or 8-bit colours")
