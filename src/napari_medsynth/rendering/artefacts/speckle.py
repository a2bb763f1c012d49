"""Speckle of ultrasound: :class:`Speckle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...core.rng import child_seed
from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Speckle(Artefact):
    """Speckle."""

    name: ClassVar[str] = "speckle"

    strength: tuple[float, float] = setting(
        (0.2, 0.6), "Strength; 1: the envelope as it is received; lower: as a display compresses it", low=0, high=1
    )
    axial: tuple[float, float] = setting((0.3, 0.6), "Resolution along the beam, y", unit="mm", low=0.01, high=20)
    lateral: tuple[float, float] = setting(
        (0.8, 1.6), "Resolution across the beam, x and z", unit="mm", low=0.01, high=20
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "axial", "lateral")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength, resolution and the seed of the scatterers."""
        return {
            "strength": uniform(rng, self.strength),
            "axial": uniform(rng, self.axial),
            "lateral": uniform(rng, self.lateral),
            "seed": child_seed(rng),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
