"""The layout of the Medical Segmentation Decathlon (Antonelli et al., Nature Communications 13:4128, 2022).

::

    Task06_Lung/
      dataset.json                     lists images and labels, and says what values mean
      imagesTr/lung_001.nii.gz, labelsTr/lung_001.nii.gz
      imagesTs/lung_002.nii.gz         no labels

Without ``dataset.json``, images and labels of the same names belong together.
"""

from __future__ import annotations

from pathlib import Path

from ...core.case import case_id
from ...core.errors import ReadError
from .listing import Entry, Listing, images_in, patient_of
from .monai import Monai

LIST = "dataset.json"


def read_decathlon(source: Path) -> Listing:
    """List the cases; those of ``imagesTs`` are for testing.

    Raises
    ------
    ReadError
        If there is none, or the list cannot be trusted.
    """
    if (source / LIST).is_file():
        return Monai().read(source / LIST, 0)
    entries = []
    for part in ("Tr", "Ts"):
        images, labels = images_in(source / f"images{part}"), images_in(source / f"labels{part}")
        entries += [
            Entry(
                id=case_id(name),
                image=images.get(name),
                labels=labels.get(name),
                split="test" if part == "Ts" else "",
                patient=patient_of(name),
            )
            for name in sorted({**images, **labels})
        ]
    if not entries:
        raise ReadError(f"{source} holds no case; looked for {LIST}, and for images in imagesTr and labelsTr")
    return Listing(source=source, entries=tuple(entries))
