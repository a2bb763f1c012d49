"""How real inserted nodules look: HU across the contour, and what a classifier can tell.

``python benchmarks/realism.py --data DIR [--picture FILE]``; ``DIR`` holds ``node21_nodules``: 24 patches of lung at
1 mm, each with the contour of its nodule.

*Real* are the nodules in their own patches. *Inserted* is each seed, put by the step `InsertTumors` into the free
lung of other patches, with a place of the kind that it came from (isolated, at the wall, at a vessel). Features are
measured in the same way on both: on the image and the mask that ships. A third classifier also sees how fine the
noise is; it can tell that a seed comes from another scanner, whatever the blending.

How they are told apart, and by what, stands in `classifiers.py` and `features.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from classifiers import JUDGES, Sample, classify, folds, interval
from features import DISTANCES, Mask, Nodule
from scipy import ndimage

from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.tumor.blend import Blend
from napari_medsynth.tumor.extract import extract_seeds
from napari_medsynth.tumor.insert import InsertTumors
from napari_medsynth.tumor.library import SeedLibrary
from napari_medsynth.tumor.morph import Variation
from napari_medsynth.tumor.place import Placement
from napari_medsynth.tumor.seed import LESION, Seed

UNCHANGED = Variation(
    scale=(1, 1), stretch=(1, 1), rotation_deg=0, tilt_deg=0, flip=False, elastic=(0, 0), hu_shift=(0, 0)
)
BLENDS = {"ours": Blend(), "distance": Blend(method="distance"), "poisson": Blend(method="poisson")}
RAW = "hard paste"
_SMALLEST_ML = 0.02


@dataclass(frozen=True, eq=False)
class Patch:
    """One patch with its nodule, its lung and the seed cut from it."""

    case: Case
    seed: Seed


def load(folder: Path) -> list[Patch]:
    """Every patch with a nodule of more than a few voxels."""
    table = LabelTable((Label(1, "nodule", "lesion"),))
    patches = []
    for path in sorted(folder.glob("nodule_*_image.mha")):
        image = read_volume(path)
        labels = read_labels(path.with_name(path.name.replace("_image", "_label")))
        nodule = labels.mask(1)
        name = path.name.removesuffix("_image.mha")
        case = Case(
            id=name, image=replace(image, modality="CT"), labels=LabelMap(labels.array, labels.affine, table),
            host=LabelMap(lung(image, nodule), image.affine),
        )  # fmt: skip
        seeds = finish(extract_seeds(case, min_ml=_SMALLEST_ML, organ="lung"))
        patches.append(Patch(case, max(seeds, key=lambda s: s.info.volume_ml)))
    return patches


def lung(image: Volume, nodule: Mask) -> Mask:
    """Lung in a patch, with its vessels: a patch of 50 mm is too small a view for `find_lungs`."""
    labels, _ = ndimage.label(image.array < -500)
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    air = np.pad((sizes > 2000)[labels], 6, mode="edge")
    ball = np.linalg.norm(np.indices((7, 7, 7)) - 3, axis=0) <= 3.2
    closed = ndimage.binary_closing(air, ball)[(slice(6, -6),) * 3]
    return closed | ndimage.binary_fill_holes(closed | nodule)


def place(patches: list[Patch], variation: Variation, library: Path) -> Iterator[tuple[int, int, InsertTumors, dict]]:
    """Draw an insertion of each seed into each patch that shares a fold with it; those without room are left out."""
    fold = folds(len(patches))
    everyone = tuple(p.seed.info.patient for p in patches)
    for a, source in enumerate(patches):
        step = InsertTumors(
            library=library, count=(1, 1), variation=variation,
            exclude_patients=tuple(p for p in everyone if p != source.seed.info.patient),
            placement=Placement(wall=source.seed.info.attachment),
        )  # fmt: skip
        for b, host in enumerate(patches):
            if a != b and (fold[:, a] == fold[:, b]).any():
                params = step.draw(host.case, np.random.default_rng([a, b]))
                if params["lesions"]:
                    yield a, b, step, params


def insert(case: Case, step: InsertTumors, params: dict, blend: Blend) -> tuple[npt.NDArray[np.generic], Mask]:
    """Apply a drawn insertion with another way to blend; image and mask."""
    entry = params["lesions"][0]
    how = replace(blend, seed=entry["blend"]["seed"])
    made = step.apply(case, {**params, "lesions": [{**entry, "blend": how.to_json()}]})
    return made.image.array, made.instances.array == entry["instance"]


def paste(case: Case, seed: Seed, params: dict) -> tuple[npt.NDArray[np.generic], Mask]:
    """The seed's voxels as they are, written over the host's: what SynthLung's pipeline does."""
    lesion = np.argwhere(seed.mask.mask(LESION))
    start = np.rint(np.asarray(params["lesions"][0]["centre"]) - lesion.mean(axis=0)).astype(int)
    there = lesion + start
    fits = ((there >= 0) & (there < case.image.shape)).all(axis=1)
    image, mask = case.image.array.copy(), np.zeros(case.image.shape, dtype=bool)
    image[tuple(there[fits].T)] = seed.image.array[tuple(lesion[fits].T)]
    mask[tuple(there[fits].T)] = True
    return image, mask


def measured(patches: list[Patch]) -> dict[str, list[Sample]]:
    """Samples of every kind by name."""
    found: dict[str, list[Sample]] = {"real": []}
    for n, patch in enumerate(patches):
        found["real"].append(measure(n, n, patch.case.image.array, patch.case.labels.mask(1)))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "seeds"
        SeedLibrary.create(library).add(p.seed for p in patches)
        for a, b, step, params in place(patches, Variation(), library):
            for name, blend in BLENDS.items():
                _keep(found, name, a, b, insert(patches[b].case, step, params, blend))
        for a, b, step, params in place(patches, UNCHANGED, library):
            _keep(found, "ours, not morphed", a, b, insert(patches[b].case, step, params, Blend()))
            _keep(found, RAW, a, b, paste(patches[b].case, patches[a].seed, params))
    return found


def measure(source: int, host: int, image: npt.NDArray[np.generic], mask: Mask) -> Sample:
    """What is measured of one nodule."""
    nodule = Nodule(image, mask)
    features, noise = (np.array(list(found.values())) for found in (nodule.features(), nodule.noise()))
    return Sample(source, host, nodule.profile(), features, noise, _axial(image, mask))


def _keep(
    found: dict[str, list[Sample]], name: str, a: int, b: int, made: tuple[npt.NDArray[np.generic], Mask]
) -> None:
    if made[1].sum() >= 15:
        found.setdefault(name, []).append(measure(a, b, *made))


def profile(samples: list[Sample], like: dict[int, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Median over seeds of each seed's median; only of distances that the real nodule of that seed has."""
    rows = []
    for source in sorted({s.source for s in samples}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # distances that no nodule of this seed has
            own = np.nanmedian([s.profile for s in samples if s.source == source], axis=0)
        rows.append(np.where(np.isnan(like[source]), np.nan, own))
    return np.nanmedian(rows, axis=0)


def report(found: dict[str, list[Sample]], patches: int) -> None:
    """Print both tables."""
    like = {s.source: s.profile for s in found["real"]}
    real = profile(found["real"], like)
    print("\nMedian HU by signed distance to the contour (mm, negative inside); worst: largest gap to real")
    print(f"{'':20}" + "".join(f"{d:+7d}" for d in DISTANCES) + "    worst")
    for name, samples in found.items():
        values = profile(samples, like)
        worst = "" if name == "real" else f"{np.abs(values - real).max():9.0f}"
        print(f"{name:20}" + "".join(f"{v:7.0f}" for v in values) + worst)
    print("\nReal against inserted: AUC (95 % interval); 0.5 is a guess")
    print(f"{'':20}{'inserted':>8}   " + "".join(f"{judge.name:22}" for judge in JUDGES).rstrip())
    for name, samples in found.items():
        if name != "real":
            cells = [interval(classify(found["real"], samples, judge, patches), patches) for judge in JUDGES]
            texts = "".join(f"{f'{auc:.2f} ({low:.2f}–{high:.2f})':22}" for auc, low, high in cells)
            print(f"{name:20}{len(samples):8}   {texts.rstrip()}", flush=True)


def _axial(image: npt.NDArray[np.generic], mask: Mask) -> npt.NDArray[np.float32]:
    """41 × 41 mm of the slice in which the nodule is largest, centred on it."""
    z = int(mask.sum(axis=(1, 2)).argmax())
    y, x = np.argwhere(mask[z]).mean(axis=0).astype(int)
    return np.pad(image[z].astype(np.float32), 20, constant_values=-1024)[y : y + 41, x : x + 41]


def draw(found: dict[str, list[Sample]], path: Path) -> None:
    """Write a picture with a row for every other seed: the real nodule, ours, ours not morphed, one pasted hard."""
    from PIL import Image

    rows = []
    for source in [s.source for s in found["real"]][::2]:
        row = [next(s.picture for s in found["real"] if s.source == source)]
        for name, count in (("ours", 3), ("ours, not morphed", 2), (RAW, 1)):
            own = [s.picture for s in found[name] if s.source == source][::3][:count]
            row += own + [np.full((41, 41), -1350.0)] * (count - len(own))
        rows.append(np.hstack(row))
    grey = np.clip((np.vstack(rows) + 1350) / 1500 * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST).save(path)
    print(f"\n{path}: real, three of ours, two of ours not morphed, one pasted hard; a row for each seed")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("MEDSYNTH_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default), help="folder that holds node21_nodules")
    parser.add_argument("--picture", type=Path, help="also write a PNG of real and inserted nodules side by side")
    args = parser.parse_args()
    patches = load(args.data / "node21_nodules")
    if not patches:
        parser.error(f"{args.data / 'node21_nodules'} holds no nodule_*_image.mha")
    found = measured(patches)
    report(found, len(patches))
    if args.picture is not None:
        draw(found, args.picture)


if __name__ == "__main__":
    main()
