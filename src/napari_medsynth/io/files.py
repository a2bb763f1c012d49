"""One image or label map in or out, in the format that its name says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core.affine import Affine
from ..core.errors import LabelError, ReadError, WriteError
from ..core.labels import LabelMap, as_labels
from ..core.record import Record
from ..core.volume import Volume
from .atomic import atomic_path, json_text
from .names import ITK, NIFTI, PNG, WRITTEN, format_of
from .plainfile import file_sum
from .sidecar import Sidecar, merged, read_sidecar, sidecar_path
from .voxels import Nonfinite, require_finite

StrPath = str | os.PathLike[str]


def read_volume(
    path: StrPath,
    *,
    modality: str = "",
    nonfinite: Nonfinite = "error",
    series: str | None = None,
    max_bytes: int | None = None,
) -> Volume:
    """Read an image.

    Parameters
    ----------
    path
        ``.nii``, ``.nii.gz``, ``.mha``, ``.mhd``, ``.nrrd``, ``.nhdr`` or ``.png``, or a folder with a DICOM series.
    modality
        What it shows, e.g. ``"CT"``; if empty, what the sidecar or DICOM says.
    nonfinite
        What to do with NaN and infinities: ``"error"``, or ``"fill"`` with the smallest finite value.
    series
        UID of the DICOM series to read, if the folder holds several.
    max_bytes
        Most bytes that the voxels may take; see :func:`napari_medsynth.io.limits.budget` for the default.

    Returns
    -------
    Volume
        ``(y, x)`` or ``(z, y, x)``, or with channels in front; type as stored, in native byte order. Values with a
        scaling are ``int16`` or ``int32`` if whole, else ``float32``.

    Raises
    ------
    ReadError
        If it cannot be read, is damaged, or is too large.
    """
    path = Path(path)
    volume, sidecar = _read(path, series, max_bytes)
    volume = replace(volume, array=require_finite(volume.array, nonfinite, path))
    return replace(volume, modality=modality or volume.modality or sidecar.modality)


def read_labels(path: StrPath, *, series: str | None = None, max_bytes: int | None = None) -> LabelMap:
    """Read a label map, with its table if there is a sidecar; parameters as for :func:`read_volume`.

    Whole numbers stored as floats are fine. In a PNG with a palette the entries count by their number.

    Raises
    ------
    ReadError
        If it cannot be read, is damaged, or is too large.
    LabelError
        If a voxel is not a whole number from 0 to 65535.
    """
    path = Path(path)
    volume, sidecar = _read(path, series, max_bytes, indices=True)
    if volume.channels:
        raise LabelError(f"{path} holds {volume.array.shape[0]} channels; expected one value per voxel")
    return LabelMap(as_labels(volume.array, str(path)), volume.affine, sidecar.table)


def write_volume(volume: Volume, path: StrPath, *, history: Iterable[Record] = ()) -> None:
    """Write an image: ``.nii``, ``.nii.gz``, ``.mha``, ``.nrrd`` or ``.png``, and a sidecar if there is need of one.

    Both are written in full before either takes its final name. The same image gives the same bytes.

    Raises
    ------
    WriteError
        If the format cannot hold it, or it cannot be written; nothing has changed then.
    """
    with _writing(volume, Path(path), Sidecar(modality=volume.modality, history=tuple(history))):
        pass


def write_labels(labels: LabelMap, path: StrPath, *, history: Iterable[Record] = ()) -> None:
    """Write a label map and, if it has a table or a history, a sidecar; as :func:`write_volume` does."""
    with _writing_labels(labels, Path(path), tuple(history)):
        pass


def write_pair(
    image: Volume, labels: LabelMap, image_path: StrPath, labels_path: StrPath, *, history: Iterable[Record] = ()
) -> None:
    """Write an image and its label map with their sidecars; all four are written in full before one takes its name."""
    records = tuple(history)
    sidecar = Sidecar(modality=image.modality, history=records)
    with _writing(image, Path(image_path), sidecar), _writing_labels(labels, Path(labels_path), records):
        pass


def write_voxels(volume: Volume, path: Path, name: Path) -> None:
    """Write an image without sidecar to ``path``, under way to its final ``name``, which messages give.

    Raises
    ------
    WriteError
        If the format is not known or cannot hold it.
    OSError
        If it cannot be written.
    """
    kind = format_of(name)
    if kind not in WRITTEN:
        raise WriteError(f"{name} has suffix {kind!r}; expected one of {', '.join(WRITTEN)}")
    if kind in NIFTI:
        from .nifti import write
    elif kind in PNG:
        from .png import write
    else:
        from .itk import write
    write(volume, path, name)


def _read(path: Path, series: str | None, max_bytes: int | None, indices: bool = False) -> tuple[Volume, Sidecar]:
    if path.is_dir():
        from .dicom import read as read_series

        volume, modality = read_series(path, series, max_bytes)
        return replace(volume, modality=modality), Sidecar()
    volume = _read_file(path, max_bytes, indices)
    sidecar = read_sidecar(path)
    return replace(volume, affine=sidecar.affine or volume.affine), sidecar


def _read_file(path: Path, max_bytes: int | None, indices: bool) -> Volume:
    kind = format_of(path)
    if kind in NIFTI:
        from .nifti import read
    elif kind in ITK:
        from .itk import read
    elif kind in PNG and indices:
        from .png import read_indices as read
    elif kind in PNG:
        from .png import read
    else:
        known = ", ".join((*NIFTI, *ITK, *PNG))
        raise ReadError(f"{path} has suffix {kind!r}; expected {known} or a folder with a DICOM series")
    return read(path, max_bytes)


def _writing_labels(labels: LabelMap, path: Path, history: tuple[Record, ...]) -> AbstractContextManager[None]:
    return _writing(Volume(labels.array, labels.affine), path, Sidecar(table=labels.table, history=history))


@contextmanager
def _writing(volume: Volume, path: Path, sidecar: Sidecar) -> Iterator[None]:
    """Write to temporary files, which take their names when the block ends, and vanish if it fails."""
    if format_of(path) in PNG and not np.array_equal(volume.affine.matrix, Affine.from_spacing((1, 1)).matrix):
        sidecar = replace(sidecar, affine=volume.affine)
    beside = sidecar_path(path)
    content = merged(sidecar, path)
    with atomic_path(path) as temp:
        write_voxels(volume, temp, path)
        if not content:
            yield
            beside.unlink(missing_ok=True)
            return
        content = merged(replace(sidecar, file={"name": path.name, **file_sum(temp)}), path)
        with atomic_path(beside) as temp_beside:
            temp_beside.write_text(json_text(beside, content), encoding="utf-8")
            yield
