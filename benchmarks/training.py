"""How fast training on rendered label maps is: ours beside a plain pipeline of TorchIO and MONAI, and a bare loop.

    python benchmarks/training.py [--steps N] [--workers 0 2] [--threads N]
        [--peer benchmarks/training_torchio.py --python PYTHON]

All train the same U-Net (base features 8, 14 classes) with the same loss and optimiser on batches of 4 sagittal slices
of 192² voxels, rendered of the same label maps: spines of phantoms, which are made first. Ours is the whole command's
loop, with log and checkpoints; "bare" the same examples through a loop of five lines. Each figure comes from a fresh
process, the first steps not counted. ``--peer`` is run in the interpreter ``--python``, which has TorchIO.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

CLASSES, PATCH, BATCH = 14, (192, 192), 4


def main() -> None:
    options = parsed()
    if options.work:
        print(json.dumps({"steps_per_s": WORK[options.work](options)}))
        return
    with tempfile.TemporaryDirectory() as folder:
        maps = written(Path(folder), options)
        print(f"{'':<24}{'workers':>8}{'steps/s':>10}")
        for workers in options.workers:
            rows = {name: fresh(name, options, folder, workers) for name in WORK}
            if options.peer:
                rows["TorchIO and MONAI"] = peer(options, maps, workers)
            for name, rate in rows.items():
                print(f"{name:<24}{workers:8}{rate:10.2f}    {rows['ours'] / rate:5.2f} × slower than ours")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", type=Path, help="script of the peer")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has TorchIO")
    parser.add_argument("--work", choices=sorted(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def written(folder: Path, options: argparse.Namespace) -> list[Path]:
    """Make the label maps, and middle slices of them at 1 mm for the peer."""
    import nibabel as nib
    import numpy as np

    from napari_medsynth.core.progress import finish
    from napari_medsynth.segmentation.dummy import dummy_data

    finish(dummy_data(folder / "data", patients=4))
    paths = []
    for number, case in enumerate(data(folder).val):
        path = folder / f"{number}.nii.gz"
        nib.Nifti1Image(case.classes[:, :, case.classes.shape[2] // 2, None].astype(np.uint8), np.eye(4)).to_filename(
            path
        )
        paths.append(path)
    return paths


def settings(steps: int = 1, workers: int = 0):
    from napari_medsynth.learning.settings import FitSettings
    from napari_medsynth.segmentation.spine import spine_settings

    fit = FitSettings(
        epochs=2, steps_per_epoch=steps, batch_size=BATCH, workers=workers, device="cpu", schedule="constant"
    )
    return replace(spine_settings(CLASSES), fit=fit)


def data(folder: Path, steps: int = 1, workers: int = 0):
    from napari_medsynth.datasets.finding import find_cases
    from napari_medsynth.segmentation.samples import training_data

    cases = [case for case in find_cases(folder / "data") if case.id.endswith("_t1")]
    return training_data(cases, cases, settings(steps, workers))


def ours(options: argparse.Namespace) -> float:
    """The second epoch of a training, with what it logs and keeps, without validation."""
    from napari_medsynth.core.progress import finish
    from napari_medsynth.learning.run import Run
    from napari_medsynth.segmentation.training import train

    chosen, workers = settings(options.steps, options.workers[0]), options.workers[0]
    run = Run(options.folder / f"run{workers}")
    finish(train(replace(data(options.folder, options.steps, workers), val=()), run, chosen))
    first, second = (entry["seconds"] for entry in run.log())
    return options.steps / (second - first)


def bare(options: argparse.Namespace) -> float:
    """The same examples, network and loss in a plain loop."""
    import torch
    from monai.losses import DiceCELoss

    from napari_medsynth.segmentation.unet import UNet

    samples = data(options.folder).train
    samples.length = (options.steps + 2) * BATCH
    network = UNet(1, CLASSES, 8)
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    began = 0.0
    for step, batch in enumerate(torch.utils.data.DataLoader(samples, BATCH, num_workers=options.workers[0])):
        if step == 2:
            began = time.perf_counter()
        optimizer.zero_grad()
        loss(network(batch["image"]), batch["labels"][:, None]).backward()
        optimizer.step()
    return options.steps / (time.perf_counter() - began)


WORK = {"ours": ours, "bare": bare}


def fresh(work: str, options: argparse.Namespace, folder: str, workers: int) -> float:
    """Measure in a process of its own."""
    words = [
        sys.executable,
        __file__,
        "--work",
        work,
        "--folder",
        folder,
        "--workers",
        workers,
        "--steps",
        options.steps,
    ]
    return rate(words, options)


def peer(options: argparse.Namespace, maps: list[Path], workers: int) -> float:
    words = [options.python, options.peer, "--labels", *maps, "--patch", *PATCH, 1, "--classes", CLASSES]
    words += ["--batch", BATCH, "--steps", options.steps, "--workers", workers, "--threads", options.threads]
    return rate(words, options)


def rate(words: list[object], options: argparse.Namespace) -> float:
    import os

    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return float(json.loads(done.stdout.splitlines()[-1])["steps_per_s"])


if __name__ == "__main__":
    main()
