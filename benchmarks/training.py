"""What a training step costs: ours beside a bare loop, and beside pipelines of TorchIO and MONAI, doing the same work.

    python benchmarks/training.py [--kinds slices patches] [--steps N N] [--workers 0 2] [--threads N]
        [--peer benchmarks/training_torchio.py --python PYTHON --peer-steps N]

All train the same U-Net (base features 8) with Dice and cross-entropy and AdamW, on slices of 192² or patches of 64³ of
images that are rendered of one label map while the training goes on: a real brain of 26 labels if ``MEDSYNTH_DATA`` has
it, or one made of ellipsoids.

- *ours*: ``train``, with log, model and checkpoint;
- *bare*: the same examples and loss in a loop of a few lines: what more ours takes is what the comforts cost;
- *whole*: TorchIO as its documentation shows: whole volumes are transformed, ``Queue`` takes ten examples of each;
- *cut*: TorchIO as a careful user has it: each example is cut out with a margin before anything is done to it.

Each runs in a fresh process. Of ours and bare, start and first steps are not counted; a queue's filling is part of its
steps. Printed are seconds a step, wall and processor (the processes that make examples included), and processor seconds
that the training process itself waits for an example; they are the example's own with ``--workers 0``. A peer runs in
the interpreter ``--python``, which has TorchIO, and is left out if none is given.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

REAL = "brain_labels/brain_26_labels.nii.gz"
SIZE = 192  #: voxels of the label map along each axis
PATCH = {"slices": (192, 192), "patches": (64, 64, 64)}
BATCH = {"slices": 4, "patches": 2}
STEPS = {"slices": 50, "patches": 8}
WARM = 2


def main() -> None:
    options = parsed()
    if options.work:
        print(json.dumps(WORK[options.work](options, options.kinds[0], options.workers[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        write_labels(options.folder)
        for kind in options.kinds:
            for workers in options.workers:
                table(options, kind, workers)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(PATCH), default=list(PATCH))
    parser.add_argument("--steps", type=int, help="of ours and bare; left out, 50 of slices and 8 of patches")
    parser.add_argument("--peer-steps", type=int, default=5, help="of slices; of patches twice as many")
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", type=Path, help="script of the peer")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has TorchIO")
    parser.add_argument("--work", choices=sorted(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def table(options: argparse.Namespace, kind: str, workers: int) -> None:
    batch = BATCH[kind]
    size = "×".join(str(n) for n in PATCH[kind])
    print(f"\n{kind} of {size}, batches of {batch}, {options.threads} threads, {workers} workers: seconds a step")
    print(f"{'':<8}{'wall':>9}{'CPU':>9}{'example':>10}    {'of ours, wall':>14}{'CPU':>8}{'example':>9}", flush=True)
    ours: dict[str, float] = {}
    for name in (*WORK, *(("whole", "cut") if options.peer else ())):
        found = fresh(name, options, kind, workers) if name in WORK else peer(name, options, kind, workers)
        ours = ours or found
        seconds = (found["wall"], found["cpu"], found["example"])
        ratios = [found[key] / ours[key] for key in ("wall", "cpu", "example")]
        print(f"{name:<8}{seconds[0]:9.3f}{seconds[1]:9.3f}{seconds[2]:10.4f}", end="    ")
        print(f"{ratios[0]:12.2f} ×{ratios[1]:6.2f} ×{ratios[2]:7.1f} ×", flush=True)


# ---- the label map


def write_labels(folder: Path) -> None:
    """Keep the label map for ours, and as NIfTI for peers."""
    import nibabel as nib

    labels = brain()
    np.save(folder / "labels.npy", labels)
    nib.Nifti1Image(labels, np.eye(4)).to_filename(folder / "labels.nii.gz")


def brain() -> np.ndarray:
    """The middle of a real label map with values 0, 1, 2 …, or one made of ellipsoids."""
    named = os.environ.get("MEDSYNTH_DATA")
    path = (Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data") / REAL
    if not path.is_file():
        return ellipsoids()
    from napari_medsynth.io import read_labels

    whole = read_labels(path).array
    part = whole[tuple(slice((n - SIZE) // 2, (n - SIZE) // 2 + SIZE) for n in whole.shape)]
    return np.unique(part, return_inverse=True)[1].reshape(part.shape).astype(np.uint8)


def ellipsoids(labels: int = 26) -> np.ndarray:
    rng = np.random.default_rng(0)
    places = np.ogrid[tuple(slice(-1, 1, SIZE * 1j) for _ in range(3))]
    array = (sum(axis**2 for axis in places) < 0.8).astype(np.uint8)
    for label in range(2, labels):
        centre, radius = rng.uniform(-0.5, 0.5, 3), rng.uniform(0.08, 0.25, 3)
        inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip(places, centre, radius, strict=True)) < 1
        array[inside] = label
    return array


def training_data(labels: np.ndarray, settings):
    """What ``train`` is given: one case, without an image."""
    from napari_medsynth.core.labels import Label, LabelMap, LabelTable
    from napari_medsynth.segmentation.prepare import Prepared
    from napari_medsynth.segmentation.samples import Samples, TrainingData

    values = [int(value) for value in np.unique(labels) if value]
    names = LabelTable(tuple(Label(value, f"structure {value}") for value in values))
    case = Prepared(
        "brain", "brain", None, LabelMap(labels, table=names), labels, names, settings.inputs, {v: v for v in values}
    )
    return TrainingData(Samples([case], settings, length=1_000_000), (), names)


# ---- what is measured


@dataclass
class Clock:
    """Times of steps: wall, and processor time of this process and those that it started."""

    marks: list[tuple[int, float, float]] = field(default_factory=list)
    example: float = 0.0

    def mark(self, step: int) -> None:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        cpu = sum(sum(process.cpu_times()[:2]) for process in processes)
        self.marks.append((step, time.perf_counter(), cpu))

    def drawn(self, examples: Iterator) -> Iterator:
        """Pass batches on, and count what this process does for them."""
        while True:
            began = time.process_time()
            batch = next(examples, None)
            self.example += time.process_time() - began
            if batch is None:
                return
            yield batch

    def result(self, examples: float) -> dict[str, float]:
        """Return seconds a step from the first mark past the warm-up to the last; an example's, of so many."""
        first, last = next(mark for mark in self.marks if mark[0] >= WARM), self.marks[-1]
        count = last[0] - first[0]
        return {
            "wall": (last[1] - first[1]) / count,
            "cpu": (last[2] - first[2]) / count,
            "example": self.example / examples,
        }


def settings_of(kind: str, steps: int, workers: int):
    from napari_medsynth.learning.settings import FitSettings
    from napari_medsynth.segmentation.networks import NetworkSettings
    from napari_medsynth.segmentation.settings import TrainSettings
    from napari_medsynth.segmentation.spec import InputSpec

    fit = FitSettings(
        epochs=1,
        steps_per_epoch=steps,
        batch_size=BATCH[kind],
        workers=workers,
        device="cpu",
        schedule="constant",
        clip=None,
    )
    return TrainSettings(
        network=NetworkSettings(base_features=8), inputs=InputSpec(kind=kind, patch=PATCH[kind]), fit=fit
    )


def ours(options: argparse.Namespace, kind: str, workers: int) -> dict[str, float]:
    """An epoch of ``train``, with its log, model and checkpoint."""
    from napari_medsynth.core.progress import finish
    from napari_medsynth.learning.run import Run
    from napari_medsynth.segmentation.training import train

    steps = (options.steps or STEPS[kind]) + WARM
    settings = settings_of(kind, steps, workers)
    data, clock = training_data(np.load(options.folder / "labels.npy"), settings), Clock()
    began = time.process_time()
    for number in range(steps):
        data.train[number]
    clock.example = time.process_time() - began
    run = Run(options.folder / f"run-{kind}-{workers}")
    finish(train(data, run, settings), lambda told: clock.mark(told.done))
    return clock.result(steps)


def bare(options: argparse.Namespace, kind: str, workers: int) -> dict[str, float]:
    """The same examples, network, loss and optimiser in a plain loop."""
    import torch

    from napari_medsynth.learning.batches import train_loader
    from napari_medsynth.learning.losses import DiceCE
    from napari_medsynth.segmentation.networks import build

    steps = (options.steps or STEPS[kind]) + WARM
    settings = settings_of(kind, steps, workers)
    data, clock = training_data(np.load(options.folder / "labels.npy"), settings), Clock()
    network = build(settings.network, settings.inputs, 1 + len(data.table))
    loss, optimizer = DiceCE(), torch.optim.AdamW(network.parameters(), lr=1e-3)
    for step, batch in enumerate(clock.drawn(iter(train_loader(data.train, settings.fit)))):
        optimizer.zero_grad()
        loss(network(batch["image"]), batch["labels"]).backward()
        optimizer.step()
        clock.mark(step + 1)
    return clock.result(steps * BATCH[kind])


WORK = {"ours": ours, "bare": bare}


def fresh(work: str, options: argparse.Namespace, kind: str, workers: int) -> dict[str, float]:
    """Measure in a process of its own."""
    words = [sys.executable, __file__, "--work", work, "--folder", options.folder, "--kinds", kind]
    words += ["--workers", workers, *(["--steps", options.steps] if options.steps else [])]
    return told_by(words, options)


def peer(way: str, options: argparse.Namespace, kind: str, workers: int) -> dict[str, float]:
    patch = PATCH[kind] if len(PATCH[kind]) == 3 else (*PATCH[kind], 1)
    labels = np.load(options.folder / "labels.npy", mmap_mode="r")
    steps = options.peer_steps * BATCH["slices"] // BATCH[kind]
    words = [options.python, options.peer, "--way", way, "--labels", options.folder / "labels.nii.gz"]
    words += ["--patch", *patch, "--classes", 1 + int(labels.max()), "--batch", BATCH[kind]]
    return told_by([*words, "--steps", steps, "--workers", workers, "--threads", options.threads], options)


def told_by(words: list[object], options: argparse.Namespace) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
