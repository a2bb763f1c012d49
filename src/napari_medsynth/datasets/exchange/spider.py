"""The layout of SPIDER's lumbar spine MR.

::

    data/
      images/images/1_t1.mha, 1_t2.mha, 1_t2_SPACE.mha …    or images/1_t1.mha …
      masks/masks/1_t1.mha …                                or masks/1_t1.mha …

Before the underscore is the number of the patient (van der Graaf et al., Scientific Data 11:264, 2024).
"""

from __future__ import annotations

import re
from pathlib import Path

from ...core.case import case_id
from ...core.errors import ReadError
from ...core.schemes import scheme
from ...io.names import ITK, NIFTI
from .listing import Entry, Listing, images_in

_NAME = re.compile(r"(\d+)_(t1|t2|t2_space)", re.IGNORECASE)


def spider_folders(source: Path) -> tuple[Path, Path]:
    """Return the folders of images and masks, whether there are any or not."""
    images, masks = source / "images", source / "masks"
    return (inner if (inner := images / "images").is_dir() else images), (
        inner if (inner := masks / "masks").is_dir() else masks
    )


def is_spider(source: Path) -> bool:
    """Whether a folder has SPIDER's names in SPIDER's places."""
    return any(
        _NAME.fullmatch(path.name.partition(".")[0]) for folder in spider_folders(source) for path in _in(folder)
    )


def read_spider(source: Path) -> Listing:
    """List the scans; a mask without a scan is a case too.

    Raises
    ------
    ReadError
        If there is none, or a link among them.
    """
    folders = spider_folders(source)
    images, masks = (
        {stem: path for stem, path in images_in(folder, (*NIFTI, *ITK)).items() if _NAME.fullmatch(stem)}
        for folder in folders
    )
    names = sorted({**images, **masks}, key=lambda stem: (int(stem.partition("_")[0]), stem))
    if not names:
        looked = f"{folders[0]} and {folders[1]}"
        raise ReadError(
            f"{source} holds no scan of SPIDER; looked for 1_t1.mha, 1_t2.mha, 1_t2_SPACE.mha … in {looked}"
        )
    entries = tuple(
        Entry(id=case_id(name), image=images.get(name), labels=masks.get(name), patient=name.partition("_")[0])
        for name in names
    )
    return Listing(source=source, entries=entries, table=scheme("spider"), modality="MR")


def _in(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
