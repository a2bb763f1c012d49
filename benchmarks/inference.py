"""How much time sliding-window inference takes beyond the network's own, and whether memory is foreseen.

Time is that of the processor, in one thread: the network alone on the tiles of an image, all of inference (the way to
the working grid and back included), and MONAI's ``sliding_window_inference`` with the same tiles and weights. Memory is
what a process took at most, against what was foreseen.

    python benchmarks/inference.py [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from monai.inferers import sliding_window_inference

from napari_medsynth.core.labels import LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.segmentation.inference import inputs_of, planned
from napari_medsynth.segmentation.memory import WORKSPACE, peak_bytes
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.predict import PredictOptions, predict
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.tiles import Averaged, Tiles

CLASSES = 14
CASES = {
    "slices 192²": (InputSpec(plane="sagittal", patch=(192, 192)), (320, 320, 16)),
    "patches 64³": (InputSpec(kind="patches", patch=(64, 64, 64)), (112, 128, 128)),
}
NETWORKS = [
    (NetworkSettings(), (1, 1, 96, 96, 96)),
    (NetworkSettings(), (4, 1, 192, 192)),
    (NetworkSettings(name="dynunet"), (1, 1, 96, 96, 96)),
    (NetworkSettings(name="segresnet"), (1, 1, 96, 96, 96)),
    (NetworkSettings(name="attentionunet"), (1, 1, 96, 96, 96)),
]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peak", help="used by this program for its own processes")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.peak:
        print(_peak_of(*json.loads(given.peak)))
        return
    times(given.repeats)
    memory()


def model_of(settings: NetworkSettings, spec: InputSpec) -> SegmentationModel:
    """Return a network that has learned nothing; it is as fast as any other."""
    labels = LabelTable.from_names({k: f"label {k}" for k in range(1, CLASSES)})
    return SegmentationModel.new("benchmark", settings, spec, labels)


def times(repeats: int) -> None:
    """Print the time of inference over that of its network."""
    print(f"{'input':14}{'tiles':>6}{'network s':>11}{'inference s':>13}{'over':>8}{'MONAI s':>10}{'over':>8}")
    for name, (spec, shape) in CASES.items():
        model = model_of(NetworkSettings(), spec)
        network = model.network.eval()
        image = Volume(np.random.default_rng(0).random(shape, dtype=np.float32))
        inputs, plan = inputs_of(image, spec), planned(model, image, PredictOptions(), "cpu")
        tiles = Tiles(tuple(inputs.shape[2:]), plan.tile, PredictOptions().overlap)
        jobs = [one[(slice(None), *window)] for one in inputs for window in tiles.windows]
        batches = [torch.stack(jobs[n : n + plan.batch]) for n in range(0, len(jobs), plan.batch)]

        def alone(network: torch.nn.Module = network, batches: list[torch.Tensor] = batches) -> None:
            with torch.inference_mode():
                for batch in batches:
                    network(batch)

        def ours(model: SegmentationModel = model, image: Volume = image) -> None:
            finish(predict(model, image, device="cpu"))

        def monai(network: torch.nn.Module = network, inputs: torch.Tensor = inputs, plan: object = plan) -> None:
            with torch.inference_mode():
                tile, batch = plan.tile, plan.batch  # type: ignore[attr-defined]
                for one in torch.split(inputs, 1):
                    made = sliding_window_inference(one, tile, batch, network, overlap=0.5, mode="gaussian")
                    torch.as_tensor(made).argmax(1)

        first, second, third = best([alone, ours, monai], repeats)
        shares = [f"{100 * (t / first - 1):.1f} %" for t in (second, third)]
        print(f"{name:14}{len(jobs):6}{first:11.2f}{second:13.2f}{shares[0]:>8}{third:10.2f}{shares[1]:>8}")


def best(calls: list[Callable[[], None]], repeats: int) -> list[float]:
    """Return the least processor time of each call, in seconds; they take turns."""
    least = [float("inf")] * len(calls)
    for turn in range(repeats + 1):
        for n, call in enumerate(calls):
            start = time.process_time()
            call()
            if turn:  # the first warms up
                least[n] = min(least[n], time.process_time() - start)
    return least


def memory() -> None:
    """Print what networks take for a tile and what was foreseen."""
    print(f"\n{'network':16}{'tile':>16}{'foreseen MB':>13}{'tensors MB':>12}{'taken MB':>10}")
    for settings, shape in NETWORKS:
        spec = InputSpec(kind="patches" if len(shape) == 5 else "slices", patch=shape[2:])
        foreseen = peak_bytes(Averaged(model_of(settings, spec).network), shape)
        words = [sys.executable, str(Path(__file__).resolve()), "--peak", json.dumps([settings.to_json(), shape])]
        taken = float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        size = "×".join(str(n) for n in (shape[0], *shape[2:]))
        print(
            f"{settings.name:16}{size:>16}{foreseen / 1e6:13.0f}{foreseen / (1 + WORKSPACE) / 1e6:12.0f}{taken:10.0f}"
        )


def _peak_of(settings: dict[str, object], shape: list[int]) -> float:
    """Return by how many MB a process grows when a network is applied; the libraries are loaded before."""
    made = NetworkSettings.from_json(settings)
    spec = InputSpec(kind="patches" if len(shape) == 5 else "slices", patch=tuple(shape[2:]))
    network = Averaged(model_of(made, spec).network).eval()
    small = [1, 1, *(64 for _ in shape[2:])] if made.name == "swinunetr" else [1, 1, *(32 for _ in shape[2:])]
    with torch.inference_mode():
        network(torch.zeros(small))
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here (Linux)
        before = _status("VmRSS")
        network(torch.zeros(shape))
    return (_status("VmHWM") - before) * 1024 / 1e6


def _status(name: str) -> int:
    """Return an entry of this process's memory in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
