"""SynthLung's four actions on a folder of the Medical Segmentation Decathlon, from labelled scans to made ones.

They keep SynthLung's folders, file names and listings::

    Task06_Lung/imagesTr|labelsTr/lung_001.nii.gz
      format   → source/source_msd_lung_001_image|label.nii.gz            + dataset.json
      seed     → seeds/seed_msd_lung_001_image|label.nii.gz               + dataset.json, index.json, thumbnails/
      host     → hosts/host_msd_lung_001_label.nii.gz                     + dataset.json
      generate → artificial_tumors/00-00/randomzied_images/image|label_N  + log/dataset.json

A scan with several tumors gives several seeds (``seed_msd_lung_001-1``, ``-2`` …). The label of a generated image
holds the scan's own tumors too; ``instances_N`` numbers the placed ones. A second run of ``generate`` goes to
``00-01``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from ..core.case import Case, case_id
from ..core.errors import HostError, MedsynthError, ReadError, SeedError
from ..core.labels import Label, LabelMap, LabelTable
from ..core.progress import Job, Progress
from ..core.rng import stream
from ..io import atomic_path, read_labels, read_volume, write_json, write_labels, write_volume
from .extract import extract_seeds
from .insert import InsertTumors
from .library import SeedLibrary
from .lungs import find_lungs
from .seed import Seed
from .synthlung import Entry, read_listing, write_listing
from .truth import TUMOR_COLOUR

SOURCE, SEEDS, HOSTS, ARTIFICIAL = "source", "seeds", "hosts", "artificial_tumors"
IMAGES = "randomzied_images"  #: SynthLung's own spelling

#: In Task06_Lung and in SynthLung's folders, 1 is tumor.
TUMOR = LabelTable((Label(1, "tumor", tissue="lesion", colour=TUMOR_COLOUR),))


@dataclass(frozen=True)
class Outcome:
    """What an action wrote, and a line for each case that it passed over or each lesion that found no place."""

    folder: Path
    written: int
    remarks: tuple[str, ...] = ()


def format_msd(source: Path, output: Path) -> Job[Outcome]:
    """Copy the labelled scans of ``Task06_Lung`` to ``output/source`` under SynthLung's names.

    Raises
    ------
    ReadError
        If the folder is not of that form, or a scan has no label.
    WriteError
        If a copy cannot be written.
    """
    pairs = _pairs(source)
    folder = output / SOURCE
    listed = []
    for done, (image, label) in enumerate(pairs):
        yield Progress(done, len(pairs), image.name)
        name = f"source_msd_{case_id(image.name.removesuffix('.nii.gz'))}"
        copies = (folder / f"{name}_image.nii.gz", folder / f"{name}_label.nii.gz")
        for original, copy in zip((image, label), copies, strict=True):
            with atomic_path(copy) as partial:
                shutil.copyfile(original, partial)
        listed.append(copies)
    write_listing(folder, "source", listed)
    return Outcome(folder, len(listed))


def cut_seeds(source: Path, output: Path) -> Job[Outcome]:
    """Cut every tumor out of the scans that ``source`` lists, into the library ``output/seeds``.

    Raises
    ------
    SeedError, ReadError
        If ``source`` has no usable listing, or none of its scans has a tumor.
    """
    entries = _listed(source)
    folder = output / SEEDS
    library = SeedLibrary.open(folder) if (folder / "index.json").exists() else SeedLibrary.create(folder)
    remarks, listed = [], []
    for done, entry in enumerate(entries):
        yield Progress(done, len(entries), entry.name)
        try:
            seeds = yield from _named_seeds(_case(entry))
        except MedsynthError as error:
            remarks.append(f"{entry.name}: no seed: {error}")
            continue
        library.add(seeds)
        names = [seed.info.id for seed in seeds]
        listed += [(folder / f"{n}_image.nii.gz", folder / f"{n}_label.nii.gz") for n in names]
    if not listed:
        raise SeedError(f"{source} gave no seed; {remarks[0]}")
    write_listing(folder, "seed", listed)
    return Outcome(folder, len(listed), tuple(remarks))


def find_hosts(source: Path, output: Path) -> Job[Outcome]:
    """Find the lungs of the scans that ``source`` lists: 1 right, 2 left, in ``output/hosts``.

    A scan without lungs is passed over and named in the outcome.
    """
    entries = _listed(source)
    folder = output / HOSTS
    remarks, listed = [], []
    for done, entry in enumerate(entries):
        yield Progress(done, len(entries), entry.name)
        try:
            lungs = find_lungs(read_volume(entry.image, modality="CT"))
        except HostError as error:
            remarks.append(f"{entry.name}: passed over: {error}")
            continue
        path = folder / f"host_{entry.name}_label.nii.gz"
        write_labels(lungs, path)
        listed.append((entry.image, path))
    if not listed:
        raise HostError(f"{source} lists {len(entries)} scans and none of them has lungs; {remarks[0]}")
    write_listing(folder, "host", listed)
    return Outcome(folder, len(listed), tuple(remarks))


def generate(source: Path, output: Path, step: InsertTumors, cases: int, seed: int) -> Job[Outcome]:
    """Place tumors from ``output/seeds`` in the hosts of ``output/hosts``; ``cases`` images.

    Every host is used once before one is used twice. Cases that already have tumors keep them.

    Raises
    ------
    HostError, SeedError, ReadError
        If there are no hosts or seeds yet; the action that makes them is named.
    """
    hosts = _hosts(output)
    sources = {entry.name: entry for entry in _listed(source)}
    step = replace(step, library=_library(output), value=1)
    folder = _next_run(output / ARTIFICIAL)
    order = stream(seed, 0, "generate").permutation(len(hosts))
    log: list[dict[str, Any]] = []
    remarks: list[str] = []
    for number in range(cases):
        host = hosts[int(order[number % len(hosts)])]
        yield Progress(number, cases, host.name)
        entry = sources.get(host.name)
        if entry is None:
            raise ReadError(f"{source} lists no scan {host.name!r}, which {output / HOSTS} has lungs of")
        case = step(replace(_case(entry), host=read_labels(host.label)), seed=seed, index=number)
        log.append(_written(case, folder, number, entry, host, output / SEEDS))
        remarks += [f"image_{number}: lesion {m['lesion']} not placed: {m['why']}" for m in log[-1]["not_placed"]]
    write_json(folder / "log" / "dataset.json", log)
    return Outcome(folder, cases, tuple(remarks))


def _pairs(source: Path) -> list[tuple[Path, Path]]:
    """Images and labels of a Decathlon folder; hidden files (``._x``) are not scans."""
    images = sorted(p for p in (source / "imagesTr").glob("*.nii.gz") if not p.name.startswith("."))
    if not images:
        raise ReadError(f"{source} holds no imagesTr/*.nii.gz; expected a folder such as Task06_Lung")
    for image in images:
        if not (source / "labelsTr" / image.name).is_file():
            raise ReadError(f"{image} has no label; expected {source / 'labelsTr' / image.name}")
    return [(image, source / "labelsTr" / image.name) for image in images]


def _listed(source: Path) -> tuple[Entry, ...]:
    """Return the scans that ``format`` wrote."""
    if not (source / "dataset.json").is_file():
        raise ReadError(f"{source / 'dataset.json'} does not exist; expected the folder that `tumor format` wrote")
    form, entries = read_listing(source)
    if form != "source":
        raise ReadError(f"{source / 'dataset.json'} lists {form}s; expected the folder that `tumor format` wrote")
    return entries


def _hosts(output: Path) -> tuple[Entry, ...]:
    if not (output / HOSTS / "dataset.json").is_file():
        raise HostError(f"{output / HOSTS} holds no hosts; expected those that `tumor host` writes")
    return read_listing(output / HOSTS)[1]


def _library(output: Path) -> Path:
    if not (output / SEEDS / "dataset.json").is_file():
        raise SeedError(f"{output / SEEDS} holds no seeds; expected those that `tumor seed` writes")
    return output / SEEDS


def _case(entry: Entry) -> Case:
    labels = read_labels(entry.label)
    return Case(
        id=case_id(entry.name),
        image=read_volume(entry.image, modality="CT"),
        labels=LabelMap(labels.array, labels.affine, TUMOR),
    )


def _named_seeds(case: Case) -> Job[tuple[Seed, ...]]:
    """Cut out the tumors of a case and give them SynthLung's names."""
    seeds = yield from extract_seeds(case, (1,), organ="lung")
    one = len(seeds) == 1
    names = [f"seed_{case.id}" if one else f"seed_{case.id}-{seed.info.component}" for seed in seeds]
    return tuple(replace(s, info=replace(s.info, id=name)) for s, name in zip(seeds, names, strict=True))


def _next_run(folder: Path) -> Path:
    """Return the first of ``00-00``, ``00-01`` … that is not there yet."""
    return next(run for n in count() if not (run := folder / f"00-{n:02d}").exists())


def _written(case: Case, folder: Path, number: int, entry: Entry, host: Entry, seeds: Path) -> dict[str, Any]:
    """Write a generated case and return its line in the log."""
    paths = {part: folder / IMAGES / f"{part}_{number}.nii.gz" for part in ("image", "label", "instances")}
    params = case.history[-1].params
    if case.image is not None and case.labels is not None and case.instances is not None:
        write_volume(case.image, paths["image"], history=case.history)
        write_labels(case.labels, paths["label"])
        write_labels(case.instances, paths["instances"])
    used = [lesion["seed_id"] for lesion in params["lesions"]]
    return {
        "image": str(entry.image),
        "label": str(entry.label),
        "image_mask": str(host.label),
        "seed_image": [str(seeds / f"{name}_image.nii.gz") for name in used],
        "seed_label": [str(seeds / f"{name}_label.nii.gz") for name in used],
        "randomized_image": str(paths["image"]),
        "randomized_label": str(paths["label"]),
        "randomized_instances": str(paths["instances"]),
        "not_placed": list(params["not_placed"]),
    }
