"""How fast examples are made, and what making them while a network trains costs.

    python benchmarks/samples.py [--kinds KIND …] [--steps N] [--workers N] [--threads N] [--device cuda]

First, of each kind of input, the processor time of an example in one process and one thread: rendered, and a real one
that is read and augmented. Then a training step from examples that are rendered on the fly beside the same from ready
ones, which lie in memory, both through the loader of a training with the same number of workers: the medians of its
wall time, taken in turns, and their ratio, which is to stay below 1.10. As wall times depend on what else the machine
does, and on whether it has a processor to spare for each worker, the last column is that of processor time: what the
examples of a batch cost, as a share of what network, loss and optimiser do.

The label map is that of ``training.py``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from training import brain

from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.learning.batches import train_loader
from napari_medsynth.learning.losses import DiceCE
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.segmentation.networks import NetworkSettings, build
from napari_medsynth.segmentation.prepare import Prepared
from napari_medsynth.segmentation.samples import Samples
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

KINDS = {
    "slices 192²": InputSpec(kind="slices", patch=(192, 192)),
    "slabs 5 × 192²": InputSpec(kind="slab", patch=(192, 192)),
    "patches 64³": InputSpec(kind="patches", patch=(64, 64, 64)),
    "patches 96³": InputSpec(kind="patches", patch=(96, 96, 96)),
}
#: What is trained: kind, base features, examples of a batch, share of ``--steps``.
TRAINED = (("slices 192²", 8, 4, 1.0), ("slices 192²", 16, 4, 0.5), ("patches 64³", 8, 2, 0.25))
WARM = 1


class Ready(Dataset[dict[str, Any]]):
    """Examples that were made before."""

    def __init__(self, samples: Samples, count: int) -> None:
        self.items = [samples[number] for number in range(count)]

    def __len__(self) -> int:
        return 1_000_000

    def set_epoch(self, epoch: int) -> None:
        """They are the same in every epoch."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.items[index % len(self.items)]


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    labels = brain()
    print("processor milliseconds of an example, one thread")
    print(f"  {'':<18}{'rendered':>10}{'real':>10}")
    for kind in options.kinds:
        costs = [cost(samples(labels, KINDS[kind], source), options.seconds) for source in ("synthetic", "real")]
        print(f"  {kind:<18}{costs[0] * 1000:10.1f}{costs[1] * 1000:10.1f}", flush=True)
    torch.set_num_threads(options.threads)
    print(f"\nmilliseconds a step ({options.device}, {options.threads} threads, {options.workers} workers)")
    print(f"  {'':<18}{'U-Net':>6}{'batch':>6}{'rendered':>10}{'ready':>10}{'ratio':>7}{'share of processor':>20}")
    for kind, features, batch, share in TRAINED:
        if kind in options.kinds:
            source = samples(labels, KINDS[kind], "synthetic")
            steps, classes = max(3, int(options.steps * share)), 1 + int(labels.max())
            ours, ready, part = stepped(source, classes, features, batch, steps, options)
            print(f"  {kind:<18}{features:6}{batch:6}{ours * 1000:10.1f}{ready * 1000:10.1f}", end="")
            print(f"{ours / ready:7.2f}{part:20.1%}", flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--seconds", type=float, default=1.0, help="for the cost of examples")
    parser.add_argument("--steps", type=int, default=8, help="of the fastest training, twice; fewer of the others")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of the process that trains")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def samples(labels: np.ndarray, spec: InputSpec, source: str) -> Samples:
    values = [int(value) for value in np.unique(labels) if value]
    table = LabelTable(tuple(Label(value, f"structure {value}") for value in values))
    image = Volume(labels.astype(np.float32)) if source == "real" else None
    known = {value: value for value in values}
    case = Prepared("brain", "brain", image, LabelMap(labels, table=table), labels, table, spec, known)
    return Samples([case], TrainSettings(source=source, inputs=spec), length=1_000_000)


def cost(source: Samples, seconds: float) -> float:
    """Return the processor seconds of an example."""
    source[0]
    began, count = time.process_time(), 0
    while time.process_time() - began < seconds:
        count += 1
        source[count]
    return (time.process_time() - began) / count


def stepped(
    source: Samples, classes: int, features: int, batch: int, steps: int, options: argparse.Namespace
) -> tuple[float, float, float]:
    """Return seconds of a step from rendered and from ready examples, and the share of processor time of rendering."""
    fit = FitSettings(batch_size=batch, workers=options.workers)
    step = trainer(source, features, classes, options.device)
    ready = Ready(source, 4 * batch)
    loaders = {"rendered": iter(train_loader(source, fit)), "ready": iter(train_loader(ready, fit))}
    found: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(2):  # in turns: the machine is not the same from one minute to the next
        for name, batches in loaders.items():
            times = []
            for _ in range(WARM + steps):
                began = time.perf_counter()
                step(next(batches))
                times.append(time.perf_counter() - began)
            found[name] += times[WARM:]
    rendered, still = (statistics.median(times) for times in found.values())
    return rendered, still, cost(source, 0.5) * batch / network_cost(step, next(loaders["ready"]))


def trainer(source: Samples, features: int, classes: int, device: str) -> Callable[[dict[str, Any]], None]:
    network = build(NetworkSettings(base_features=features), source.spec, classes).to(device)
    optimiser, loss = torch.optim.AdamW(network.parameters(), lr=1e-3), DiceCE()

    def step(batch: dict[str, Any]) -> None:
        image, labels = (batch[name].to(device) for name in ("image", "labels"))
        optimiser.zero_grad()
        value = loss(network(image), labels)
        value.backward()
        optimiser.step()
        float(value.detach())

    return step


def network_cost(step: Callable[[dict[str, Any]], None], batch: dict[str, Any]) -> float:
    """Return the processor seconds of a step whose examples are there."""
    began = time.process_time()
    for _ in range(3):
        step(batch)
    return (time.process_time() - began) / 3


if __name__ == "__main__":
    main()
