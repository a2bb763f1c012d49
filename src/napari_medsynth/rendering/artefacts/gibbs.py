"""Ringing at edges: :class:`Gibbs`."""

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
class Gibbs(Artefact):
    """Ringing."""

    name: ClassVar[str] = "gibbs"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: three quarters of k-space are missing along an axis", low=0, high=1
    )
    both: bool = setting(False, "Along both axes of a slice, in place of one")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength and axis."""
        return {"strength": uniform(rng, self.strength), "both": self.both, "swap": bool(rng.random() < 0.5)}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
