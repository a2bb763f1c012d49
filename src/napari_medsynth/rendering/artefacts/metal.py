"""An implant: :class:`Metal`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ...core.rng import child_seed
from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Metal(Artefact):
    """Metal."""

    name: ClassVar[str] = "metal"

    strength: tuple[float, float] = setting((0.1, 0.5), "Strength; 1: the largest and strongest", low=0, high=1)
    kind: Literal["mr", "ct"] = setting("mr", "MR: void and distortion; CT: streaks")
    radius: tuple[float, float] = setting((2.0, 6.0), "Of the implant", unit="mm", low=0.1, high=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "radius")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength, place and size."""
        return {
            "strength": uniform(rng, self.strength),
            "kind": self.kind,
            "radius": uniform(rng, self.radius),
            "centre": [uniform(rng, (0.25, 0.75)) for _ in range(3)],
            "swap": bool(rng.random() < 0.5),
            "seed": child_seed(rng),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
