"""All that a training of a segmentation model is decided by: :class:`TrainSettings`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..core.settings import Settings, setting
from ..learning.settings import FitSettings
from ..rendering.step import Render
from .networks import NetworkSettings
from .spec import InputSpec

#: Model A learns from rendered label maps only, model B from real images only.
Source = Literal["synthetic", "real", "mixed"]


@dataclass(frozen=True, kw_only=True)
class Augment(Settings):
    """How real images are varied: every change is one that both image and labels can take."""

    warp: bool = setting(True, "Turn, stretch and bend, by the warp of 'render'")
    flip: bool = setting(True, "Mirror left and right, labels exchanged")
    intensity: float = setting(0.3, "Change of gamma, brightness and contrast: 0 none, 1 strong", low=0, high=1)
    noise: float = setting(0.02, "Largest deviation of noise that is added, image at 0 … 1", low=0, high=1)
    blur: float = setting(1.0, "Largest loss of resolution", unit="voxels", low=0, high=8)


@dataclass(frozen=True, kw_only=True)
class TrainSettings(Settings):
    """What is trained on what, and how."""

    source: Source = setting("synthetic", "Rendered label maps (A), real images (B), or both")
    real_share: float = setting(0.5, "Share of examples of real images in 'mixed'", low=0, high=1)
    start: Path | None = setting(None, "Model whose weights are the start: fine-tuning")
    network: NetworkSettings = setting(NetworkSettings(), "Network")
    inputs: InputSpec = setting(InputSpec(), "What the network is given")
    render: Render = setting(Render(), "How label maps become images")
    augment: Augment = setting(Augment(), "How real images are varied")
    scheme: str | None = setting(None, "What label values mean, where the files do not say")
    relabel: tuple[tuple[int, int], ...] = setting(
        (), "Value of a label and the value that the model gives it; others become background", low=0, high=65535
    )
    foreground: float = setting(0.5, "Share of examples that are taken where there is a structure", low=0, high=1)
    fit: FitSettings = setting(FitSettings(), "Loop, optimiser and machine")
