"""The peer of ``training.py``: the same training as a plain pipeline of TorchIO and MONAI, as its users write it.

    python benchmarks/training_torchio.py --labels map.nii.gz … --patch 192 192 1 --classes 14 --steps 20 --workers 2

Label maps are loaded once. Each example is a warped map (affine and elastic), an image of it with an intensity at
random for each label, bias field, gamma, coarser voxels and noise, scaled to 0 … 1, and of that a patch. The network is
MONAI's BasicUNet, the loss its Dice with cross-entropy, the optimiser torch's AdamW. Prints one JSON object:
``steps_per_s`` of ``steps`` that follow ``warm`` ones.
"""

from __future__ import annotations

import argparse
import json
import time

import torch
import torchio as tio
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet


def main() -> None:
    options = parsed()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    loader = batches(options)
    network, loss, optimizer = learner(options)
    started = 0.0
    for step, batch in enumerate(loader):
        if step == options.warm:
            started = time.perf_counter()
        image, labels = batch["image"][tio.DATA], batch["labels"][tio.DATA].long()
        if options.patch[-1] == 1:
            image, labels = image[..., 0], labels[..., 0]
        optimizer.zero_grad()
        loss(network(image), labels).backward()
        optimizer.step()
    took = time.perf_counter() - started
    print(json.dumps({"steps_per_s": options.steps / took}))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", nargs="+", required=True, help="NIfTI files of classes 0, 1, 2 …")
    parser.add_argument("--patch", type=int, nargs=3, required=True, help="x, y, z; z 1 is 2D")
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--base-features", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def batches(options: argparse.Namespace) -> torch.utils.data.DataLoader:
    """Batches of rendered patches, as many as there are steps."""
    count = (options.warm + options.steps) * options.batch
    subjects = [tio.Subject(labels=tio.LabelMap(path)) for path in options.labels]
    for subject in subjects:
        subject.load()
    many = [subjects[number % len(subjects)] for number in range(count)]
    dataset = tio.SubjectsDataset(many, transform=rendering(options))
    return tio.SubjectsLoader(dataset, batch_size=options.batch, num_workers=options.workers)


def learner(options: argparse.Namespace) -> tuple[torch.nn.Module, torch.nn.Module, torch.optim.Optimizer]:
    """Network, loss and optimiser, as ours."""
    levels = tuple(options.base_features * 2**level for level in range(5))
    dims = 2 if options.patch[-1] == 1 else 3
    network = BasicUNet(dims, 1, options.classes, features=(*levels, options.base_features))
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    return network, loss, torch.optim.AdamW(network.parameters(), lr=1e-3)


def rendering(options: argparse.Namespace) -> tio.Transform:
    """The stages of rendering, the same as ours; the patch is cut before there is an image, so that none is wasted."""
    flat = options.patch[-1] == 1
    scales, degrees = ((0.85, 1.15, 0.85, 1.15, 1, 1), (0, 0, 0, 0, -15, 15)) if flat else (0.15, 15)
    points, most = ((10, 10, 4), (8, 8, 0)) if flat else (10, 8)
    return tio.Compose(
        [
            tio.RandomAffine(scales=scales, degrees=degrees),
            tio.RandomElasticDeformation(num_control_points=points, max_displacement=most, locked_borders=0),
            tio.CropOrPad(tuple(options.patch)),
            tio.RandomLabelsToImage(label_key="labels", image_key="image"),
            tio.RandomBiasField(),
            tio.RandomGamma(),
            tio.RandomAnisotropy(axes=(0, 1) if flat else (0, 1, 2), downsampling=(1, 4)),
            tio.RandomNoise(std=(0, 0.05)),
            tio.RescaleIntensity((0, 1), percentiles=(0.5, 99.5)),
        ]
    )


if __name__ == "__main__":
    main()
