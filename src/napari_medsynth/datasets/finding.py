"""The cases of a folder in whatever layout it has: :func:`find_cases`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, get_args

from ..core.errors import ConfigError, ReadError, shown
from ..core.settings import nearest
from ..io.names import format_of
from ..io.plainfile import read_json
from .exchange.decathlon import read_decathlon
from .exchange.listing import Entry, Listing, patient_of
from .exchange.monai import Monai
from .exchange.nifti_pairs import LISTED, TABLE, NiftiPairs
from .exchange.nnunet import NnUnet
from .exchange.spider import is_spider, read_spider
from .found import FoundCase
from .pairs import KNOWN, pairs_in
from .schema import METADATA, PLAN, SPLITS, UNFINISHED

StrPath = str | os.PathLike[str]

LayoutName = Literal["auto", "spider", "nnunet", "msd", "hdf5", "monai", "folder"]

#: Layouts that :func:`find_cases` reads.
LAYOUTS: tuple[str, ...] = get_args(LayoutName)

#: DICOM's words for what other tools call a modality.
_MODALITIES = {
    "ct": "CT",
    "mr": "MR",
    "mri": "MR",
    "t1": "MR",
    "t1w": "MR",
    "t2": "MR",
    "t2w": "MR",
    "flair": "MR",
    "us": "US",
    "ultrasound": "US",
}


def find_cases(source: StrPath, layout: str = "auto", *, labelled: bool = True) -> tuple[FoundCase, ...]:
    """Find the cases of a folder; no image is opened.

    Parameters
    ----------
    source
        A folder, or a datalist, an HDF5 file or one image.
    layout
        One of :data:`LAYOUTS`; ``"auto"`` takes what :func:`layout_of` finds.
    labelled
        Whether cases without labels are left out: nothing can be learned from or tested on them.

    Returns
    -------
    tuple of FoundCase
        In the order of the list or of their names. Those without an image have labels to render.

    Raises
    ------
    ReadError
        If there is none, a list cannot be trusted, or a case or a file is there twice.
    ConfigError
        If there is no such layout.
    """
    place = Path(source)
    if layout not in LAYOUTS:
        raise ConfigError(f"layout is {shown(layout)}; {nearest(str(layout), LAYOUTS)}")
    if not place.exists():
        raise ReadError(f"{place} does not exist; expected a folder of images and labels")
    name = layout_of(place) if layout == "auto" else layout
    found = _READERS[name](place)
    kept = tuple(case for case in found if case.labels is not None or not labelled)
    if not kept:
        raise ReadError(_nothing(place, name, len(found)))
    _require_distinct(kept, place)
    return kept


def layout_of(source: StrPath) -> str:
    """Return the layout that a folder or file has, by names alone; ``"folder"`` if it is none of the others."""
    place = Path(source)
    if place.is_file():
        return {".h5": "hdf5", ".json": "monai"}.get(place.suffix.lower(), "folder")
    if _is_hdf5(place):
        return "hdf5"
    if is_spider(place):
        return "spider"
    if (place / "imagesTr").is_dir() or (place / "labelsTr").is_dir():
        return "nnunet" if _is_nnunet(place) else "msd"
    if (place / "datalist.json").is_file() or (place / "dataset.json").is_file():
        return "monai"
    return "folder"


def _is_hdf5(place: Path) -> bool:
    has_split = any((place / f"{name}.h5").is_file() for name in SPLITS)
    return has_split or (place / UNFINISHED / PLAN).is_file() or (place / METADATA).is_file()


def _is_nnunet(place: Path) -> bool:
    """nnU-Net's lists name channels and, unlike the Decathlon's, no section of training cases."""
    path = place / "dataset.json"
    if path.is_file():
        return "training" not in read_json(path)
    return False


def _hdf5(place: Path) -> list[FoundCase]:
    from .folder import DatasetFolder
    from .reader import Split

    paths = [place] if place.is_file() else list(DatasetFolder.open(place).splits.values())
    found = []
    for path in paths:
        with Split.open(path) as split:
            found += [
                FoundCase(
                    id=name,
                    patient=_origin(name),
                    image=path if split.has_images else None,
                    labels=path if split.has_labels else None,
                    number=number,
                    modality=split.modality,
                    split=split.name,
                )
                for number, name in enumerate(split.case_ids)
            ]
    return found


def _origin(name: str) -> str:
    """Return the scan that a made case began with: ``<scan>_000012`` is named after it; ``case_000012`` after none."""
    stem, _, number = name.rpartition("_")
    return stem if number.isdigit() and stem not in ("", "case") else name


def _listed(read: Callable[[Path], Listing]) -> Callable[[Path], list[FoundCase]]:
    """Return what gives the cases of a listing."""

    def cases(place: Path) -> list[FoundCase]:
        listing = read(place)
        modality = _MODALITIES.get(listing.modality.lower(), listing.modality if listing.modality.isupper() else "")
        return [
            FoundCase(
                id=entry.id,
                patient=_patient(entry),
                image=entry.image,
                labels=entry.labels,
                modality=modality,
                split=entry.split,
                table=listing.table,
            )
            for entry in listing.entries
        ]

    return cases


def _patient(entry: Entry) -> str:
    """Return whose case it is; where a list says no more than a path, its name."""
    path = format_of(Path(entry.patient)) in KNOWN
    return patient_of(entry.id) if path or not entry.patient else entry.patient


def _folder(place: Path) -> list[FoundCase]:
    """Pairs; with our own lists beside them, as they say."""
    if (place / LISTED).is_file() or (place / TABLE).is_file():
        return _listed(lambda path: NiftiPairs().read(path, 0))(place)
    return pairs_in(place)


_READERS: dict[str, Callable[[Path], list[FoundCase]]] = {
    "spider": _listed(read_spider),
    "nnunet": _listed(lambda place: NnUnet().read(place, 0)),
    "msd": _listed(read_decathlon),
    "hdf5": _hdf5,
    "monai": _listed(lambda place: Monai().read(place, 0)),
    "folder": _folder,
}


def _nothing(place: Path, layout: str, images: int) -> str:
    if images:
        return f"{place} (read as layout {layout!r}) has {images} images and no label map; expected labels"
    looked = "case folders, images beside NAME_labels or NAME_mask, and images/ with labels/ or masks/"
    return f"{place} holds no case that could be found as layout {layout!r}; looked for {looked}"


def _require_distinct(cases: Iterable[FoundCase], place: Path) -> None:
    ids: set[str] = set()
    files: set[tuple[Path, int | None]] = set()
    for case in cases:
        if case.id in ids:
            raise ReadError(f"{place} has case {shown(case.id)} more than once; expected each case once")
        ids.add(case.id)
        for file in {(path, case.number) for path in case.files}:
            if file in files:
                raise ReadError(f"{place} has {file[0]} in two cases; expected each file once")
            files.add(file)
