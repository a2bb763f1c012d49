"""One case in or out: NIfTI, MetaImage, NRRD, DICOM, PNG, written whole or not at all.

Arrays are ``(z, y, x)`` and the world is RAS in millimetres, whatever the file's own convention; no voxel is
resampled or flipped on the way. The names below are loaded when they are first used: importing this package loads
neither nibabel nor SimpleITK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .atomic import atomic_folder, atomic_path, write_bytes, write_json, write_text
    from .cases import read_case, write_case
    from .checks import verify
    from .files import read_labels, read_volume, write_labels, write_pair, write_volume
    from .sidecar import Sidecar, read_sidecar

__all__ = [
    "Sidecar",
    "atomic_folder",
    "atomic_path",
    "read_case",
    "read_labels",
    "read_sidecar",
    "read_volume",
    "verify",
    "write_bytes",
    "write_case",
    "write_json",
    "write_labels",
    "write_pair",
    "write_text",
    "write_volume",
]

_HOME = {
    "Sidecar": "sidecar",
    "atomic_folder": "atomic",
    "atomic_path": "atomic",
    "read_case": "cases",
    "read_labels": "files",
    "read_sidecar": "sidecar",
    "read_volume": "files",
    "verify": "checks",
    "write_bytes": "atomic",
    "write_case": "cases",
    "write_json": "atomic",
    "write_labels": "files",
    "write_pair": "files",
    "write_text": "atomic",
    "write_volume": "files",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
