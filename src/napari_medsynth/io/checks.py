"""Is this file or case whole, and as it was written: :func:`verify`."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import MedsynthError
from .cases import CaseIndex
from .files import StrPath, read_volume
from .names import INDEX
from .plainfile import sum_problem
from .sidecar import read_sidecar


def verify(path: StrPath) -> list[str]:
    """Return the problems of a case folder, a DICOM folder or an image file; an empty list means that it is whole.

    A case is compared with the sizes and checksums in its ``case.json``: files that are missing, cut short, altered or
    not listed, and a newer version, are problems. An image is read in full and compared with its sidecar, or its case's
    index, if it has one.
    """
    path = Path(path)
    try:
        if (path / INDEX).exists():
            return CaseIndex.read(path).problems(path)
        return _file_problems(path)
    except MedsynthError as error:
        return [str(error)]


def _file_problems(path: Path) -> list[str]:
    recorded = {} if path.is_dir() else read_sidecar(path).file
    if recorded:
        problem = sum_problem(path, {key: value for key, value in recorded.items() if key != "name"})
        if problem:
            return [problem]
    read_volume(path, nonfinite="fill")
    return []
