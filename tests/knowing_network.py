"""A network that knows the answer: each voxel belongs to the class whose level is nearest to its intensity."""

from __future__ import annotations

import torch
from torch import nn

from napari_medsynth.core.labels import LabelTable
from napari_medsynth.learning.card import ModelCard
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.spec import InputSpec


class Levels(nn.Module):
    """Gives logits of classes of the intensities ``0, 1 / (K - 1), … 1``; of a slab, it looks at the middle slice."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.linspace(0, 1, classes))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return ``(B, K, *tile)`` of ``(B, C, *tile)``."""
        middle = batch[:, batch.shape[1] // 2][:, None]
        levels = self.levels.view(1, -1, *[1] * (batch.ndim - 2))
        return -200 * (middle - levels) ** 2


def levels_model(spec: InputSpec, labels: LabelTable) -> SegmentationModel:
    """Return such a network as a model."""
    network = NetworkSettings(name="dynunet", levels=4).to_json()  # tiles are multiples of 8
    card = ModelCard(kind="segmentation", name="levels", network=network, inputs=spec.to_json(), labels=labels)
    return SegmentationModel(Levels(len(labels) + 1), card)


def levels_spec(**changes: object) -> InputSpec:
    """Return an input whose intensities, 0 … 1, stay as they are."""
    return InputSpec(**{"intensity": "window", "window": (0.0, 1.0), "patch": (16, 16), **changes})  # type: ignore[arg-type]
