"""Scans to try a training with, when there are none: lumbar spines of phantoms, laid out as SPIDER's data are.

::

    images/images/1_t1.mha   masks/masks/1_t1.mha
    images/images/1_t2.mha   masks/masks/1_t2.mha   …

Nobody's anatomy is in them: what a network reaches on them says that training works, and nothing of patients.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..core.box import Box
from ..core.case import Case
from ..core.errors import ReadError, WriteError
from ..core.labels import LabelMap
from ..core.progress import Job, Progress
from ..core.schemes import scheme
from ..core.volume import Volume
from ..io import atomic_folder, write_json, write_labels, write_volume
from ..io.plainfile import read_json
from ..phantom.step import Phantom
from ..rendering.flip import Flip
from ..rendering.resolution import Resolution
from ..rendering.step import Render
from ..rendering.warp import Warp

FORMAT = "napari-medsynth dummy data"

#: What says that a folder holds nothing but dummy data; written with them, so it is there only if they all are.
MARKER = "dummy.json"

#: Voxels of each phantom, z, y, x: 1.5 mm, and so fine from right to left that slices can be made of them.
SIZE = (173, 100, 96)

#: The least width of slices from right to left, in mm, and how many are kept about the spine, as in SPIDER's scans.
_THICKNESS, _SLICES = 4.5, 17

#: Vertebrae of the phantom from below; SPIDER counts them so, with disc 1 below vertebra 1.
_VERTEBRAE = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9", "T8")
_CANAL, _DISC = 100, 200

_PRESETS = {"t1": "spine-t1", "t2": "spine-t2"}


def is_dummy(folder: Path) -> bool:
    """Whether a folder holds dummy data."""
    try:
        return read_json(folder / MARKER).get("format") == FORMAT
    except ReadError:
        return False


def dummy_data(folder: Path, *, patients: int = 10, size: tuple[int, int, int] = SIZE, seed: int = 42) -> Job[Path]:
    """Make scans and masks of phantoms, T1 and T2 of each; dummy data that are there already are kept.

    Parameters
    ----------
    folder
        Where to: a new or an empty folder, or one of dummy data.
    patients
        How many phantoms.
    size
        Voxels of each, z, y, x, over 260 × 150 × 150 mm; slices are made of those along x.
    seed
        Seed of all random draws.

    Returns
    -------
    Job
        Yields after each phantom; returns ``folder``. If it is stopped, nothing is left.

    Raises
    ------
    WriteError
        If the folder holds anything else, or cannot be written.
    """
    if is_dummy(folder):
        return folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WriteError(f"{folder} holds files that are no dummy data; expected a new or empty folder for these")
    with atomic_folder(folder) as temp:
        for number in range(1, patients + 1):
            yield Progress(number - 1, patients, f"making patient {number}")
            body = dummy_body(number, size=size, seed=seed)
            for contrast in _PRESETS:
                case = dummy_scan(body, contrast, seed=seed, index=number)
                write_volume(cast("Volume", case.image), temp / "images" / "images" / f"{number}_{contrast}.mha")
                write_labels(cast("LabelMap", case.labels), temp / "masks" / "masks" / f"{number}_{contrast}.mha")
        write_json(temp / MARKER, {"format": FORMAT, "patients": patients, "size": list(size), "seed": seed})
    return folder


def dummy_body(number: int, *, size: tuple[int, int, int] = SIZE, seed: int = 42) -> Case:
    """Make the lumbar region of one phantom: a label map with all organs."""
    step = Phantom(anatomy="torso", region="lumbar spine", image_size=size, scenario="normal_complete")
    made = step(Case(id=f"dummy-{number}"), seed=seed, index=number)
    return replace(made, image=None, history=())


def dummy_scan(body: Case, contrast: str, *, seed: int = 42, index: int = 0) -> Case:
    """Take one scan of a phantom, as sagittal slices, with SPIDER's labels of the spine.

    Parameters
    ----------
    body
        What :func:`dummy_body` made.
    contrast
        ``"t1"`` or ``"t2"``.
    seed, index
        Seed and number of the random draws.

    Returns
    -------
    Case
        Image of whole numbers, and labels: vertebrae 1, 2 … and discs 201, 202 … from below, the canal 100.
    """
    spacing = cast("LabelMap", body.labels).spacing
    wide = float(max(_THICKNESS, spacing[2]))
    step = Render(
        preset=_PRESETS[contrast],
        warp=Warp(prob=0),
        flip=Flip(prob=0),
        grid="acquisition",
        resolution=Resolution(prob_iso=0, prob_min=0, aniso=(wide, wide), slices="sagittal"),
    )
    made = step(body, seed=seed, index=2 * index + (contrast == "t2"))
    whole, labels = cast("Volume", made.image), cast("LabelMap", made.labels)
    spine = LabelMap(spider_values(labels), labels.affine, scheme("spider"))
    box = _about_canal(spine)
    image = whole.crop(box)
    array = np.round(image.array * (1000 / max(float(image.array.max()), 1e-6))).astype(np.int16)
    return Case(id=f"{body.id}-{contrast}", image=replace(image, array=array), labels=spine.crop(box))


def spider_values(labels: LabelMap) -> npt.NDArray[np.uint8]:
    """Return the values that SPIDER gives the vertebrae, discs and canal of a phantom, ``(z, y, x)``."""
    table, array = labels.table, labels.array
    found = np.zeros(array.shape, np.uint8)
    for number, name in enumerate(_VERTEBRAE, 1):
        found[np.isin(array, table.values_of(name=name))] = number
    found[np.isin(array, table.values_of(name="spinal_canal"))] = _CANAL
    discs, count = ndimage.label(np.isin(array, table.values_of(name="intervertebral_discs")))
    heights = [centre[0] for centre in ndimage.center_of_mass(discs > 0, discs, range(1, count + 1))]
    for rank, part in enumerate(np.argsort(heights), 1):  # z runs to the head
        found[discs == part + 1] = _DISC + rank
    return found


def _about_canal(labels: LabelMap) -> Box:
    """The slices about the middle of the canal."""
    columns = np.flatnonzero((labels.array == _CANAL).any(axis=(0, 1)))
    start = max(0, round(float(columns.mean())) - _SLICES // 2)
    return Box((0, 0, start), (*labels.shape[:2], min(start + _SLICES, labels.shape[2])))
