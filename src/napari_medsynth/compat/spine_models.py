"""Trained networks by the names that evaluation scripts use: :func:`load_model`, :func:`evaluate_model`, ``UNet``.

Faces of :class:`~napari_medsynth.segmentation.model.SegmentationModel` and of
:func:`~napari_medsynth.segmentation.evaluation.evaluate`, which measure far more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core.case import Case
from ..core.errors import ConfigError, ReadError, shown
from ..core.volume import Volume
from ..learning.foreign_weights import read_foreign_weights
from ..learning.model_file import SUFFIX, StrPath
from ..segmentation.model import SegmentationModel
from ..segmentation.shifts import SHIFTS
from ..segmentation.unet import UNet

__all__ = ["UNet", "evaluate_model", "load_model"]

#: Of a U-Net: the first convolution of all, and the last one.
_FIRST, _LAST = "conv_0.conv_0.conv.weight", "final_conv.weight"


def load_model(path: StrPath, device: torch.device | str = "cpu") -> nn.Module:
    """Load a trained network, to be applied.

    Parameters
    ----------
    path
        A model that ``medsynth train`` wrote, by either of its files. The name of a ``.pth`` file that is not there
        means the ``.safetensors`` file of that name. A ``.pth`` file that is there has to hold the weights of a
        :class:`UNet`, as ``torch.save(model.state_dict(), path)`` writes them; its sizes are those of the weights.
    device
        Where to.

    Returns
    -------
    Module
        In evaluation mode. Its attribute ``card`` is the :class:`~napari_medsynth.learning.card.ModelCard`; None for a
        ``.pth`` file, which has none.

    Raises
    ------
    ReadError
        If it is missing, damaged, holds anything but weights (nothing in it is executed), or those of another network.
    """
    given = Path(path)
    if given.suffix in (".pth", ".pt") and given.exists():
        network: Any = _of_weights(read_foreign_weights(given), given)
        network.card = None
    else:
        model = SegmentationModel.read(given.with_suffix(SUFFIX) if given.suffix in (".pth", ".pt") else given)
        network = model.network
        network.card = model.card
    made: nn.Module = network.to(device).eval()
    return made


def evaluate_model(
    model: nn.Module,
    dataloader: Iterable[Any],
    device: torch.device | str = "cpu",
    resolution_factor: float = 1.0,
    description: str = "",
) -> dict[str, Any]:
    """Measure the Dice of a network on batches of images.

    Parameters
    ----------
    model
        Gives logits ``(B, classes, *size)``. It is put into evaluation mode and onto the device for the time.
    dataloader
        Batches of images ``(B, C, *size)`` with their classes ``(B, *size)``, as pairs or as ``{"image": …, "labels":
        …}``; those of a :class:`~napari_medsynth.compat.SyntheticDataset` are such.
    device
        Where it runs.
    resolution_factor
        Size of the voxels that images are taken in, in their own, from 1; they are brought back to their grid.
    description
        Comes back in the result.

    Returns
    -------
    dict
        ``overall_dice``, the mean over the classes but background; ``per_class_dice``, of each class the mean over the
        images that have it, or in which it was found; ``images``, ``description`` and ``resolution_factor``. What no
        image has is nan.

    Raises
    ------
    ConfigError
        If a batch is something else, there is none, or the factor is below 1.
    """
    training = {module: module.training for module in model.modules()}
    home = next((p.device for p in model.parameters()), torch.device("cpu"))
    found: list[torch.Tensor] = []
    try:
        model.to(device).eval()
        for batch in dataloader:
            images, labels = _pair(batch)
            coarse = _coarser(images, resolution_factor, len(found))
            with torch.inference_mode():
                logits = model(coarse.to(device)).cpu()
            found += [_dice(made, truth, logits.shape[1]) for made, truth in zip(logits.argmax(1), labels, strict=True)]
    finally:
        model.to(home)
        for module, mode in training.items():
            module.training = mode
    if not found:
        raise ConfigError("evaluate_model was given no batch; expected images and their classes")
    by_class = torch.stack(found).nanmean(0).tolist()[1:]
    defined = [value for value in by_class if not math.isnan(value)]
    return {
        "description": description,
        "resolution_factor": resolution_factor,
        "images": len(found),
        "overall_dice": sum(defined) / len(defined) if defined else math.nan,
        "per_class_dice": dict(enumerate(by_class, 1)),
    }


def _of_weights(weights: Mapping[str, torch.Tensor], path: Path) -> UNet:
    """Return the U-Net of some weights."""
    first, last = weights.get(_FIRST), weights.get(_LAST)
    if first is None or last is None or first.ndim not in (4, 5):
        raise ReadError(f"{path} has weights {shown(sorted(weights)[:3])}; expected those of a U-Net ({_FIRST} …)")
    with torch.random.fork_rng(devices=[]):
        network = UNet(first.shape[1], last.shape[0], first.shape[0], spatial_dims=first.ndim - 2)
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ReadError(f"the weights of {path} are not those of a U-Net") from error
    return network


def _pair(batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    parts = (batch.get("image"), batch.get("labels")) if isinstance(batch, Mapping) else batch
    if not (isinstance(parts, list | tuple) and len(parts) == 2 and all(isinstance(p, torch.Tensor) for p in parts)):
        raise ConfigError(f"a batch is {shown(batch)}; expected (images, labels), or a mapping of 'image' and 'labels'")
    images, labels = parts
    if images.shape[2:] != labels.shape[1:] or len(images) != len(labels):
        found = f"images {tuple(images.shape)} and labels {tuple(labels.shape)}"
        raise ConfigError(f"a batch has {found}; expected (B, C, *size) and (B, *size)")
    return images.float(), labels.long()


def _coarser(images: torch.Tensor, factor: float, done: int) -> torch.Tensor:
    """Return images as they would be with larger voxels; each channel by itself."""
    if factor == 1:
        return images
    shift = SHIFTS["resolution"]
    made = [
        shift.apply(Case(id=f"image-{done + n}", image=Volume(channel)), factor, 0).image
        for n, image in enumerate(images.numpy())
        for channel in image
    ]
    return torch.from_numpy(np.stack([volume.array for volume in made if volume is not None])).reshape(images.shape)


def _dice(found: torch.Tensor, truth: torch.Tensor, classes: int) -> torch.Tensor:
    """Return the Dice of each class; nan for what is in neither."""
    if not 0 <= int(truth.min()) <= int(truth.max()) < classes:
        found_there = f"classes {int(truth.min())} to {int(truth.max())}"
        raise ConfigError(f"labels hold {found_there}; expected those of the network, 0 to {classes - 1}")
    pairs = torch.bincount((truth.flatten() * classes + found.flatten()), minlength=classes**2)
    table = pairs.reshape(-1, classes)[:classes].double()
    return 2 * table.diagonal() / (table.sum(0) + table.sum(1))
