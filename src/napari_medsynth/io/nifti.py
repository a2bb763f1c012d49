"""NIfTI files, read and written with nibabel's headers.

Never through SimpleITK: 2.5 reads a file that is cut short as zeros, NaN as 0, and reports success when a full disk
cut its writing short. The voxels are read here straight into an array of the declared size, so that a missing byte
and a wrong checksum are errors.

NIfTI counts ``(x, y, z)`` with x fastest, which is a C-contiguous ``(z, y, x)`` array; only the columns of the affine
change their order. Its world is RAS, as ours.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from ..core.affine import Affine
from ..core.errors import ReadError, WriteError
from ..core.volume import Volume
from .limits import require_affordable, require_held
from .nifti_header import VECTOR, Layout, layout_of, parse
from .plainfile import reading
from .voxels import empty, scaled, storable

#: Level 2 takes 0.6 s for a 512×512×99 CT and level 6 takes 2.1 s for a file that is 3 % smaller.
LEVEL = 2

#: Written to ``intent_name`` of a 2D image with channels, which NIfTI cannot tell from one slice of a volume.
PLANE = b"2D"

_MAX_TRAILING = 64 * 1024**2
_CHUNK = 1024**2


def read(path: Path, max_bytes: int | None = None) -> Volume:
    """Read an image; values, type and geometry as stored.

    Raises
    ------
    ReadError
        If it is not a whole single-file NIfTI of one 2D or 3D image, or larger than the budget.
    """
    with reading(path), _opened(path) as file:
        header = parse(file, path)
        layout = layout_of(header, path)
        needed = require_affordable(path, (*layout.sizes, layout.channels or 1), layout.dtype.itemsize, max_bytes)
        require_held(path, layout.offset + needed, path.stat().st_size, compressed=_is_packed(path))
        _skip(file, layout.offset - header.sizeof_hdr, path)
        stored = _voxels(file, layout, path)
        _require_end(file, path)
    array = stored if layout.scaling is None else scaled(stored, *layout.scaling, path)
    return Volume(array, layout.affine, channels=layout.channels > 0)


def write(volume: Volume, path: Path, name: Path) -> None:
    """Write an image to ``path``, ``name`` in messages; the same image gives the same bytes.

    ``sform`` and ``qform`` both hold the affine as float32; a sheared one, which ``qform`` cannot hold, is in
    ``sform`` only.

    Raises
    ------
    WriteError
        If NIfTI has no type for its voxels.
    """
    array = storable(volume.array, name)
    with open(path, "wb") as raw:
        if not _is_packed(path):
            _write_to(raw, volume, array)
        else:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=raw, mtime=0) as packed:
                _write_to(packed, volume, array)


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain or packed file, naming it in every error of the unpacking."""
    try:
        with gzip.open(path, "rb") if _is_packed(path) else open(path, "rb") as file:
            yield cast("IO[bytes]", file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReadError(f"{path} is cut short or damaged: {error}") from error


def _skip(file: IO[bytes], count: int, path: Path) -> None:
    while count > 0:
        got = len(file.read(min(count, _CHUNK)))
        if not got:
            raise ReadError(f"{path} is cut short: it ends before its voxels begin")
        count -= got


def _voxels(file: IO[bytes], layout: Layout, path: Path) -> npt.NDArray[Any]:
    """Read ``(z, y, x)`` or ``(y, x)`` voxels in native byte order, channels first."""
    axes = layout.sizes[::-1]
    interleaved = layout.is_rgb
    leading = (layout.channels,) if layout.channels else ()
    shape = (*axes, *leading) if interleaved else (*leading, *axes)
    array = empty(shape, layout.dtype, path)
    _fill(file, array, path)
    if interleaved:
        array = np.moveaxis(array, -1, 0)
    return array.astype(layout.dtype.newbyteorder("="), copy=False)


def _fill(file: IO[bytes], array: npt.NDArray[Any], path: Path) -> None:
    view = _bytes_of(array)
    done = 0
    while done < len(view):
        got = file.readinto(view[done : done + _CHUNK])  # type: ignore[attr-defined]
        if not got:
            raise ReadError(f"{path} is cut short: it has {done} of {len(view)} bytes of voxels")
        done += got


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    """View a contiguous array as bytes."""
    return array.reshape(-1).view(np.uint8).data


def _require_end(file: IO[bytes], path: Path) -> None:
    """Read to the end, which checks the checksum of a packed file; a little padding is common, a bomb is not."""
    extra = 0
    while chunk := file.read(_CHUNK):
        extra += len(chunk)
        if extra > _MAX_TRAILING:
            raise ReadError(f"{path} has more than {_MAX_TRAILING} bytes after its voxels; expected its end there")


def _write_to(file: Any, volume: Volume, array: npt.NDArray[Any]) -> None:
    header = _header(volume, array)
    file.write(header.binaryblock + b"\0\0\0\0")  # four zeros: no extensions
    file.write(_bytes_of(array))


def _header(volume: Volume, array: npt.NDArray[Any]) -> Nifti1Header:
    sizes = volume.shape[::-1]
    header = Nifti1Header() if max(array.shape) < 2**15 else Nifti2Header()
    if volume.channels:
        sizes = (*sizes, *(1,) * (4 - len(sizes)), array.shape[0])
        header["intent_code"] = VECTOR
        header["intent_name"] = PLANE if volume.ndim == 2 else b""
    header.set_data_dtype(array.dtype)
    header.set_data_shape(sizes)
    header.set_xyzt_units("mm")
    _set_affine(header, volume.affine)
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["vox_offset"] = header.sizeof_hdr + 4
    return header


def _set_affine(header: Nifti1Header, affine: Affine) -> None:
    matrix = affine.matrix[:, [2, 1, 0, 3]]
    if np.abs(matrix).max() > np.finfo(np.float32).max:
        raise WriteError(f"NIfTI cannot hold {affine}; expected values that fit float32")
    header.set_qform(matrix, code=1, strip_shears=True)
    header.set_sform(matrix, code=1)
    if not np.allclose(header.get_qform(), matrix, rtol=1e-4, atol=1e-3 * min(affine.spacing)):
        header["qform_code"] = 0
