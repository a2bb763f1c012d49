"""Nodules: a detector that learned from inserted tumors, tested on real ones that it never saw.

    python benchmarks/results/nodules.py [--seeds 1 2 3] [--output DIR] [--steps SHARE]

Model A learns from tumors made of numbers, inserted into the lungs of made chests and of ``lung4d_113``: it never sees
a real nodule. Model B learns from the real nodules of ``node21_nodules``, in two halves: each is tested by a model that
did not see it. A candidate is a connected part where the network's probability is above 0.1; it hits if it shares a
voxel with the nodule. Each test scan is a cube of 50 mm about one nodule: false positives are of that much lung,
not of a whole chest. Every cube has its nodule in the middle, which B may have learned and A cannot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from common import DATA, arguments, fitted, grid, keep, named, save, segmented, table
from scipy import ndimage

from napari_medsynth import Case, InsertTumors, Phantom, Volume
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.metrics import froc, match_lesions
from napari_medsynth.metrics.detection import OPERATING_POINTS, Hits
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.settings import Augment, TrainSettings
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.tumor.lungs import find_lungs
from napari_medsynth.tumor.morph import Variation

NODULE, NAMES = 1, {1: "nodule"}
INPUTS = InputSpec(
    kind="slab", plane="axial", slab=5, spacing=(1.0, 1.0), patch=(48, 48), intensity="window", window=(-1000, 400)
)
THRESHOLD = 0.1
POINTS = (0.25, 0.5, 1.0, 2.0, 4.0)


def main() -> None:
    """Train, test, print."""
    options = arguments(__doc__, "nodules")
    folder = options.output
    inserted(folder / "inserted", made_chests=4, real_chests=2)
    real = nodules(folder / "node21")
    made = find_cases(folder / "inserted")
    halves = [real[::2], real[1::2]]
    rows, curves = [], {}
    for seed in options.seeds:
        fit = FitSettings(
            epochs=16, steps_per_epoch=max(1, round(40 * options.steps)), batch_size=16, lr=2e-3, seed=seed, threads=1
        )
        settings = TrainSettings(
            source="real", inputs=INPUTS, network=NetworkSettings(base_features=8), augment=Augment(noise=0.06), fit=fit
        )
        a = fitted(folder, f"a_{seed}", made[:-1], made[-1:], settings)
        half = replace(settings, fit=replace(fit, epochs=8))
        b = [fitted(folder, f"b_{seed}_{n}", halves[n], (), half) for n in (0, 1)]
        curves[f"A {seed}"] = froc([hits(a, case.read()) for case in real], seed=0)
        curves[f"B {seed}"] = froc([hits(b[1 - n], c.read()) for n in (0, 1) for c in halves[n]], seed=0)
    for name, curve in curves.items():
        at = dict(zip(OPERATING_POINTS, curve.sensitivities, strict=True))
        rows.append([name, *(f"{at[p].estimate:.2f} ({at[p].low:.2f} … {at[p].high:.2f})" for p in POINTS)])
    head = ["model, seed", *(f"{p:g} false positives a cube" for p in POINTS)]
    table(f"Sensitivity (95 % interval over nodules), {len(real)} nodules", head, rows)
    save(folder, "nodules.json", {name: curve.to_json() for name, curve in curves.items()})


def inserted(folder: Path, made_chests: int, real_chests: int) -> None:
    """Write scans with twenty made tumors each in the lungs, at 1 mm."""
    step = InsertTumors(count=(20, 20), variation=Variation(size="nodule"))
    chest = Phantom(
        anatomy="torso", region="thorax", image_size=(120, 260, 360), spacing=(1.0,) * 3, scenario="normal_complete"
    )
    real = None
    for index in range(made_chests + real_chests):
        name = f"inserted{index:02d}"
        if (folder / name).exists():
            continue
        if index < made_chests:
            host = chest(Case(id=name), seed=1, index=index)
        else:
            host = real = real or real_chest()
        made = step(host, seed=1, index=index)
        mask = (made.instances.array > 0).astype(np.uint8)
        keep(folder, replace(made, id=name, labels=named(mask, made.image.affine, NAMES), instances=None))


def real_chest() -> Case:
    """Return the lungs of the one real scan at 1 mm, with room for tumors away from its own."""
    scan = read_volume(DATA / "lung4d_113" / "113_HM10395_ct.nii.gz")
    tumor = read_labels(DATA / "lung4d_113" / "113_HM10395_label.nii.gz").array == 1
    tumor = ndimage.binary_dilation(tumor, iterations=4)
    lung = (find_lungs(scan).array > 0) & ~tumor
    box = tuple(slice(max(0, s.start - 4), s.stop + 4) for s in ndimage.find_objects(lung.astype(np.uint8))[0])
    image = ndimage.zoom(np.where(tumor, -850, scan.array)[box].astype(np.float32), scan.spacing, order=1)
    organ = ndimage.zoom(lung[box].astype(np.uint8), scan.spacing, order=0)
    affine = grid((1.0, 1.0, 1.0), "SPL")
    return Case(id="host", image=Volume(image.astype(np.int16), affine, "CT"), host=LabelMap(organ, affine))


def nodules(folder: Path) -> tuple[object, ...]:
    """Write the real nodules as cases; return them."""
    for path in sorted((DATA / "node21_nodules").glob("*_image.mha")):
        mask = read_labels(path.with_name(path.name.replace("_image", "_label")))
        labels = named((mask.array > 0).astype(np.uint8), mask.affine, NAMES)
        keep(folder, Case(id=path.name.removesuffix("_image.mha"), image=read_volume(path), labels=labels))
    return find_cases(folder)


def hits(model: object, case: Case) -> Hits:
    """Return the candidates of a cube and what they hit."""
    made = segmented(model, case.image, uncertainty=True)
    sure = probability(made.labels.array == NODULE, made.uncertainty.array)
    candidates = LabelMap((sure > THRESHOLD).astype(np.uint8), case.image.affine)
    score = Volume(sure, case.image.affine)
    return match_lesions(case.labels, candidates, score, patient=case.id, min_voxels=5)


def probability(chosen: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """Return the probability of a nodule: of two classes, the entropy and which one is likelier determine it."""
    below = np.linspace(1e-9, 0.5, 1 << 14)
    bits = -(below * np.log2(below) + (1 - below) * np.log2(1 - below))
    unlikely = np.interp(entropy, bits, below)
    return np.where(chosen, 1 - unlikely, unlikely).astype(np.float32)


if __name__ == "__main__":
    main()
