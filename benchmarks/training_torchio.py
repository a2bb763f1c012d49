"""The peer of ``training.py``: the same training as a pipeline of TorchIO and MONAI, as its users write it.

    python benchmarks/training_torchio.py --way whole --labels map.nii.gz --patch 192 192 1 --classes 26 --steps 5

The label map is loaded once. Each image of it is made of the map, bent by an affine and an elastic transform: an
intensity at random for each label, bias field, gamma, blur, coarser voxels and noise, scaled to 0 … 1.

- ``whole``: all that is done to whole volumes, and ``Queue`` takes ten examples at random of each, as TorchIO's
  documentation shows for training on patches; ten examples have one rendering in common.
- ``cut``: a part with a quarter more on each side is cut out at random before anything is done to it, and the example
  is the middle of that; each has a rendering of its own.

The network is MONAI's BasicUNet, the loss its Dice with cross-entropy, the optimiser torch's AdamW. Prints one JSON
object: ``wall`` and ``cpu`` seconds a step, and ``example``, processor seconds of this process for each example.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import time

import torch
import torchio as tio
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet

PER_VOLUME = 10  #: examples that are taken of a volume, as in TorchIO's documentation
MARGIN = 0.25


def main() -> None:
    options = parsed()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network, loss, optimizer = learner(options)
    loader = {"whole": whole, "cut": cut}[options.way](options)
    wall, cpu, example = time.perf_counter(), cpu_seconds(), 0.0
    batches = iter(loader)
    for _ in range(options.steps):
        began = time.process_time()
        batch = next(batches)
        example += time.process_time() - began
        image, labels = batch["image"][tio.DATA], batch["labels"][tio.DATA].long()
        if options.patch[-1] == 1:
            image, labels = image[..., 0], labels[..., 0]
        optimizer.zero_grad()
        loss(network(image), labels).backward()
        optimizer.step()
    wall = time.perf_counter() - wall
    del loader, batches
    gc.collect()  # its processes end
    took = {"wall": wall, "cpu": cpu_seconds() - cpu, "example": example / options.batch}
    print(json.dumps({name: seconds / options.steps for name, seconds in took.items()}))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=["whole", "cut"], required=True)
    parser.add_argument("--labels", required=True, help="NIfTI file of classes 0, 1, 2 …")
    parser.add_argument("--patch", type=int, nargs=3, required=True, help="x, y, z; z 1 is 2D")
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--base-features", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def cpu_seconds() -> float:
    """Processor time of this process and those that it started and that have ended."""
    return sum(os.times()[:4])


def whole(options: argparse.Namespace) -> torch.utils.data.DataLoader:
    """Whole volumes are rendered, examples are taken of them."""
    volumes = math.ceil(options.steps * options.batch / PER_VOLUME)
    dataset = tio.SubjectsDataset([subject(options)] * volumes, transform=rendering(flat=False))
    sampler = tio.data.UniformSampler(tuple(options.patch))
    queue = tio.Queue(dataset, 2 * PER_VOLUME, PER_VOLUME, sampler, num_workers=options.workers)
    return tio.SubjectsLoader(queue, batch_size=options.batch, num_workers=0)


def cut(options: argparse.Namespace) -> torch.utils.data.DataLoader:
    """Parts are cut out, and rendered each by itself."""
    examples = Parts(subject(options), options)
    return tio.SubjectsLoader(examples, batch_size=options.batch, num_workers=options.workers)


class Parts(torch.utils.data.Dataset):
    """Examples of a part of their own each."""

    def __init__(self, source: tio.Subject, options: argparse.Namespace) -> None:
        wanted = [n + 2 * math.ceil(MARGIN * n) if n > 1 else 1 for n in options.patch]
        size = tuple(min(n, most) for n, most in zip(wanted, source.spatial_shape, strict=True))
        self.source, self.count = source, options.steps * options.batch
        self.sampler = tio.data.UniformSampler(size)
        self.rendering = tio.Compose([rendering(flat=options.patch[-1] == 1), tio.CropOrPad(tuple(options.patch))])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tio.Subject:
        return self.rendering(next(self.sampler(self.source, 1)))


def subject(options: argparse.Namespace) -> tio.Subject:
    made = tio.Subject(labels=tio.LabelMap(options.labels))
    made.load()
    return made


def learner(options: argparse.Namespace) -> tuple[torch.nn.Module, torch.nn.Module, torch.optim.Optimizer]:
    """Network, loss and optimiser, as ours."""
    levels = tuple(options.base_features * 2**level for level in range(5))
    dims = 2 if options.patch[-1] == 1 else 3
    network = BasicUNet(dims, 1, options.classes, features=(*levels, options.base_features))
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    return network, loss, torch.optim.AdamW(network.parameters(), lr=1e-3)


def rendering(*, flat: bool) -> tio.Transform:
    """The stages of rendering, the same as ours."""
    scales, degrees = ((0.8, 1.2, 0.8, 1.2, 1, 1), (0, 0, 0, 0, -15, 15)) if flat else (0.2, 15)
    points, most, locked = ((7, 7, 4), (7.5, 7.5, 0), 0) if flat else (7, 7.5, 2)
    return tio.Compose(
        [
            tio.RandomAffine(scales=scales, degrees=degrees),
            tio.RandomElasticDeformation(num_control_points=points, max_displacement=most, locked_borders=locked),
            tio.RandomLabelsToImage(label_key="labels", image_key="image"),
            tio.RandomBiasField(),
            tio.RandomGamma(),
            tio.RandomBlur(),
            tio.RandomAnisotropy(axes=(0, 1) if flat else (0, 1, 2), downsampling=(1, 4)),
            tio.RandomNoise(std=(0, 0.05)),
            tio.RescaleIntensity((0, 1), percentiles=(0.5, 99.5)),
        ]
    )


if __name__ == "__main__":
    main()
