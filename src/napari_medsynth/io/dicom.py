"""A folder that holds a DICOM series, read with SimpleITK (GDCM)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..core.errors import ReadError
from ..core.volume import Volume
from .itk import last_line, volume_of
from .limits import require_affordable
from .plainfile import reading

_MODALITY = "0008|0060"
_POSITION = "0020|0032"
_ORIENTATION = "0020|0037"

_UNEVEN = 0.02  #: how much the distance of neighbouring slices may differ, as a share of it


def read(folder: Path, series: str | None = None, max_bytes: int | None = None) -> tuple[Volume, str]:
    """Read one series; returns the image, CT in Hounsfield units, and its modality.

    Parameters
    ----------
    series
        Series UID, needed if the folder holds more than one.

    Raises
    ------
    ReadError
        If there is no series, more than one to choose from, one whose slices are not evenly spaced (some are
        missing), or one larger than the budget.
    """
    names = _files(folder, series)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(names)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        modality = _check(folder, names, max_bytes)
        image = reader.Execute()
    except RuntimeError as error:
        raise ReadError(f"{folder} could not be read as a DICOM series: {last_line(error)}") from error
    _require_even(folder, reader, len(names))
    return volume_of(image, folder), modality


def _files(folder: Path, series: str | None) -> tuple[str, ...]:
    with reading(folder):
        next(folder.iterdir(), None)  # a folder that may not be read is an error, not a folder without a series
    found: tuple[str, ...] = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if not found:
        raise ReadError(f"{folder} holds neither a case nor a DICOM series")
    if series is None and len(found) > 1:
        raise ReadError(f"{folder} holds {len(found)} DICOM series; choose one of {', '.join(found)}")
    chosen = found[0] if series is None else series
    if chosen not in found:
        raise ReadError(f"{folder} has no DICOM series {chosen}; expected one of {', '.join(found)}")
    names: tuple[str, ...] = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), chosen)
    return names


def _check(folder: Path, names: tuple[str, ...], max_bytes: int | None) -> str:
    """Check the size from the first slice's header; return the modality."""
    first = sitk.ImageFileReader()
    first.SetFileName(names[0])
    first.ReadImageInformation()
    itemsize = 8 * first.GetNumberOfComponents()  # GDCM may rescale to double
    require_affordable(folder, (*first.GetSize()[:2], len(names)), itemsize, max_bytes)
    return first.GetMetaData(_MODALITY).strip() if first.HasMetaDataKey(_MODALITY) else ""


def _require_even(folder: Path, reader: sitk.ImageSeriesReader, count: int) -> None:
    """ITK only warns of a missing slice, and then puts every slice beyond it in the wrong place."""
    if count < 2:
        return
    orientations = {_tag(folder, reader, n, _ORIENTATION) for n in range(count)}
    if len(orientations) > 1:
        raise ReadError(f"{folder} has slices of {len(orientations)} orientations in one series; expected one")
    places = [[float(v) for v in _tag(folder, reader, n, _POSITION).split("\\")] for n in range(count)]
    gaps = np.linalg.norm(np.diff(np.asarray(places), axis=0), axis=1)
    usual = float(np.median(gaps))
    if usual <= 0 or np.abs(gaps - usual).max() > _UNEVEN * usual:
        found = f"{gaps.min():.4g} to {gaps.max():.4g} mm"
        raise ReadError(f"{folder} has slices {found} apart; expected even steps (some may be missing or doubled)")


def _tag(folder: Path, reader: sitk.ImageSeriesReader, slice_: int, tag: str) -> str:
    if not reader.HasMetaDataKey(slice_, tag):
        raise ReadError(f"{folder} has a slice without DICOM tag ({tag.replace('|', ',')})")
    return str(reader.GetMetaData(slice_, tag)).strip()
