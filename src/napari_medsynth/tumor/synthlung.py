"""The folders of SynthLung: a ``dataset.json`` that lists images and labels, in its three forms.

Its seeds are what lies inside the box around *all* labelled voxels of a case, with −1024 everywhere outside the
label, so that several lesions share a file, nothing is known of their surroundings, and their place in the scan is
lost. They are taken apart here, one seed per connected component; that they lie at the scan's corner stays wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, TypeGuard

import numpy as np

from ..core.case import Case, case_id
from ..core.errors import MedsynthError, SeedError, WriteError, shown
from ..core.labels import LabelMap
from ..core.progress import finish
from ..core.volume import Volume
from ..io import read_labels, read_volume, write_text
from ..io.plainfile import MAX_JSON, reading
from .extract import LEAST_MARGIN, extract_seeds
from .seed import LESION, Seed, checksum

LISTING = "dataset.json"

Form = Literal["source", "seed", "host"]

#: What the two paths of an entry are called in each form.
KEYS: dict[Form, tuple[str, str]] = {
    "source": ("image", "label"),
    "seed": ("seed_image", "seed_label"),
    "host": ("host_image", "host_label"),
}

#: What SynthLung writes where it has cut the scan away.
PADDING = -1024

#: HU of aerated lung, for a seed that kept nothing of its surroundings: the median of the 2 to 4 mm ring of 24
#: nodules of LUNA16 lies at −835, that of the parenchyma of a scan of NSCLC-Radiomics at −865.
TYPICAL_LUNG = -850.0

_LONGEST_PATH = 4096


@dataclass(frozen=True)
class Entry:
    """One line of a listing: an image, its labels, and the name they share, e.g. ``"msd_lung_001"``."""

    name: str
    image: Path
    label: Path


def is_synthlung(folder: Path) -> bool:
    """Whether a folder holds a listing."""
    return (folder / LISTING).is_file()


def read_listing(folder: Path) -> tuple[Form, tuple[Entry, ...]]:
    """Read the listing of a folder.

    SynthLung writes paths as seen from where it ran. A file of that name beside the listing goes first, so that a
    folder that was moved opens its own files; else the path counts from the working directory. Absolute paths, and
    those that climb with ``..``, are only looked for beside the listing.

    Raises
    ------
    ReadError
        If it cannot be read.
    SeedError
        If it is damaged or of none of the three forms.
    """
    path = folder / LISTING
    found = _read_list(path)
    form = next((f for f, keys in KEYS.items() if isinstance(found[0], dict) and set(keys) <= set(found[0])), None)
    if form is None:
        raise SeedError(f"{path} begins with {shown(found[0])}; expected keys {' or '.join(map(str, KEYS.values()))}")
    return form, tuple(_entry(path, value, form) for value in found)


def write_listing(folder: Path, form: Form, pairs: Sequence[tuple[Path, Path]]) -> Path:
    """Write the listing of images and their labels as SynthLung does; returns its path.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    image, label = KEYS[form]
    entries = [{image: str(a), label: str(b)} for a, b in pairs]
    write_text(folder / LISTING, json.dumps(entries, indent=4))
    return folder / LISTING


def seeds_of(entry: Entry, form: Form) -> tuple[Seed, ...]:
    """Cut the lesions out of one entry of a listing of seeds or of labelled scans.

    In a scan the lesions are the value 1, as SynthLung has it, or the only value there is; in a seed every value is
    lesion. A seed without surroundings is classed as isolated and gets :data:`TYPICAL_LUNG` as the HU of its ring.

    Raises
    ------
    ReadError, LabelError, GridError
        If a file cannot be read, or the two do not belong together.
    SeedError
        If there is no lesion.
    """
    image, labels = read_volume(entry.image, modality="CT"), read_labels(entry.label)
    image.require_same_grid(labels, entry.image.name, entry.label.name)
    bare = False
    if form == "seed":
        labels = replace(labels, array=labels.array > 0)
        bare = bool((image.array[labels.array == 0] == PADDING).all())
    if bare:
        image, labels = _padded(image, labels)
    case = Case(id=case_id(entry.name), image=image, labels=labels)
    values = (1,) if (labels.array == 1).any() else None
    seeds = finish(extract_seeds(case, values, organ="lung"))
    return tuple(_without_surroundings(seed) for seed in seeds) if bare else seeds


def store_seeds(folder: Path, store: Callable[[tuple[Seed, ...]], object]) -> list[str]:
    """Cut out the lesions of every entry of a folder and hand them to ``store``, one entry at a time.

    Returns
    -------
    list of str
        One line for each entry that has no usable seed.

    Raises
    ------
    SeedError
        If the listing is damaged or lists hosts, or no entry has a usable seed; the first reason is given.
    """
    form, entries = read_listing(folder)
    if form == "host":
        raise SeedError(f"{folder / LISTING} lists hosts; expected seeds or labelled scans")
    problems = []
    for entry in entries:
        try:
            store(seeds_of(entry, form))
        except WriteError:
            raise
        except MedsynthError as error:
            problems.append(f"{folder / LISTING}: {entry.name} has no usable seed: {error}")
    if len(problems) == len(entries):
        raise SeedError(problems[0])
    return problems


def _padded(image: Volume, labels: LabelMap) -> tuple[Volume, LabelMap]:
    """Give a tight crop the margin that seeds have, so that the lesion's surface lies inside the crop."""
    margin = [math.ceil(LEAST_MARGIN / s) for s in image.spacing]
    affine = image.affine.shifted([-n for n in margin])
    around = [(n, n) for n in margin]
    padded = np.pad(image.array, around, constant_values=PADDING)
    return Volume(padded, affine, image.modality), LabelMap(np.pad(labels.array, around), affine, labels.table)


def _without_surroundings(seed: Seed) -> Seed:
    """Blank what is not this lesion, other lesions included: a ring of them says nothing of the host."""
    alone = np.where(seed.mask.array == LESION, seed.image.array, seed.image.array.dtype.type(PADDING))
    image = replace(seed.image, array=alone)
    info = replace(seed.info, ring_hu=TYPICAL_LUNG, attachment="isolated", sha256=checksum(image, seed.mask))
    return Seed(image=image, mask=seed.mask, info=info)


def _read_list(path: Path) -> list[object]:
    with reading(path):
        if path.stat().st_size > MAX_JSON:
            raise SeedError(f"{path} has {path.stat().st_size} bytes; expected at most {MAX_JSON}")
        data = path.read_bytes()
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SeedError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(found, list) or not found:
        raise SeedError(f"{path} holds {shown(found)}; expected a list of images with their labels")
    return found


def _entry(path: Path, value: object, form: Form) -> Entry:
    listed = value if isinstance(value, dict) else {}
    texts = [text for key in KEYS[form] if _is_path(text := listed.get(key))]
    if len(texts) != 2:
        raise SeedError(f"{path} lists {shown(value)}; expected paths under {' and '.join(KEYS[form])}")
    image, label = (_resolved(path, text) for text in texts)
    return Entry(_shared_name(image.name), image, label)


def _is_path(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH and value.isprintable()


def _resolved(listing: Path, text: str) -> Path:
    """Return where a listed path lies; whether there is a file is seen when it is read."""
    listed = PurePosixPath(text.replace("\\", "/"))
    beside = listing.parent / listed.name
    if beside.is_file() or listed.is_absolute() or ".." in listed.parts:
        return beside
    return Path.cwd() / listed


def _shared_name(file: str) -> str:
    """``seed_msd_lung_001_image.nii.gz`` is called ``msd_lung_001``."""
    stem = re.sub(r"(\.nii(\.gz)?|\.mha|\.nrrd)$", "", file)
    return re.sub(r"_image$", "", re.sub(r"^(source|seed|host)_", "", stem))
