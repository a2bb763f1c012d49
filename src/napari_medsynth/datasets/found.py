"""One case of a folder in any layout: :class:`FoundCase`. Nothing of it is read before it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError, LabelError, ReadError, shown
from ..core.labels import LabelMap, LabelTable
from ..core.volume import Volume
from ..io import read_case, read_labels, read_volume
from ..io.names import INDEX, PNG, format_of
from ..io.plainfile import file_sum

#: What white is in a mask of black and white that is stored as a picture.
_WHITE = 255


@dataclass(frozen=True, kw_only=True)
class FoundCase:
    """Where the image and the labels of a case are, and whose they are.

    Parameters
    ----------
    id
        As in :class:`~napari_medsynth.core.case.Case`; each case of a folder has its own.
    patient
        Who it is: two cases of one patient never go to different splits.
    image, labels
        Its files; a folder that :func:`~napari_medsynth.io.write_case` wrote, or an HDF5 file, stands for both.
    more_labels
        Further masks of the same image, which are joined to the first; where they overlap, the first counts.
    number
        Which case of an HDF5 file it is.
    modality
        DICOM's word, e.g. ``"CT"`` or ``"MR"``; empty if nothing says.
    split
        ``"train"``, ``"val"`` or ``"test"`` if the layout says so, else empty.
    table
        What the values of the labels mean, where the layout says so.
    """

    id: str
    patient: str
    image: Path | None = None
    labels: Path | None = None
    more_labels: tuple[Path, ...] = ()
    number: int | None = None
    modality: str = ""
    split: str = ""
    table: LabelTable = field(default_factory=LabelTable)

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, the image first; each once."""
        named = (self.image, self.labels, *self.more_labels)
        return tuple(dict.fromkeys(path for path in named if path is not None))

    def read(self, *, image: bool = True, labels: bool = True) -> Case:
        """Read the case.

        Parameters
        ----------
        image, labels
            Which of its parts; what is not asked for is not opened, unless both are in one file.

        Raises
        ------
        ReadError, LabelError, GridError
            If a file is damaged or not what it should be, or image and labels are not on one grid.
        """
        whole = self._whole()
        if whole is not None:
            found, mask = whole.image, whole.labels
            return Case(id=self.id, image=self._known(found) if image else None, labels=mask if labels else None)
        volume = read_volume(self.image) if image and self.image is not None else None
        mask = self._labels() if labels and self.labels is not None else None
        return Case(id=self.id, image=self._known(volume), labels=mask)

    @property
    def contents(self) -> tuple[Path, ...]:
        """The files that hold its voxels, the image first: those of a case folder are in it."""
        return tuple(inner for path in self.files for inner in (_parts_in(path) if path.is_dir() else (path,)))

    def is_image(self, path: Path) -> bool:
        """Whether one of its :attr:`contents` is the image, and not a label map."""
        return path == self.image or (path.parent in self.files and path.name.startswith("image."))

    def sums(self) -> tuple[str, ...]:
        """Return the SHA-256 of each of its :attr:`contents`; of a case in HDF5, that of the case.

        Raises
        ------
        ReadError
            If one cannot be read.
        """
        if self.number is not None:
            return (self._sum_in_file(),)
        return tuple(str(file_sum(path)["sha256"]) for path in self.contents)

    def _whole(self) -> Case | None:
        """Read a case whose image and labels are kept together; None if they are not."""
        if self.number is not None:
            from .reader import Split

            with Split.open(self.files[0]) as split:
                return replace(split.case(self.number), id=self.id)
        place = self.files[0] if self.files else None
        return read_case(place) if place is not None and (place / INDEX).is_file() else None

    def _known(self, volume: Volume | None) -> Volume | None:
        return None if volume is None else replace(volume, modality=volume.modality or self.modality)

    def _labels(self) -> LabelMap:
        masks = [_mask(path) for path in self.files if path != self.image]
        first = masks[0]
        array = first.array.copy()
        for other, path in zip(masks[1:], self.more_labels, strict=True):
            first.require_same_grid(other, str(self.labels), str(path))
            array = np.where(array == 0, other.array, array)
        return LabelMap(array, first.affine, self.table if len(self.table) else first.table)

    def _sum_in_file(self) -> str:
        from .reader import Split

        with Split.open(self.files[0]) as split:
            index = int(self.number or 0)
            known = split.checksums[index]
            if known:
                return known
            case = split.case(index)
        digest = hashlib.sha256()
        for part in (case.image, case.labels):
            digest.update(b"" if part is None else part.array.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class CaseFacts:
    """What is written down of a case that was trained with, so that nobody tests with it.

    Parameters
    ----------
    id, patient
        As in :class:`FoundCase`.
    sha256
        Of each of its files.
    """

    id: str
    patient: str
    sha256: tuple[str, ...]

    @classmethod
    def of(cls, case: FoundCase | CaseFacts) -> CaseFacts:
        """Return the facts of a case; its files are read in full."""
        return case if isinstance(case, CaseFacts) else cls(case.id, case.patient, case.sums())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"id": self.id, "patient": self.patient, "sha256": list(self.sha256)}

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        """Make facts of what :meth:`to_json` gave; :class:`ReadError` that begins with ``where`` if it is not that."""
        found = value if isinstance(value, Mapping) else {}
        sums = found.get("sha256")
        texts = [found.get("id"), found.get("patient"), *(sums if isinstance(sums, list) else [None])]
        if not all(isinstance(text, str) for text in texts):
            raise ReadError(f"{where} has the case {shown(value)}; expected its id, patient and sha256")
        name, patient, *known = map(str, texts)
        return cls(name, patient, tuple(known))


def _parts_in(folder: Path) -> tuple[Path, ...]:
    """Return the image and the label map in a case folder; its index has the id and would make equal cases differ."""
    return tuple(path for part in ("image", "labels") for path in sorted(folder.glob(f"{part}.*")) if path.is_file())


def _mask(path: Path) -> LabelMap:
    """Read a label map; of a picture in black and white, white is 1."""
    labels = read_labels(path)
    if format_of(path) in PNG and labels.values() == (_WHITE,):
        return replace(labels, array=labels.array // np.uint8(_WHITE))
    return labels


def labels_of(case: FoundCase) -> LabelMap:
    """Read the labels alone.

    Raises
    ------
    ConfigError
        If it has none.
    ReadError, LabelError
        As :meth:`FoundCase.read` does; the case is named.
    """
    try:
        labels = case.read(image=False).labels
    except LabelError as error:
        raise LabelError(f"case {case.id}: {error}") from error
    if labels is None:
        raise ConfigError(f"case {case.id} has no labels; expected some")
    return labels
