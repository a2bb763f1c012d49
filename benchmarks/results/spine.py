"""Discs and vertebral bodies learned from made anatomy alone, and found in real MR and CT.

    python benchmarks/results/spine.py [--seeds 1 2 3] [--output DIR] [--steps SHARE]

Model A learns from label maps of lumbar-spine phantoms only, rendered on the fly; it never sees a real image nor a
real label map. Model B learns from real slices of ``spine2d``, in two halves: each slice is tested by a model that did
not see it. Both are tested on the same slices (real training data exists), and on scans of other places and contrasts:
``spine_ivd`` (T2), ``spine_tptbox`` (T2 at 1.5 mm, and CT), and ``spine2d`` with bright and dark exchanged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from common import DATA, arguments, fitted, found, grid, keep, named, save, summary, table
from PIL import Image
from scipy import ndimage

from napari_medsynth import Case, Phantom, Render, Volume, read_case
from napari_medsynth.core.labels import Label, LabelMap
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.metrics import scores
from napari_medsynth.rendering import BiasField, Warp
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.settings import Augment, TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

BODY, DISC = 1, 2
NAMES = {BODY: "vertebral body", DISC: "disc"}

#: What a phantom's spine is divided into: rim and marrow of bodies, annulus and nucleus of discs, and the arch.
PARTS = {
    101: ("marrow", "marrow"),
    102: ("rim", "cortical bone"),
    103: ("arch", "posterior elements"),
    104: ("annulus", "disc"),
    105: ("nucleus", "fluid"),
}
RELABEL = ((101, BODY), (102, BODY), (104, DISC), (105, DISC))

#: The slices that go through the canal and all discs; the others lie beside it.
MIDDLE = ("slice2", "slice3")

INPUTS = InputSpec(kind="slices", plane="sagittal", spacing=(1.3, 1.3), patch=(192, 160))
RENDER = Render(
    preset="spine-t1",
    toward="spine-t2",
    random_contrast=0.7,
    warp=Warp(scaling=0.25, rotation=15),
    bias_field=BiasField(std=(0.0, 1.1)),  # surface coils: what is near the back is far brighter
)


def main() -> None:
    """Train, test, print."""
    options = arguments(__doc__, "spine")
    folder = options.output
    made, checks = phantoms(folder / "phantoms", 14, seed=1), phantoms(folder / "checks", 2, seed=2)
    slices = spine2d(folder / "spine2d")
    tests = {"spine2d": [read_case(folder / "spine2d" / name) for name in slices], **others()}
    tests["spine2d inverted"] = [inverted(case) for case in tests["spine2d"]]
    rows = []
    for seed in options.seeds:
        fit = FitSettings(epochs=20, steps_per_epoch=max(1, round(100 * options.steps)), lr=2e-3, seed=seed, threads=1)
        settings = TrainSettings(inputs=INPUTS, network=NetworkSettings(base_features=8), render=RENDER, fit=fit)
        a = fitted(folder, f"a_{seed}", made, checks, replace(settings, source="synthetic", relabel=RELABEL))
        halves = [slices[::2], slices[1::2]]
        shorter = replace(fit, epochs=12, steps_per_epoch=max(1, round(40 * options.steps)))
        real = replace(settings, source="real", augment=Augment(), fit=shorter)
        b = [fitted(folder, f"b_{seed}_{half}", at(folder, halves[half]), (), real) for half in (0, 1)]
        for group, cases in tests.items():
            for case in cases:
                held_out = b[0 if case.id in halves[1] else 1] if group.startswith("spine2d") else None
                for kind, models in (("A", [a]), ("B", [held_out] if held_out else b)):
                    rows += [
                        {"seed": seed, "model": kind, "test": group, "case": case.id, **score}
                        for model in models
                        for score in measured(model, case)
                    ]
    show(rows)
    save(folder, "spine.json", rows)


def phantoms(folder: Path, count: int, seed: int) -> Path:
    """Write label maps of lumbar spines, their bones and discs divided."""
    step = Phantom(
        anatomy="torso", region="lumbar spine", image_size=(250, 190, 24), spacing=(1.3, 1.3, 2.5),
        scenario="normal_complete",
    )  # fmt: skip
    for index in range(count):
        if not (folder / f"{folder.name}{index:02d}").exists():
            case = step(Case(id=f"{folder.name}{index:02d}"), seed=seed, index=index)
            keep(folder, replace(case, image=None, labels=divided(case.labels)))
    return folder


def divided(labels: LabelMap) -> LabelMap:
    """Divide vertebrae into marrow, rim and arch, which is behind the canal's front, and discs as they are on T2."""
    labels = labels.reoriented("SAR")
    array, table = labels.array.astype(np.uint8), labels.table
    value = {entry.name: entry.value for entry in table}
    canal = array == value["spinal_canal"]
    front = np.where(canal.any(1), canal.shape[1] - 1 - canal[:, ::-1].argmax(1), canal.shape[1])  # of each z, x
    ahead = np.arange(array.shape[1])[None, :, None] > front[:, None, :]
    bone = np.isin(array, [v for n, v in value.items() if n == "sacrum" or (n[0] in "TL" and n[1:].isdigit())])
    disc, body = array == value["intervertebral_discs"], bone & ahead
    flat = np.ones((3, 7, 1), bool)
    array = np.where(bone, 103, array)
    array[body] = 102
    array[ndimage.binary_erosion(body, np.ones((3, 3, 1), bool))] = 101
    array[disc] = 104
    array[ndimage.binary_erosion(disc, flat)] = 105
    for number, (name, tissue) in PARTS.items():
        table = table.with_label(Label(number, name, tissue))
    return LabelMap(np.ascontiguousarray(array.astype(np.uint8)), labels.affine, table)


def spine2d(folder: Path) -> list[str]:
    """Write the sagittal slices that have labels as scans of one slice; pixels of 1.37 mm are inferred from anatomy."""
    names = []
    for number in range(6):
        mask = np.load(DATA / "spine2d" / "masks" / f"{number}.npy", allow_pickle=False)
        if mask.any():
            image = np.asarray(Image.open(DATA / "spine2d" / "images" / f"{number}.png").convert("L"))
            affine = grid((1.37, 1.37, 4.0), "IPL")
            labels = named(np.choose(mask, (0, DISC, BODY)).astype(np.uint8)[..., None], affine, NAMES)
            keep(folder, Case(id=f"slice{number}", image=Volume(image[..., None], affine, "MR"), labels=labels))
            names.append(f"slice{number}")
    return names


def at(folder: Path, names: list[str]) -> list[object]:
    """Return the listed slices as found cases."""
    from napari_medsynth.datasets.finding import find_cases

    return [case for case in find_cases(folder / "spine2d") if case.id in names]


def others() -> dict[str, list[Case]]:
    """Read scans of other places; where the truth names some discs only, the part of the scan that has those."""
    ivd = read_volume(DATA / "spine_ivd" / "11_t2.mha").array.transpose(1, 2, 0)  # its header has the axes wrong
    truth = (read_labels(DATA / "spine_ivd" / "11_label.mha").array > 0).transpose(1, 2, 0)
    rows = np.flatnonzero(truth.any((1, 2)))
    part = slice(rows[0] - 5, rows[-1] + 6)
    affine = grid((1.0, 1.0, 1.0), "IPL")
    image = Volume(np.ascontiguousarray(ivd[part]), affine, "MR")
    discs = named(np.ascontiguousarray(truth[part] * np.uint8(DISC)), affine, {DISC: "disc"})
    cases = {"spine_ivd T2": [Case(id="ivd", image=image, labels=discs)]}
    box = DATA / "spine_tptbox"
    for kind, scan, mask in (
        ("T2", "sub-mri_label-6_T2w.nii.gz", "sub-mri_seg-subreg_label-6_msk.nii.gz"),
        ("CT", "sub-ct_label-22_ct.nii.gz", "sub-ct_seg-subreg_label-22_msk.nii.gz"),
    ):
        volume, regions = read_volume(box / scan), read_labels(box / mask)
        array = np.where(np.isin(regions.array, (49, 50)), BODY, np.where(regions.array == 100, DISC, 0))
        has = {value: NAMES[value] for value in np.unique(array) if value}
        labels = named(array.astype(np.uint8), regions.affine, has)
        cases[f"spine_tptbox {kind}"] = [Case(id=f"tptbox_{kind}", image=volume, labels=labels)]
    return cases


def inverted(case: Case) -> Case:
    """Exchange bright and dark: a contrast that no real training slice has."""
    array = case.image.array.astype(np.float32)
    return replace(case, image=replace(case.image, array=array.max() - array))


def measured(model: object, case: Case) -> list[dict[str, object]]:
    """Compare what a model finds with the structures that the truth names."""
    labels, truth = found(model, case.image), case.labels
    return [score.to_json() for score in scores(truth, labels, values=truth.values(), surfaces=False)]


def show(rows: list[dict[str, object]]) -> None:
    """Print Dice of each test and structure, A beside B."""
    lines = []
    middle = [row for row in rows if row["test"] == "spine2d" and row["case"] in MIDDLE]
    rows = [*({**row, "test": "spine2d, through the middle"} for row in middle), *rows]
    for test in dict.fromkeys(row["test"] for row in rows):
        for name in NAMES.values():
            part = [r for r in rows if r["test"] == test and r["name"] == name]
            of = {kind: [r["dice"] for r in part if r["model"] == kind] for kind in "AB"}
            if part:
                lines.append([test, name, str(len({r["case"] for r in part})), summary(of["A"]), summary(of["B"])])
    table("Dice, mean (least … greatest over cases and seeds)", ["test", "structure", "cases", "A", "B"], lines)


if __name__ == "__main__":
    main()
