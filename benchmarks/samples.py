"""How fast examples are made, and what making them while a network trains costs.

    python benchmarks/samples.py [--steps N] [--batch N] [--workers N] [--threads N] [--device cuda] [--features N]
        [--stepped KIND …]

First: examples a second in one process and one thread, for each kind of input, rendered and real. Then: the time of a
training step from examples that are rendered on the fly, beside the same training from examples that were made before
and lie in memory, both through the loader of a training with the same number of workers. What is printed is the median
of the steps of two runs each, taken in turns; the ratio is to stay below 1.10.

The data are spines of phantoms, made first in a temporary folder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from monai.losses import DiceCELoss
from torch.utils.data import Dataset

from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.learning.batches import train_loader
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.rendering.step import Render
from napari_medsynth.segmentation.dummy import dummy_data
from napari_medsynth.segmentation.networks import NetworkSettings, build
from napari_medsynth.segmentation.prepare import spine14_relabel
from napari_medsynth.segmentation.samples import Samples, preparing
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

KINDS = {
    "slices 192²": InputSpec(kind="slices", spacing=(1.0, 1.0), patch=(192, 192)),
    "slabs 5 × 192²": InputSpec(kind="slab", spacing=(1.0, 1.0), patch=(192, 192)),
    "patches 64³": InputSpec(kind="patches", spacing=(1.0, 1.0, 1.0), patch=(64, 64, 64)),
    "patches 96³": InputSpec(kind="patches", spacing=(1.0, 1.0, 1.0), patch=(96, 96, 96)),
}
STEPPED = ("slices 192²", "patches 64³")


class Ready(Dataset[dict[str, Any]]):
    """The same examples, made before."""

    def __init__(self, samples: Samples, count: int) -> None:
        self.items = [samples[number % len(samples)] for number in range(count)]
        self.length = 1_000_000

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """They are the same in every epoch."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        found = self.items[index % len(self.items)]
        return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in found.items()}


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        finish(dummy_data(Path(folder, "spines"), patients=4))
        made = {
            (kind, source): samples(Path(folder, "spines"), spec, source)
            for kind, spec in KINDS.items()
            for source in ("synthetic", "real")
        }
    torch.set_num_threads(1)
    print("examples a second, one process, one thread")
    print(f"  {'':<18}{'rendered':>10}{'real':>10}")
    for kind in KINDS:
        rates = [rate(made[kind, source], options.seconds) for source in ("synthetic", "real")]
        print(f"  {kind:<18}{rates[0]:10.1f}{rates[1]:10.1f}")
    torch.set_num_threads(options.threads)
    where = f"{options.device}, {options.threads} threads, {options.workers} workers, batch {options.batch}"
    print(f"\nmilliseconds a step ({where}, U-Net of {options.features} features), median of {options.steps}")
    print(f"  {'':<18}{'rendered':>10}{'ready':>10}{'ratio':>8}")
    for kind in options.stepped:
        ours, ready = stepped(made[kind, "synthetic"], options)
        print(f"  {kind:<18}{ours:10.1f}{ready:10.1f}{ours / ready:8.2f}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="for each rate")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the process that trains")
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--stepped", nargs="*", choices=list(KINDS), default=list(STEPPED), help="trained with")
    return parser.parse_args()


def samples(folder: Path, spec: InputSpec, source: str) -> Samples:
    settings = TrainSettings(
        source=source, inputs=spec, relabel=spine14_relabel(), scheme="spider", render=Render(preset="spine-t1")
    )
    made = finish(preparing(find_cases(folder)[:4], (), settings)).train
    made.length = 1_000_000
    return made


def rate(source: Samples, seconds: float) -> float:
    source[0]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        count += 1
        source[count]
    return count / (time.perf_counter() - start)


def stepped(source: Samples, options: argparse.Namespace) -> tuple[float, float]:
    """Return the median milliseconds of a step from rendered and from ready examples."""
    fit = FitSettings(batch_size=options.batch, workers=options.workers)
    loaders = {
        "rendered": train_loader(source, fit),
        "ready": train_loader(Ready(source, 32), fit),
    }
    found: dict[str, list[float]] = {name: [] for name in loaders}
    for name, loader in (*loaders.items(), *loaders.items()):
        batches = iter(loader)
        found[name] += timed(trainer(source, options), batches, options.steps)
    return statistics.median(found["rendered"]) * 1000, statistics.median(found["ready"]) * 1000


def trainer(source: Samples, options: argparse.Namespace) -> Callable[[dict[str, Any]], None]:
    classes = 14
    network = build(NetworkSettings(base_features=options.features), source.spec, classes).to(options.device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    loss = DiceCELoss(softmax=True, to_onehot_y=True)

    def step(batch: dict[str, Any]) -> None:
        image, labels = (batch[name].to(options.device) for name in ("image", "labels"))
        optimiser.zero_grad()
        value = loss(network(image), labels[:, None])
        value.backward()
        optimiser.step()
        float(value.detach())

    return step


def timed(step: Callable[[dict[str, Any]], None], batches: Iterator[dict[str, Any]], steps: int) -> list[float]:
    for _ in range(5):
        step(next(batches))
    found = []
    for _ in range(steps):
        start = time.perf_counter()
        step(next(batches))
        found.append(time.perf_counter() - start)
    return found


if __name__ == "__main__":
    main()
