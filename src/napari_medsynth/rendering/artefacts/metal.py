"""Metal implants: :class:`Metal`."""

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

PLACES = 12  #: that are drawn; the first in tissue is taken
TISSUE = 0.2  #: share of the image's range from which on something counts as tissue


@dataclass(frozen=True, kw_only=True)
class Metal(Artefact):
    """A ball of metal lies in the tissue: a void that distorts what is near (MR), or a source of streaks (CT)."""

    name: ClassVar[str] = "metal"

    strength: tuple[float, float] = setting(
        (0.2, 0.8),
        "Strength; 1: distorts by up to 40 mm (MR), or streaks of an eighth of the image's range",
        low=0,
        high=1,
    )
    kind: Literal["mr", "ct"] = setting("mr", "Void and distortion, or streaks")
    radius: tuple[float, float] = setting((2.0, 6.0), "Of the ball", unit="mm", low=0.1, high=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "radius")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, the radius in mm, places (shares of z, y, x), read-out axis and streaks' seed."""
        return {
            "strength": uniform(rng, self.strength),
            "radius": uniform(rng, self.radius),
            "places": [[uniform(rng, (0.2, 0.8)) for _ in range(3)] for _ in range(PLACES)],
            "swap": bool(rng.random() < 0.5),
            "seed": child_seed(rng),
            "kind": self.kind,
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with metal in it; see :meth:`Artefact.apply`."""
        from .distortion import distort
        from .kspace import axes_of, floor_of
        from .streaks import add_streaks

        if params["strength"] == 0:
            return image
        floor = floor_of(image)
        centre = _first_in_tissue(image - floor, params["places"])
        if params["kind"] == "ct":
            return add_streaks(image, params, lattice, centre)
        return distort(image, params, lattice, centre, axes_of(lattice, params["swap"])[2], float(floor))


def _first_in_tissue(signal: torch.Tensor, places: list[list[float]]) -> tuple[int, int, int]:
    """Return the voxel of the first place that is bright enough; of the first one if none is."""
    enough = TISSUE * float(signal.amax())
    voxels = [tuple(round(p * (n - 1)) for p, n in zip(place, signal.shape, strict=True)) for place in places]
    z, y, x = next((v for v in voxels if float(signal[v]) > enough), voxels[0])
    return z, y, x
