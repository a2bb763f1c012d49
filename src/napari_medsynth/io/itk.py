"""MetaImage and NRRD files, read and written with SimpleITK.

ITK counts ``(x, y, z)`` with x fastest, which is a C-contiguous ``(z, y, x)`` array, and its world is LPS: x and y of
every direction and origin change their sign here, and the columns of the affine their order.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..core.affine import Affine, FloatArray
from ..core.errors import GridError, ReadError, WriteError
from ..core.volume import Volume
from . import metaimage_header, nrrd_header
from .plainfile import reading
from .voxels import storable

sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what ITK warns of is checked here, and an error where it matters

_RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

_SQUARE = 1e-4  #: cosine of two axes, or mm off the axial plane, that is not rounding; float32 keeps 1e-7


def read(path: Path, max_bytes: int | None = None) -> Volume:
    """Read a MetaImage or NRRD file; values, type and geometry as stored.

    Raises
    ------
    ReadError
        If it is not a whole file of one 2D or 3D image, is larger than the budget, or takes its voxels from outside
        its folder.
    """
    header = metaimage_header if path.suffix.lower() in (".mha", ".mhd") else nrrd_header
    with reading(path):
        stored = header.stored(path, max_bytes)
        stored.require_whole()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        if math.prod(reader.GetSize()) * reader.GetNumberOfComponents() != stored.values:
            raise ReadError(f"{path} has a header that can be read in two ways")
        image = reader.Execute()
    except RuntimeError as error:
        raise ReadError(f"{path} could not be read: {last_line(error)}") from error
    return volume_of(image, path)


def write(volume: Volume, path: Path, name: Path) -> None:
    """Write a compressed file to ``path``, ``name`` in messages; the same image gives the same bytes.

    Raises
    ------
    WriteError
        If the format cannot hold the voxels' type or place: it has no shear, and a 2D image has to be axial at z = 0.
    """
    _require_place(volume, name)
    array = storable(volume.array, name)
    if volume.channels:
        if len(array) == 1:
            raise WriteError(f"{name} cannot hold an axis of one channel; write .nii.gz instead")
        array = np.ascontiguousarray(np.moveaxis(array, 0, -1))
    image = sitk.GetImageFromArray(array, isVector=volume.channels)
    _place(image, volume.affine)
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OSError(last_line(error)) from error


def volume_of(image: sitk.Image, path: Path) -> Volume:
    """Return an ITK image as a volume; trailing axes of one voxel are dropped.

    Raises
    ------
    ReadError
        If it is not a 2D or 3D image of real numbers, or lies nowhere.
    """
    sizes = image.GetSize()
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) not in (2, 3):
        raise ReadError(f"{path} has shape {sizes} in x, y, z …; expected one 2D or 3D image")
    channels = image.GetNumberOfComponentsPerPixel()
    array: Any = sitk.GetArrayFromImage(image)
    array = array.reshape(*sizes[::-1], channels)
    array = np.moveaxis(array, -1, 0) if channels > 1 else array[..., 0]
    try:
        return Volume(array, affine_of(image), channels=channels > 1)
    except GridError as error:
        raise ReadError(f"{path} does not hold an image: {error}") from error


def affine_of(image: sitk.Image) -> Affine:
    """Return where an ITK image lies, in array order and RAS."""
    count = image.GetDimension()
    used = min(count, 3)
    direction = np.reshape(image.GetDirection(), (count, count))[:used, :used]
    matrix = np.eye(4)
    matrix[:used, :used] = direction * np.asarray(image.GetSpacing()[:used])
    matrix[:used, 3] = image.GetOrigin()[:used]
    return Affine((_RAS_OF_LPS @ matrix)[:, [2, 1, 0, 3]])


def last_line(error: RuntimeError) -> str:
    """Return the last line of ITK's message, which says what happened; those before say where in ITK."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _require_place(volume: Volume, name: Path) -> None:
    """Raise :class:`WriteError` if ITK's formats cannot say where the image lies."""
    direction, flat = volume.affine.direction, volume.affine.matrix.copy()
    flat[2, 1:], flat[:3, 0] = 0, (0, 0, 1)
    reason = ""
    if np.abs(direction.T @ direction - np.eye(3)).max() > _SQUARE:
        reason = "sheared axes"
    elif volume.ndim == 2 and np.abs(flat - volume.affine.matrix).max() > _SQUARE:
        reason = "a 2D image that is not axial at z = 0"
    if reason:
        raise WriteError(f"{name} cannot hold {reason} ({volume.affine}); write .nii.gz instead")


def _place(image: sitk.Image, affine: Affine) -> None:
    matrix: FloatArray = _RAS_OF_LPS @ affine.matrix[:, [2, 1, 0, 3]]
    count = image.GetDimension()
    spacing = np.linalg.norm(matrix[:count, :count], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((matrix[:count, :count] / spacing).ravel().tolist())
    image.SetOrigin(matrix[:count, 3].tolist())
