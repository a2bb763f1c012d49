"""What a NIfTI header says of its voxels, checked before any of them is read."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from ..core.affine import Affine, FloatArray
from ..core.errors import GridError, ReadError
from .limits import require_sizes

VECTOR = 1007  #: NIFTI_INTENT_VECTOR: the fifth axis holds channels

#: Millimetres per unit of ``xyzt_units``: unknown (taken as mm), metre, millimetre, micron.
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


#: The first four bytes, the size of the header, tell version and byte order.
_KINDS: dict[str, dict[bytes, Any]] = {
    order: {struct.pack(f"{order}i", kind.sizeof_hdr): kind for kind in (Nifti1Header, Nifti2Header)} for order in "<>"
}


@dataclass(frozen=True)
class Layout:
    """Where the voxels lie in the file and in the patient.

    Parameters
    ----------
    sizes
        Voxels along ``(x, y)`` or ``(x, y, z)``.
    channels
        0 for an image without an axis of channels.
    is_rgb
        Whether the channels of one voxel lie side by side.
    dtype
        Type of one value, in the byte order of the file.
    offset
        Byte in the unpacked file at which the voxels begin.
    scaling
        Slope and intercept; None where the stored values count.
    affine
        Index ``(z, y, x)`` to world.
    """

    sizes: tuple[int, ...]
    channels: int
    is_rgb: bool
    dtype: np.dtype[Any]
    offset: int
    scaling: tuple[float, float] | None
    affine: Affine


def parse(file: IO[bytes], path: Path) -> Nifti1Header:
    """Read the header, of NIfTI-1 or NIfTI-2, in either byte order.

    Raises
    ------
    ReadError
        If there is none, or it belongs to a pair of files.
    """
    block = file.read(Nifti1Header.sizeof_hdr)
    order = next((o for o in _KINDS if block[:4] in _KINDS[o]), None)
    if order is None:
        raise ReadError(f"{path} is not a NIfTI file: it starts with {block[:8]!r}")
    kind = _KINDS[order][block[:4]]
    block += file.read(kind.sizeof_hdr - len(block))
    if len(block) < kind.sizeof_hdr:
        raise ReadError(f"{path} is cut short: its header has {len(block)} of {kind.sizeof_hdr} bytes")
    header: Nifti1Header = kind(block, order, check=False)
    magic = header["magic"].tobytes()[:3]
    if magic != header.single_magic[:3]:
        what = "half of a header and image pair" if magic == header.pair_magic[:3] else "not a NIfTI file"
        raise ReadError(f"{path} is {what} (magic {magic!r}); expected a single-file NIfTI")
    return header


def layout_of(header: Nifti1Header, path: Path) -> Layout:
    """Return what the header says.

    Raises
    ------
    ReadError
        If it makes no sense, or the file holds more than one 2D or 3D image.
    """
    sizes, channels = _sizes(header, path)
    dtype, rgb = _dtype(header, path)
    if rgb and channels:
        raise ReadError(f"{path} holds {channels} colour images; expected one")
    return Layout(
        sizes=sizes,
        channels=rgb or channels,
        is_rgb=rgb > 0,
        dtype=dtype,
        offset=_offset(header, path),
        scaling=_scaling(header, path),
        affine=_affine(header, len(sizes), path),
    )


def _sizes(header: Nifti1Header, path: Path) -> tuple[tuple[int, ...], int]:
    """Return sizes along ``(x, y[, z])`` and the number of channels, 0 without an axis of them."""
    count = int(header["dim"][0])
    if not 1 <= count <= 7:
        raise ReadError(f"{path} declares {count} axes; expected 2 or 3")
    sizes = tuple(int(n) for n in header["dim"][1 : count + 1])
    require_sizes(path, sizes)
    channels = 0
    if count == 5 and sizes[3] == 1 and int(header["intent_code"]) == VECTOR:
        channels, plane = sizes[4], header["intent_name"].tobytes().rstrip(b"\0") == b"2D" and sizes[2] == 1
        sizes = sizes[: 2 if plane else 3]
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) not in (2, 3):
        raise ReadError(f"{path} has shape {sizes} in x, y, z …; expected one 2D or 3D image")
    return sizes, channels


def _dtype(header: Nifti1Header, path: Path) -> tuple[np.dtype[Any], int]:
    """Return the type of one value and the number of interleaved colours, 0 for none."""
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise ReadError(f"{path} has voxels of datatype {int(header['datatype'])}; NIfTI knows no such type") from error
    if dtype.names in (("R", "G", "B"), ("R", "G", "B", "A")):
        return np.dtype(np.uint8), len(dtype.names)
    if dtype.kind not in "iuf" or dtype.itemsize not in (1, 2, 4, 8):
        raise ReadError(f"{path} has voxels of type {dtype}; expected integers or floats of up to 64 bits")
    return dtype, 0


def _offset(header: Nifti1Header, path: Path) -> int:
    value, least = float(header["vox_offset"]), header.sizeof_hdr
    if value == 0:  # some writers leave it out
        return int(least) + 4
    if not math.isfinite(value) or value < least or value != int(value):
        raise ReadError(f"{path} puts its voxels at byte {value:g}; expected {least} or more")
    return int(value)


def _scaling(header: Nifti1Header, path: Path) -> tuple[float, float] | None:
    """Return slope and intercept; a slope of 0 or NaN means that there are none."""
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope) or (slope, inter) == (1, 0):
        return None
    if not (math.isfinite(slope) and math.isfinite(inter)):
        raise ReadError(f"{path} has slope {slope:g} and intercept {inter:g}; expected finite ones")
    return slope, inter


def _affine(header: Nifti1Header, ndim: int, path: Path) -> Affine:
    """Return ``sform`` if it is coded, else ``qform`` if it is, else the voxel sizes as nibabel places them."""
    code = int(header["xyzt_units"]) & 7
    if code not in _MM:
        raise ReadError(f"{path} has lengths in unit {code}; expected metre (1), millimetre (2) or micron (3)")
    if ndim == 2 and not header["pixdim"][3] > 0:
        header["pixdim"][3] = 1
    try:
        matrix = np.array(_coded(header, ndim), dtype=np.float64)
        matrix[:3] *= _MM[code]
        return Affine(_with_normal(matrix, ndim)[:, [2, 1, 0, 3]])
    except (GridError, HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise ReadError(f"{path} does not say where its voxels lie: {error}") from error


def _coded(header: Nifti1Header, ndim: int) -> FloatArray:
    if header["sform_code"] == 0:
        sizes = header["pixdim"][1 : ndim + 1]
        if not (np.isfinite(sizes).all() and (sizes > 0).all()):
            raise GridError(f"its voxels measure {sizes.tolist()}; expected finite values above 0")
    return np.asarray(header.get_best_affine(), dtype=np.float64)


def _with_normal(matrix: FloatArray, ndim: int) -> FloatArray:
    """Give a 2D image, whose third axis need not be set, the normal of its plane."""
    if ndim == 2 and not matrix[:3, 2].any():
        normal = np.cross(matrix[:3, 0], matrix[:3, 1])
        matrix[:3, 2] = normal / np.linalg.norm(normal)
    return matrix
