"""How fast a dataset is loaded: samples a second of 128×128×64 voxels with 13 masks, as batches of 8.

    OMP_NUM_THREADS=1 python benchmarks/loading.py [--samples N]

The same samples through ``LazyMedicalDataset`` with 0, 1 and 2 workers, with and without masks, and, for comparison,
read plainly with h5py: the stored ``masks`` in place of masks made from ``labels``. Target: 60 samples/s with masks
and two workers on two cores. One epoch before each measurement fills the file cache and is not counted; it starts the
workers, too, which stay (``persistent_workers``).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import LazyMedicalDataset, make_dataset
from napari_medsynth.phantom.step import Phantom


class Plain(Dataset):
    """What one would write without this package: a file, opened when first used, and its arrays."""

    def __init__(self, folder: Path) -> None:
        self.path, self.file = folder / "train.h5", None
        with h5py.File(self.path) as file:
            self.length = len(file["images"])

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        self.file = self.file or h5py.File(self.path)
        return {
            "image": torch.from_numpy(self.file["images"][index].astype(np.float32)),
            "masks": torch.from_numpy(self.file["masks"][index]),
            "presence_labels": torch.from_numpy(self.file["presence_labels"][index].astype(np.float32)),
            "scenario": self.file["scenarios"][index].decode(),
        }


def rate(dataset: Dataset, workers: int) -> float:
    loader = DataLoader(dataset, batch_size=8, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    for _ in loader:
        pass
    start = time.perf_counter()
    count = sum(len(batch["image"]) for batch in loader)
    return count / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=160)
    samples = parser.parse_args().samples
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "dataset"
        recipe = Recipe(steps=(Phantom(image_size=(128, 128, 64)),), seed=42)
        finish(make_dataset(recipe, samples, folder, validation_split=0, test_split=0, workers=1))
        ways = {
            "with masks": LazyMedicalDataset(folder),
            "without masks": LazyMedicalDataset(folder, load_masks=False),
            "plain h5py, stored masks": Plain(folder),
        }
        print(f"  {'samples/s, workers:':<26}" + "".join(f"{workers:>8}" for workers in (0, 1, 2)))
        for what, dataset in ways.items():
            print(f"  {what:<26}" + "".join(f"{rate(dataset, workers):>8.0f}" for workers in (0, 1, 2)))
        print("  target, with masks" + f"{'≥ 60':>32}")


if __name__ == "__main__":
    main()
