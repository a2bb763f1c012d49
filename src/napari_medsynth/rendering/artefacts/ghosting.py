"""Copies of the image along the phase axis: :class:`Ghosting`."""

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
class Ghosting(Artefact):
    """Ghosts."""

    name: ClassVar[str] = "ghosting"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: the ghosts together are half as bright as the image", low=0, high=1
    )
    ghosts: tuple[int, int] = setting(
        (2, 6), "Ghosts that fit into the field of view: their distance is its width over this", low=2, high=32
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "ghosts")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength, number, phase and axis."""
        return {
            "strength": uniform(rng, self.strength),
            "ghosts": int(rng.integers(*self.ghosts, endpoint=True)),
            "phase": uniform(rng, (0, 1)),
            "swap": bool(rng.random() < 0.5),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
