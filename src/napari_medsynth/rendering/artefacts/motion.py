"""Movement during the acquisition: :class:`Motion`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Motion(Artefact):
    """Movement."""

    name: ClassVar[str] = "motion"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: turns of up to 10 degrees, shifts of up to 10 mm", low=0, high=1
    )
    movements: tuple[int, int] = setting((1, 4), "How often the patient moves", low=1, high=16)
    kind: Literal["sudden", "slow"] = setting("sudden", "Jerks, or drifts from one pose to the next")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "movements")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw strength, times and poses."""
        count = int(rng.integers(*self.movements, endpoint=True))
        return {
            "strength": uniform(rng, self.strength),
            "kind": self.kind,
            "poses": [[uniform(rng, (0, 1))] + [uniform(rng, (-1, 1)) for _ in range(3)] for _ in range(count)],
            "swap": bool(rng.random() < 0.5),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with it; see :meth:`Artefact.apply`."""
        return image
