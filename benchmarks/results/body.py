"""Lungs and organs learned from made anatomy alone, and found in real CT.

    python benchmarks/results/body.py [--seeds 1 2 3] [--output DIR] [--steps SHARE]

Model A learns from label maps of phantoms only, rendered as CT on the fly. Model B learns from the one labelled real CT
that is at hand, ``totalseg_ct``. Both are tested on the chest of ``lung4d_113``, whose lungs are those that
``find_lungs`` finds; A is also tested on ``totalseg_ct``, whose labels are predictions of another tool.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from common import DATA, arguments, fitted, found, keep, save, summary, table

from napari_medsynth import Case, Phantom, Render
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.metrics import scores
from napari_medsynth.rendering import Noise, Warp
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.settings import Augment, TrainSettings
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.tumor.lungs import find_lungs

#: What is learned: names of phantoms' structures, and TotalSegmentator's values.
STRUCTURES = {
    "left lung": (("left_upper_lobe", "left_lower_lobe"), (10, 11)),
    "right lung": (("right_upper_lobe", "right_middle_lobe", "right_lower_lobe"), (12, 13, 14)),
    "liver": (("liver",), (5,)),
    "spleen": (("spleen",), (1,)),
    "kidneys": (
        ("left_kidney_cortex", "left_kidney_medulla", "right_kidney_cortex", "right_kidney_medulla"),
        (2, 3),
    ),
    "stomach": (("stomach",), (6,)),
    "aorta": (("aorta",), (52,)),
}
TABLE = LabelTable(tuple(Label(n, name) for n, name in enumerate(STRUCTURES, 1)))
INPUTS = InputSpec(
    kind="slices", plane="axial", spacing=(4.0, 4.0), patch=(96, 128), intensity="window", window=(-1000, 400)
)
RENDER = Render(preset="abdomen-ct", warp=Warp(scaling=0.2, rotation=10), noise=Noise(std=(0, 30)))


def main() -> None:
    """Train, test, print."""
    options = arguments(__doc__, "body")
    folder = options.output
    train_on, relabel = phantoms(folder / "phantoms", 16, seed=1)
    check_on, _ = phantoms(folder / "checks", 2, seed=2)
    real = abdomen(folder / "totalseg_ct")
    chest = read_volume(next((DATA / "lung4d_113").glob("*_ct.*")))
    tests = {"lung4d_113": Case(id="chest", image=chest, labels=lungs(find_lungs(chest))), "totalseg_ct": real}
    rows = []
    for seed in options.seeds:
        fit = FitSettings(
            epochs=20, steps_per_epoch=max(1, round(50 * options.steps)), batch_size=8, lr=2e-3, seed=seed, threads=1
        )
        settings = TrainSettings(inputs=INPUTS, network=NetworkSettings(base_features=8), render=RENDER, fit=fit)
        a = fitted(folder, f"a_{seed}", train_on, check_on, replace(settings, relabel=relabel))
        real_settings = replace(settings, source="real", augment=Augment(), fit=replace(fit, epochs=8))
        b = fitted(folder, f"b_{seed}", folder / "totalseg_ct", (), real_settings)
        for kind, model, names in (("A", a, tests), ("B", b, ["lung4d_113"])):
            for name in names:
                rows += [{"seed": seed, "model": kind, "test": name, **s} for s in measured(model, tests[name])]
    show(rows)
    save(folder, "body.json", rows)


def phantoms(folder: Path, count: int, seed: int) -> tuple[Path, tuple[tuple[int, int], ...]]:
    """Write label maps of whole bodies; return the folder, and which of their values is which structure."""
    step = Phantom(
        anatomy="torso", region="whole", image_size=(75, 80, 110), spacing=(8.0, 4.0, 4.0), scenario="normal_complete"
    )
    known = {entry.label.name: entry.label.value for entry in step.catalogue.targets}
    for index in range(count):
        if not (folder / f"{folder.name}{index:02d}").exists():
            keep(folder, replace(step(Case(id=f"{folder.name}{index:02d}"), seed=seed, index=index), image=None))
    relabel = ((known[name], n) for n, (names, _) in enumerate(STRUCTURES.values(), 1) for name in names)
    return folder, tuple(relabel)


def abdomen(folder: Path) -> Case:
    """Write and return the labelled CT of an upper abdomen."""
    image = read_volume(DATA / "totalseg_ct" / "example_ct_sm.nii.gz")
    labels = read_labels(DATA / "totalseg_ct" / "example_seg.nii.gz")
    array = np.zeros(labels.shape, np.uint8)
    for number, (_, values) in enumerate(STRUCTURES.values(), 1):
        array[labels.mask(values)] = number
    case = Case(id="abdomen", image=image, labels=LabelMap(array, labels.affine, TABLE))
    keep(folder, case)
    return case


def lungs(labels: LabelMap) -> LabelMap:
    """Return the lungs with the values of this task."""
    array = np.zeros(labels.shape, np.uint8)
    for entry in labels.table:
        if entry.side:
            array[labels.array == entry.value] = 1 if entry.side == "left" else 2
    return LabelMap(array, labels.affine, LabelTable(TABLE.entries[:2]))


def measured(model: object, case: Case) -> list[dict[str, object]]:
    """Compare what a model finds with the structures that are in the truth."""
    labels = found(model, case.image)
    return [score.to_json() for score in scores(case.labels, labels, values=case.labels.values())]


def show(rows: list[dict[str, object]]) -> None:
    """Print Dice and surface distance of each structure."""
    lines = []
    for test in dict.fromkeys(row["test"] for row in rows):
        for name in STRUCTURES:
            part = [r for r in rows if r["test"] == test and r["name"] == name]
            if part:
                of = {k: [r for r in part if r["model"] == k] for k in "AB"}
                cells = [summary([r[key] for r in of[k]]) for key in ("dice", "hd95_mm") for k in "AB"]
                lines.append([test, name, *cells])
    head = ["test", "structure", "Dice A", "Dice B", "HD95 A, mm", "HD95 B, mm"]
    table("One scan each; mean over seeds (least … greatest)", head, lines)


if __name__ == "__main__":
    main()
