"""Images and their label maps in a plain folder, found by their names: :func:`pairs_in`.

``scan.nii.gz`` and ``scan_labels.nii.gz`` belong together (also ``_label``, ``_seg``, ``_segmentation`` and ``_mask``),
and so do ``scan_image.mha`` or ``scan_ct.mha`` and ``scan_label.mha``, and the files of ``images/`` and ``labels/`` or
``masks/`` that have the same name but for such words. Pictures may have several masks: ``benign_mask.png`` and
``benign_mask_1.png``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..core.case import case_id
from ..core.errors import ReadError
from ..io.cases import CaseIndex
from ..io.names import IMAGE, INDEX, ITK, LABELS, NIFTI, PNG, split_suffix
from .exchange.listing import ids_of, images_in, patient_of
from .found import FoundCase
from .sources import LABEL_WORDS

KNOWN = (*NIFTI, *ITK, *PNG)

_MASK = re.compile(rf"(.+?)[_-](?:{'|'.join(LABEL_WORDS)})(?:[_-](\d+))?", re.IGNORECASE)
_IMAGE = re.compile(r"(.+?)[_-](?:image|img|0000)", re.IGNORECASE)

#: Words for the modality that an image's name may end in where that of its label map does not.
_TAKEN = re.compile(r"(.+?)[_-](ct|mri?|t1w?|t2w?|us)", re.IGNORECASE)

#: Folders of label maps, beside one of images.
_MASKS = ("labels", "masks")


def pairs_in(source: Path) -> list[FoundCase]:
    """List the cases of a folder, or of the folders in it if it has none itself.

    Case folders, two folders of images and of label maps, or images beside their label maps.

    Raises
    ------
    ReadError
        If a file is a link, or two files could be the image of one case.
    """
    if source.is_file():
        return [case for case in _beside(source.parent) if source in case.files]
    here = _cases(source) + _two_folders(source) + _beside(source)
    if here:
        return here
    inner = sorted(path for path in source.iterdir() if path.is_dir() and not path.is_symlink())
    found = [case for folder in inner for case in _cases(folder) + _two_folders(folder) + _beside(folder)]
    return _renamed(found, source)


def _cases(folder: Path) -> list[FoundCase]:
    """Folders that this package wrote, one a case."""
    found = []
    for place in sorted(path for path in folder.iterdir() if (path / INDEX).is_file()):
        index = CaseIndex.read(place)
        patient = patient_of(index.id)
        image, labels = (place if name in index.files else None for name in (IMAGE, LABELS))
        found.append(FoundCase(id=index.id, patient=patient, image=image, labels=labels, modality=index.modality))
    return found


def _two_folders(folder: Path) -> list[FoundCase]:
    """Images in ``images``, and label maps of the same names in ``labels`` or ``masks``."""
    masks = next((folder / name for name in _MASKS if (folder / name).is_dir()), None)
    if masks is None:
        return []
    images = images_in(folder / "images", KNOWN)
    return _paired(images.values(), images_in(masks, KNOWN).values())


def _beside(folder: Path) -> list[FoundCase]:
    """Images and label maps in one folder."""
    files = list(images_in(folder, KNOWN).values())
    return _paired(
        [path for path in files if not _MASK.fullmatch(split_suffix(path)[0])],
        [path for path in files if _MASK.fullmatch(split_suffix(path)[0])],
    )


def _paired(images: Iterable[Path], masks: Iterable[Path]) -> list[FoundCase]:
    mine: dict[str, Path] = {}
    for path in images:
        first = mine.setdefault(_key(path), path)
        if first is not path:
            raise ReadError(f"{first} and {path} could both be the image of {_key(path)}; expected one")
    theirs: dict[str, list[Path]] = {}
    for path in sorted(masks, key=lambda path: (_number(path), path)):
        theirs.setdefault(_key(path), []).append(path)
    mine = _without_modality(mine, set(theirs))
    found = []
    for key in sorted({**mine, **theirs}):
        labels, *more = theirs.get(key, [None])
        found.append(
            FoundCase(
                id=case_id(key),
                patient=patient_of(key),
                image=mine.get(key),
                labels=labels,
                more_labels=tuple(more),  # type: ignore[arg-type]
            )
        )
    return found


def _without_modality(images: dict[str, Path], masks: set[str]) -> dict[str, Path]:
    """Call ``scan_ct`` what its label map is called, if that is ``scan`` and there is no other image of that name."""
    found = dict(images)
    for key in images.keys() - masks:
        match = _TAKEN.fullmatch(key)
        if match is None or match[1] not in masks:
            continue
        if match[1] in found:
            raise ReadError(f"{found[match[1]]} and {images[key]} could both be the image of {match[1]}; expected one")
        found[match[1]] = found.pop(key)
    return found


def _key(path: Path) -> str:
    """What an image and its label maps have in common: ``scan`` of ``scan_image.mha`` and ``scan_seg_1.mha``."""
    stem = split_suffix(path)[0]
    match = _MASK.fullmatch(stem) or _IMAGE.fullmatch(stem)
    return match[1] if match else stem


def _number(path: Path) -> int:
    """Which of several masks it is; the one without a number comes first."""
    match = _MASK.fullmatch(split_suffix(path)[0])
    return int(match[2]) if match and match[2] else 0


def _renamed(found: list[FoundCase], root: Path) -> list[FoundCase]:
    """Give cases of several folders ids of their own; those of equal names get their folder's name in front."""
    ids = ids_of([case.files[0] for case in found], root)
    return [replace(case, id=name, patient=patient_of(name)) for case, name in zip(found, ids, strict=True)]
