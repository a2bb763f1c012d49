"""How a model is applied: :class:`PredictOptions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class TileOptions(Settings):
    """How an image is cut into tiles and what is made of them."""

    flips: Literal["none", "left-right", "all"] = setting(
        "none",
        "Mirror images that are segmented too and averaged: left-right, as rendering mirrors; all is for networks that "
        "learned from every mirror image",
    )
    largest_component: bool = setting(False, "Keep only the largest connected part of each structure")
    overlap: float = setting(0.5, "Share of a tile that it has in common with the next", low=0, high=0.9)
    tile: tuple[int, ...] | None = setting(
        None,
        "Size of tiles, z, y, x, or rows and columns; left out, that of training, smaller if memory is short",
        unit="voxels",
        low=8,
        high=4096,
    )
    batch: int | None = setting(None, "Tiles that go through the network together; left out, found", low=1, high=256)


@dataclass(frozen=True, kw_only=True)
class PredictOptions(TileOptions):
    """All that a prediction is decided by, beside model and image."""

    uncertainty: bool = setting(False, "Also make a map of how unsure the network is: 0 sure, 1 all classes alike")
