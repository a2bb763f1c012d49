"""A lesion cut out of a scan, with all that is needed to put it back or somewhere else: :class:`Seed`."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from ..core.case import case_id
from ..core.errors import SeedError, shown
from ..core.labels import LabelMap
from ..core.volume import Volume

Attachment = Literal["isolated", "juxta-pleural", "juxta-vascular"]
ATTACHMENTS: tuple[Attachment, ...] = ("isolated", "juxta-pleural", "juxta-vascular")

LESION = 1  #: value of the lesion in a seed's mask
OTHER = 2  #: value of other lesions that reach into the crop; never part of the seed

_TEXTS = ("id", "source", "patient", "organ", "attachment", "sha256")
_LONGEST_TEXT = 256
_LARGEST = 1e9
_NUMBERS: dict[str, tuple[type, float]] = {
    "component": (int, 0),
    "label": (int, 0),
    "volume_ml": (float, 0),
    "core_hu": (float, -_LARGEST),
    "ring_hu": (float, -_LARGEST),
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class SeedInfo:
    """What a library knows of a seed without loading its voxels.

    Parameters
    ----------
    id
        ``<source>-<component>``; also the stem of its files.
    source
        Case that it was cut from.
    patient
        Person that it was cut from; seeds of one never go into held-back hosts of the same.
    component
        Number of the connected component within the case, from 1.
    label
        Its value in the source's label map; 0 for a made one.
    organ
        Where it grew, e.g. ``"lung"``; empty if not known.
    volume_ml
        Volume in mL.
    diameters_mm
        Full lengths of the principal axes of the ellipsoid with the same second moments, longest first.
    core_hu, ring_hu
        Median HU deep inside, and in the host's tissue 2 to 4 mm outside; equal to the lesion's own median where
        there is nothing else to measure.
    attachment
        What it touches: nothing, the wall of its organ, or a vessel.
    sha256
        Checksum of voxels, mask and geometry.
    """

    id: str
    source: str
    patient: str
    component: int
    label: int
    organ: str
    volume_ml: float
    diameters_mm: tuple[float, float, float]
    core_hu: float
    ring_hu: float
    attachment: Attachment
    sha256: str

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball of the same volume."""
        return math.cbrt(6 * self.volume_ml * 1000 / math.pi)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Make an info of what :meth:`to_json` gave.

        Raises
        ------
        SeedError
            If it is not of that form.
        """
        keys = {f.name for f in fields(cls)}
        if not isinstance(value, dict) or set(value) != keys:
            raise SeedError(f"seed entry is {shown(value)}; expected a mapping with exactly {sorted(keys)}")
        for key in _TEXTS:
            if not isinstance(value[key], str) or len(value[key]) > _LONGEST_TEXT:
                raise SeedError(f"seed entry has {key} = {shown(value[key])}; expected text")
        _require_choices(value)
        for key, (kind, low) in _NUMBERS.items():
            _require_number(value[key], kind, low, f"seed {value['id']} has {key}")
        return cls(**{**value, "diameters_mm": _diameters(value)})


@dataclass(frozen=True, eq=False, kw_only=True)
class Seed:
    """A lesion cut out of a scan.

    Parameters
    ----------
    image
        The scan around the lesion, with a margin of at least 4 mm where the scan reaches that far; HU for CT.
        Its affine says where in the source it was, so that it can go back exactly.
    mask
        On the same grid: 1 the lesion, 2 other lesions that reach into the crop, 0 the rest.
    info
        What the library's index knows of it.
    """

    image: Volume
    mask: LabelMap
    info: SeedInfo


def checksum(image: Volume, mask: LabelMap) -> str:
    """SHA-256 of voxels, mask and geometry."""
    digest = hashlib.sha256()
    for part in (image.array, mask.array, image.affine.matrix.astype("<f4")):
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(part.tobytes())
    return digest.hexdigest()


def _require_choices(value: dict[str, Any]) -> None:
    if value["id"] != case_id(value["id"]):
        raise SeedError(f"seed entry has id {shown(value['id'])}; expected 1 to 64 letters, digits, '.', '_' or '-'")
    if value["attachment"] not in ATTACHMENTS:
        raise SeedError(f"seed {value['id']} has attachment {value['attachment']!r}; expected one of {ATTACHMENTS}")
    if not _SHA256.fullmatch(value["sha256"]):
        raise SeedError(f"seed {value['id']} has sha256 {value['sha256']!r}; expected 64 hexadecimal digits")


def _require_number(value: object, kind: type, low: float, what: str) -> None:
    """Refuse what is not a number, NaN and infinities included, and what no lesion could have."""
    allowed = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= _LARGEST:
        expected = "a whole number" if kind is int else "a number"
        raise SeedError(f"{what} = {shown(value)}; expected {expected} from {low:g} to {_LARGEST:g}")


def _diameters(value: dict[str, Any]) -> tuple[float, float, float]:
    found = value["diameters_mm"]
    if not isinstance(found, list | tuple) or len(found) != 3:
        raise SeedError(f"seed {value['id']} has diameters_mm = {shown(found)}; expected three numbers")
    for number in found:
        _require_number(number, float, 0, f"seed {value['id']} has a diameter")
    return (float(found[0]), float(found[1]), float(found[2]))
