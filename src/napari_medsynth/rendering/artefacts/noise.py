"""Noise: :class:`Noise`."""

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
class Noise(Artefact):
    """Noise."""

    name: ClassVar[str] = "noise"

    std: tuple[float, float] = setting(
        (0.0, 0.05), "Standard deviation", unit="of the image's unit", low=0, high=10_000
    )
    kind: Literal["gaussian", "rician", "chi"] = setting(
        "gaussian", "Gaussian; Rician: magnitude of one coil; chi: of several"
    )
    coils: int = setting(8, "Coils, for chi", low=1, high=128)
    g_factor: float = setting(
        1.0,
        "How much stronger the noise is in the middle of each slice than at its corners, as after parallel imaging",
        low=1,
        high=10,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "std")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the deviation and the seed of the noise."""
        coils = {"gaussian": 0, "rician": 1, "chi": self.coils}[self.kind]
        return {"std": uniform(rng, self.std), "coils": coils, "g_factor": self.g_factor, "seed": child_seed(rng)}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
