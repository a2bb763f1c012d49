"""Reader for napari: NIfTI, MetaImage, NRRD, DICOM series, cases and datasets, upright whatever their axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import LabelError, ReadError
from ..core.labels import LabelMap, as_labels
from ..core.volume import Volume
from .layers import LayerData, case_layer_data, image_layer_data, labels_layer_data

#: Words in the name of a file that holds labels; they count only if the voxels are whole numbers and few.
LABEL_WORDS = ("label", "seg", "mask", "contour")

_MOST_VALUES = 512  #: distinct ones that a label map without a sidecar may have
_PREAMBLE = 128  #: bytes before the letters DICM in a DICOM file
_PROBED = 64  #: files of a folder that are looked at to see whether it holds DICOM


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return a function that reads ``path`` into layers, or None if it is nothing of ours.

    Parameters
    ----------
    path
        A file, or a folder with a DICOM series, a case or a dataset. Several paths to stack are left to others.
    """
    from ..io.names import ITK, NIFTI, format_of
    from .read_h5 import SUFFIX, is_dataset

    one = _only(path)
    if one is None:
        return None
    if one.is_dir():
        return read_layers if _is_case(one) or is_dataset(one) or _holds_dicom(one) else None
    if one.suffix.lower() == SUFFIX:
        return read_layers if is_dataset(one) else None
    return read_layers if format_of(one) in (*NIFTI, *ITK) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read a file, or a folder with a DICOM series, a case or a dataset, into layers; of a dataset, its first case.

    A file is shown as labels if its sidecar names labels, or if its name says so (:data:`LABEL_WORDS`) and its
    voxels are few different whole numbers; else as an image.

    Raises
    ------
    ReadError
        If it cannot be read; the message is one line.
    """
    from ..io import read_case
    from .read_h5 import is_dataset, read_dataset

    one = _only(path)
    if one is None:
        raise ReadError(f"{path} is not one path; expected one file or folder")
    if _is_case(one):
        return case_layer_data(read_case(one))
    if is_dataset(one):
        return read_dataset(one)
    return _series_layers(one) if one.is_dir() else [_file_layer(one)]


def _only(path: str | Sequence[str]) -> Path | None:
    if isinstance(path, str):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else None


def _is_case(path: Path) -> bool:
    from ..io.names import INDEX

    return (path / INDEX).is_file()


def _holds_dicom(folder: Path) -> bool:
    files = (item for item in folder.iterdir() if item.is_file())
    return any(_is_dicom(item) for item, _ in zip(files, range(_PROBED), strict=False))


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_PREAMBLE + 4)[_PREAMBLE:] == b"DICM"


def _file_layer(path: Path) -> LayerData:
    from ..io import read_labels, read_sidecar, read_volume
    from ..io.names import split_suffix

    name = split_suffix(path)[0]
    sidecar = read_sidecar(path)
    if len(sidecar.table):
        return labels_layer_data(read_labels(path), name=name, history=sidecar.history)
    volume = read_volume(path)
    labels = None if sidecar.modality else _as_label_map(volume, name)
    if labels is not None:
        return labels_layer_data(labels, name=name, history=sidecar.history)
    return image_layer_data(volume, name=name, history=sidecar.history)


def _as_label_map(volume: Volume, name: str) -> LabelMap | None:
    """Return the volume as labels if its name says so and its voxels agree."""
    if volume.channels or not any(word in name.lower() for word in LABEL_WORDS):
        return None
    try:
        labels = LabelMap(as_labels(volume.array), volume.affine)
    except LabelError:  # e.g. "segmented_ct.nii.gz": the name was about something else
        return None
    return labels if len(labels.values()) <= _MOST_VALUES else None


def _series_layers(folder: Path) -> list[LayerData]:
    """Read every DICOM series of a folder; those that are no volume (a scout view) are named and passed over."""
    from ..io import read_volume

    layers: list[LayerData] = []
    problems: list[ReadError] = []
    for series in _series_of(folder) or (None,):
        try:
            volume = read_volume(folder, series=series)
        except ReadError as error:
            problems.append(error)
            continue
        name = folder.name if not layers else f"{folder.name} {len(layers) + 1}"
        layers.append(image_layer_data(volume, name=name))
    if problems and not layers:
        raise problems[0]
    _warn(problems)
    return layers


def _series_of(folder: Path) -> tuple[str, ...]:
    from SimpleITK import ImageSeriesReader

    return tuple(ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))


def _warn(problems: list[Any]) -> None:
    from napari.utils.notifications import show_warning

    for problem in problems:
        show_warning(f"One series was passed over: {problem}")
