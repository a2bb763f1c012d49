"""Shadows of ultrasound: :class:`Shadow`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Shadow(Artefact):
    """Shadows."""

    name: ClassVar[str] = "shadow"

    strength: tuple[float, float] = setting(
        (0.2, 0.8), "Strength; 1: little is left below what attenuates most", low=0, high=1
    )
    count: tuple[int, int] = setting(
        (0, 3), "Shadows of what is not in the labels: calcifications, ribs, poor contact", low=0, high=20
    )
    width: tuple[float, float] = setting((2.0, 8.0), "Of these", unit="mm", low=0.1, high=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "count", "width")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength and places."""
        count = int(rng.integers(*self.count, endpoint=True))
        return {
            "strength": uniform(rng, self.strength),
            "shadows": [
                [uniform(rng, (0, 1)), uniform(rng, (0, 1)), uniform(rng, (0, 0.8)), uniform(rng, self.width)]
                for _ in range(count)
            ],
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
