"""How much time sliding-window inference takes beyond the network's own, and whether memory is foreseen.

Time is that of the processor, in one thread. A sliding window (ours, and MONAI's ``sliding_window_inference`` with the
same tiles and weights) is what it takes beyond the calls of the network within it, as a share of these; *all* is that
of a whole prediction for an image of other voxels, with the way to the working grid and back. Shares are medians of
runs that take turns. Memory is what a process grew by, in one call of the network and in a whole prediction, against
what was foreseen.

    python benchmarks/inference.py [--repeats 2] [--only times|memory]
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch
from monai.inferers import sliding_window_inference

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.segmentation.inference import inputs_of, planned
from napari_medsynth.segmentation.memory import peak_bytes
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.prediction import PredictOptions, predict
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.tiles import Averaged, Tiles

CLASSES = 14
SLICES = InputSpec(plane="sagittal", patch=(192, 192), spacing=(1.0, 1.0))
PATCHES = InputSpec(kind="patches", patch=(64, 64, 64), spacing=(1.0, 1.0, 1.0))
TIMED = [
    ("16 slices, a tile each", SLICES, (192, 192, 16), (8, 16)),
    ("4 slices, 9 tiles each", SLICES, (320, 320, 4), (8,)),
    ("96×96×96 in 64³", PATCHES, (96, 96, 96), (8,)),
]
REMEMBERED = [
    ("unet", (4, 1, 192, 192)),
    ("unet", (4, 1, 320, 320)),
    ("unet", (1, 1, 48, 48, 48)),
    ("unet", (1, 1, 80, 80, 80)),
    ("dynunet", (1, 1, 48, 48, 48)),
    ("dynunet", (1, 1, 80, 80, 80)),
    ("segresnet", (1, 1, 48, 48, 48)),
    ("segresnet", (1, 1, 80, 80, 80)),
]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=("times", "memory"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.only != "times":
        memory()
    if given.only != "memory":
        times(given.repeats)


def model_of(settings: NetworkSettings, spec: InputSpec) -> SegmentationModel:
    """Return a network that has learned nothing; it is as fast as any other."""
    labels = LabelTable.from_names({k: f"label {k}" for k in range(1, CLASSES)})
    return SegmentationModel.new("benchmark", settings, spec, labels)


def image_of(shape: tuple[int, ...], spacing: float) -> Volume:
    """Return noise of so many voxels of 1 mm, in voxels of another size."""
    voxels = [round(n / spacing) if n > 16 else n for n in shape]  # slices are not resampled across
    sizes = tuple(spacing if n > 16 else 1.0 for n in shape)
    array = np.random.default_rng(0).random(voxels, dtype=np.float32)
    return Volume(array, Affine.from_spacing(sizes))


class Timed(torch.nn.Module):
    """A network that adds up the processor time of its calls, in seconds."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.seconds = network, 0.0

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return what the network gives."""
        start = time.process_time()
        made: torch.Tensor = self.network(batch)
        self.seconds += time.process_time() - start
        return made


def times(repeats: int) -> None:
    """Print what inference takes beyond its network."""
    print(f"{'input':24}{'features':>9}{'tiles':>7}{'network s':>11}{'ours':>9}{'MONAI':>9}{'all':>9}")
    for name, spec, shape, features in TIMED:
        for base in features:
            model = model_of(NetworkSettings(base_features=base), spec)
            count, seconds, shares = _time(model, shape, repeats if spec.ndim == 2 else 1)
            over = "".join(f"{100 * share:+8.1f}%" for share in shares)
            print(f"{name:24}{base:9}{count:7}{seconds:11.2f}{over}", flush=True)


def _time(model: SegmentationModel, shape: tuple[int, ...], repeats: int) -> tuple[int, float, list[float]]:
    """Return the number of tiles, the network's time, and what our window, MONAI's and all take beyond."""
    network = Timed(model.network.eval())
    image = image_of(shape, 1.0)
    inputs, plan = inputs_of(image, model.spec), planned(model, image, PredictOptions(), "cpu")
    tiles = Tiles(tuple(inputs.shape[2:]), plan.tile, PredictOptions().overlap)

    def ours() -> None:
        found = torch.empty((plan.slices, CLASSES, *tiles.padded))
        for group in torch.split(inputs, plan.slices):
            for _ in tiles.blending(network, group, found[: len(group)].zero_(), plan.batch):
                pass

    def monai() -> None:
        for group in torch.split(inputs, plan.slices):
            sliding_window_inference(group, plan.tile, plan.batch, network, overlap=0.5, mode="gaussian")

    coarse, whole = image_of(shape, 0.8), SegmentationModel(network, model.card)
    calls = [ours, monai, lambda: finish(predict(whole, coarse, device="cpu")) and None]
    with torch.inference_mode():
        network(torch.zeros((plan.batch, 1, *plan.tile)))  # warms up
        seconds, shares = _shares(network, calls, repeats)
    return len(inputs) * len(tiles.windows), seconds, shares


def _shares(network: Timed, calls: list[Callable[[], None]], repeats: int) -> tuple[float, list[float]]:
    """Return the network's least time in the first call, and what each takes beyond it, as medians of shares."""
    spent: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, runs in zip(calls, spent, strict=True):
            network.seconds, start = 0.0, time.process_time()
            call()
            runs.append((time.process_time() - start, network.seconds))
    return min(own for _, own in spent[0]), [median(both / own - 1 for both, own in runs) for runs in spent]


def memory() -> None:
    """Print what networks and predictions take and what was foreseen."""
    print(f"{'':26}{'one call of the network, MB':>33}{'a whole prediction, MB':>33}")
    print(f"{'network':12}{'tiles':>14}" + f"{'foreseen':>11}{'taken':>11}{'ratio':>11}" * 2)
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:  # a process for each, with libraries loaded
        for (name, shape), rows in zip(REMEMBERED, pool.imap(_taken, REMEMBERED, chunksize=1), strict=True):
            size = "×".join(str(n) for n in (shape[0], *shape[2:]))
            shown = "".join(f"{seen / 1e6:11.0f}{taken / 1e6:11.0f}{seen / taken:11.2f}" for seen, taken in rows)
            print(f"{name:12}{size:>14}{shown}", flush=True)
    print()


def _taken(case: tuple[str, tuple[int, ...]]) -> list[tuple[int, int]]:
    """Return bytes that are foreseen and by which this process grows, for a call and for a prediction."""
    name, shape = case
    batch, _, *tile = shape
    spec = InputSpec(kind="patches" if len(tile) == 3 else "slices", patch=tuple(tile), spacing=(1.0,) * len(tile))
    model = model_of(NetworkSettings.from_json({"name": name}), spec)
    network = Averaged(model.network).eval()
    image = image_of((*tile[:-1], tile[-1] * 3 // 2, *([16] if len(tile) == 2 else [])), 0.8)
    options = PredictOptions(batch=batch)
    tiny = image_of((32,) * 3, 0.8)
    finish(predict(model, tiny, PredictOptions(tile=(32,) * len(tile)), device="cpu"))
    foreseen = peak_bytes(network, shape), planned(model, image, options, "cpu").host_bytes

    def call() -> None:
        with torch.inference_mode():
            network(torch.zeros(shape))

    call()  # what libraries keep for themselves is taken once
    grown = [_grown(call), _grown(lambda: finish(predict(model, image, options, device="cpu")) and None)]
    return list(zip(foreseen, grown, strict=True))


def _grown(call: Callable[[], None]) -> int:
    """Return by how many bytes this process grows at most in a call (Linux)."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) * 1024


def _status(name: str) -> int:
    """Return an entry of this process's memory in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
