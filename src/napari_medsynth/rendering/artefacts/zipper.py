"""Lines of a foreign radio signal: :class:`Zipper`."""

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
class Zipper(Artefact):
    """Dashed lines."""

    name: ClassVar[str] = "zipper"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: the lines are as bright as the brightest voxel", low=0, high=1
    )
    lines: tuple[int, int] = setting((1, 3), "How many", low=1, high=20)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "lines")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength and places."""
        count = int(rng.integers(*self.lines, endpoint=True))
        return {
            "strength": uniform(rng, self.strength),
            "places": [uniform(rng, (0, 1)) for _ in range(count)],
            "swap": bool(rng.random() < 0.5),
            "seed": child_seed(rng),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
