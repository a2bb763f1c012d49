"""A training loop on a dataset, as small as one can be: it loads, batches, and a network learns something."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from ..core.errors import ConfigError
from ..core.progress import Job, Progress
from ..datasets.lazy import LazyMedicalDataset

EPOCHS = 8
BATCH = 4

#: Samples and voxels that are used at most, so that the check takes seconds whatever the dataset's size.
MAX_SAMPLES = 16
MAX_VOXELS = 2**25

#: What the network sees: every image averaged down to this many voxels a side.
SIDE = 16


@dataclass(frozen=True)
class TrainingCheck:
    """What a check saw: the shapes of one batch, and the mean loss of each epoch."""

    images: tuple[int, ...]
    presence: tuple[int, ...]
    losses: tuple[float, ...]


def check_training(folder: Path, seed: int = 0) -> Job[TrainingCheck]:
    """Teach a network which structures a few training samples have.

    Parameters
    ----------
    folder
        Folder of a dataset.
    seed
        Seed of the weights and of the order of samples; the global generators are left as they were.

    Raises
    ------
    ReadError
        If the samples cannot be read.
    ConfigError
        If the dataset has no images, or no structures.
    """
    dataset = LazyMedicalDataset(folder, load_masks=False)
    structures = len(dataset.structure_names)
    if not structures or "image" not in dataset[0]:
        raise ConfigError(f"{folder} has no images or no structures; a training loop needs both")
    chosen = min(len(dataset), MAX_SAMPLES, max(MAX_VOXELS // prod(dataset.image_size), 2))
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(Subset(dataset, range(chosen)), batch_size=BATCH, shuffle=True, generator=order)
    network = _network(structures, seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses, shapes = [], ((), ())
    for epoch in range(EPOCHS):
        seen: list[float] = []
        for batch in loader:
            yield Progress(epoch * len(loader) + len(seen), EPOCHS * len(loader), "training loop")
            seen.append(_step(network, optimizer, batch["image"], batch["presence_labels"]))
            shapes = (tuple(batch["image"].shape), tuple(batch["presence_labels"].shape))
        losses.append(sum(seen) / len(seen))
    return TrainingCheck(*shapes, tuple(losses))


def _network(structures: int, seed: int) -> nn.Sequential:
    """A convolutional network that says which structures an image shows: one number each."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.AdaptiveAvgPool3d(SIDE),
            nn.InstanceNorm3d(1),
            nn.Conv3d(1, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv3d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * (SIDE // 4) ** 3, structures),
        )


def _step(network: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, presence: torch.Tensor) -> float:
    """Learn from one batch; returns its loss before."""
    channels = images.reshape(len(images), 1, *(1,) * (5 - images.ndim - 1), *images.shape[1:])  # 2D: one slice
    loss = nn.functional.binary_cross_entropy_with_logits(network(channels), presence)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())
