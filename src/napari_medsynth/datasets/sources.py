"""Real scans and label maps that a dataset begins with: :class:`Source`.

Case ``i`` of a dataset begins with source ``i mod K``. All cases of one source go to the same split, so that nothing
of a patient that a model was trained on is held back to test it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.case import Case, case_id
from ..core.errors import ConfigError, ReadError, SplitError, shown
from ..io.cases import read_case
from ..io.files import read_labels
from ..io.names import INDEX, ITK, NIFTI, PNG, format_of, split_suffix
from ..io.plainfile import file_sum

StrPath = str | os.PathLike[str]

#: What the name of a label map ends in, beside an image whose name is the same without it.
LABEL_WORDS = ("labels", "label", "seg", "segmentation", "mask")

_LABELS_OF = re.compile(rf"(.+?)[_-]({'|'.join(LABEL_WORDS)})", re.IGNORECASE)
_IMAGE_WORD = re.compile(r"(.+?)[_-](image|img|ct|mr|0000)", re.IGNORECASE)

#: A case is named after its source, and its index needs seven more of the 64 characters.
_MAX_ID = 50


@dataclass(frozen=True)
class Source:
    """A case on disk to begin with.

    Parameters
    ----------
    id
        Name of the source; the cases made of it are called ``<id>_<index>``.
    image
        A scan, or a folder that :func:`~napari_medsynth.io.write_case` wrote; None for labels alone.
    labels
        A label map; None for a case folder or an image alone.
    sha256
        Checksum of the files.
    """

    id: str
    image: Path | None
    labels: Path | None
    sha256: str

    @classmethod
    def of(cls, image: StrPath | None, labels: StrPath | None = None) -> Source:
        """Describe what is on disk; it is read in full, for the checksum.

        Raises
        ------
        ReadError
            If a file is not there or cannot be read.
        """
        paths = [None if path is None else Path(path).resolve() for path in (image, labels)]
        named = next((path for path in paths if path is not None), None)
        if named is None:
            raise ConfigError("a source has neither image nor labels; expected at least one of them")
        sums = [str(file_sum(path / INDEX if _is_case(path) else path)["sha256"]) for path in paths if path]
        name = case_id(named.name if named.is_dir() else split_suffix(named)[0])[:_MAX_ID]
        return cls(name, paths[0], paths[1], hashlib.sha256("".join(sums).encode()).hexdigest())

    def read(self) -> Case:
        """Read the case; raises as :func:`~napari_medsynth.io.read_case` does."""
        if self.image is not None:
            return read_case(self.image, self.labels, id=self.id)
        if self.labels is None:
            raise ConfigError(f"source {self.id} has neither image nor labels; expected at least one of them")
        return Case(id=self.id, labels=read_labels(self.labels))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        paths = {"image": self.image, "labels": self.labels}
        return {"id": self.id, **{k: str(v) for k, v in paths.items() if v}, "sha256": self.sha256}


def find_sources(places: Iterable[Source | StrPath]) -> tuple[Source, ...]:
    """Find the cases at some places, in the order of the places and of the names in a folder.

    A place is a case folder, a folder that holds case folders, or images beside their label maps (``scan.nii.gz`` and
    ``scan_labels.nii.gz``; also ``_label``, ``_seg``, ``_segmentation`` and ``_mask``), or one such file.

    Raises
    ------
    ReadError
        If a place does not exist or holds nothing of that kind.
    SplitError
        If the same files are found twice: they could end in two splits.
    """
    found: list[Source] = []
    for place in places:
        found += [place] if isinstance(place, Source) else _at(Path(place))
    return _distinct(found)


def pair_sources(images: Sequence[StrPath], labels: Sequence[StrPath]) -> tuple[Source, ...]:
    """Pair images with label maps: files in the order given, files of two folders by their names.

    Without images, the label maps are sources of their own, and the other way round.

    Raises
    ------
    ConfigError
        If there are not as many of the one as of the other, or files of two folders do not have the same names.
    ReadError
        If one is not there, or a folder has none.
    """
    if not images or not labels:
        alone = [Source.of(path) for path in _files(images)] + [Source.of(None, path) for path in _files(labels)]
        return _distinct(alone)
    if all(Path(p).is_dir() and not _is_case(Path(p)) for p in (*images, *labels)):
        return _distinct(_by_name(_files(images), _files(labels)))
    ours, theirs = _files(images), _files(labels)
    if len(ours) != len(theirs):
        raise ConfigError(f"there are {len(ours)} images and {len(theirs)} label maps; expected as many of each")
    return _distinct([Source.of(image, mask) for image, mask in zip(ours, theirs, strict=True)])


def _at(place: Path) -> list[Source]:
    if _is_case(place):
        return [Source.of(place)]
    if place.is_file():
        return _pairs([place])
    if not place.is_dir():
        raise ReadError(f"{place} does not exist; expected a case, an image or a folder of them")
    cases = [Source.of(item) for item in sorted(place.iterdir()) if _is_case(item)]
    found = cases + _pairs(_images_in(place))
    if not found:
        raise ReadError(f"{place} holds no case and no image; expected case folders, or images with label maps")
    return found


def _pairs(files: list[Path]) -> list[Source]:
    """Sources of images and of the label maps beside them; a label map without an image is one of its own."""
    found = []
    for path in files:
        stem, suffix = split_suffix(path)
        match = _LABELS_OF.fullmatch(stem)
        if match is None:
            found.append(Source.of(path, _labels_beside(path)))
        elif not path.with_name(match[1] + suffix).is_file():
            found.append(Source.of(None, path))
        elif len(files) == 1:  # the label map itself was named; the image belongs to it
            found.append(Source.of(path.with_name(match[1] + suffix), path))
    return found


def _labels_beside(image: Path) -> Path | None:
    stem, suffix = split_suffix(image)
    beside = (image.with_name(f"{stem}{mark}{word}{suffix}") for mark in "_-" for word in LABEL_WORDS)
    there = [path for path in beside if path.is_file()]
    if len(there) > 1:
        raise ConfigError(f"{image} has {len(there)} label maps beside it, {there[0].name} and {there[1].name}")
    return there[0] if there else None


def _files(places: Sequence[StrPath]) -> list[Path]:
    """Images of these places: files as they are, of folders those in them; :class:`ReadError` if one has none."""
    found: list[Path] = []
    for place in map(Path, places):
        images = _images_in(place) if place.is_dir() and not _is_case(place) else [place]
        if not images:
            raise ReadError(f"{place} holds no image; expected files such as scan.nii.gz, scan.mha or scan.nrrd")
        found += images
    return found


def _images_in(folder: Path) -> list[Path]:
    """Images of a folder, in the order of their names."""
    known = (*NIFTI, *ITK, *PNG)
    return sorted(p for p in folder.iterdir() if p.is_file() and format_of(p) in known and p.name[0] != ".")


def _by_name(images: list[Path], labels: list[Path]) -> list[Source]:
    ours, theirs = ({_key(path): path for path in paths} for paths in (images, labels))
    lonely = sorted(ours.keys() ^ theirs.keys())
    if lonely:
        path = ours.get(lonely[0]) or theirs[lonely[0]]
        other = "label map" if lonely[0] in ours else "image"
        raise ConfigError(f"{path} has no {other} of the same name in the other folder; expected one")
    if len(ours) != len(images) or len(theirs) != len(labels):
        raise ConfigError(f"{images[0].parent} or {labels[0].parent} holds two files of one name; expected one of each")
    return [Source.of(image, theirs[key]) for key, image in ours.items()]


def _key(path: Path) -> str:
    """What an image and its label map have in common: ``scan`` of ``scan_0000.nii.gz`` and ``scan_seg.nii.gz``."""
    stem = split_suffix(path)[0]
    match = _LABELS_OF.fullmatch(stem) or _IMAGE_WORD.fullmatch(stem)
    return match[1] if match else stem


def _distinct(found: list[Source]) -> tuple[Source, ...]:
    """Give each source an id of its own; refuse one that is there twice."""
    seen: dict[str, Source] = {}
    for source in found:
        if source.sha256 in seen:
            places = [shown(str(s.image or s.labels)) for s in (seen[source.sha256], source)]
            raise SplitError(f"{places[0]} and {places[1]} are the same; expected each source once")
        seen[source.sha256] = source
    used: Counter[str] = Counter()
    distinct = []
    for source in found:
        used[source.id] += 1
        number = used[source.id]
        distinct.append(source if number == 1 else replace(source, id=f"{source.id}-{number}"))
    return tuple(distinct)


def _is_case(path: Path) -> bool:
    return (path / INDEX).is_file()
