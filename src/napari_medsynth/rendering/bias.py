"""The slow change of brightness over an image: :class:`BiasField`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.box import Box
from ..core.rng import child_seed
from ..core.settings import require_interval, setting
from .lattice import Lattice
from .stage import Params, Stage, uniform

if TYPE_CHECKING:
    import torch

    from .fields import SmoothField


@dataclass(frozen=True, kw_only=True)
class BiasField(Stage):
    """Multiply the image by the exponential of a smooth random field.

    Notes
    -----
    As in SynthSeg (Billot et al., Medical Image Analysis 86, 2023): normal numbers of a standard deviation
    σ ~ U(0, 0.7) on a coarse grid, brought to the image's size linearly.
    """

    name: ClassVar[str] = "bias_field"

    prob: float = setting(0.95, "Probability that it happens", low=0, high=1)
    std: tuple[float, float] = setting((0.0, 0.7), "Standard deviation of the field's logarithm", low=0, high=5)
    node_share: float = setting(0.025, "Nodes of the coarse grid per voxel along an axis", low=0.001, high=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "std")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw how strong the field is, and the seed of its nodes."""
        nodes = [1 if n == 1 else max(2, math.ceil(round(self.node_share * n, 6))) for n in lattice.shape]
        return {"std": uniform(rng, self.std), "nodes": nodes, "seed": child_seed(rng)}


def log_field(
    params: Mapping[str, Any], lattice: Lattice, device: torch.device, window: Box | None = None
) -> SmoothField:
    """Return the logarithm of a bias field, made slab by slab.

    Parameters
    ----------
    params
        What :meth:`BiasField.draw` gave.
    lattice
        The voxels of the whole image.
    device
        Where it is made.
    window
        The part of the image that is wanted.
    """
    from .fields import SmoothField
    from .random import normal_nodes

    nodes = normal_nodes(params["seed"], (1, *params["nodes"]), device) * params["std"]
    return SmoothField(nodes, lattice.shape, device, window)
