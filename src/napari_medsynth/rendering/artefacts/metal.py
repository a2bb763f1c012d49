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

Centre = tuple[int, int, int]

PLACES = 12  #: that are drawn; the first in tissue is taken
AIR = -500.0  #: HU; below it, an image is one of CT
TISSUE = 0.2  #: share of the image's range from which on something counts as tissue


@dataclass(frozen=True, kw_only=True)
class Metal(Artefact):
    """A ball of metal lies in the tissue: a void that distorts what is near (MR), or a source of streaks (CT).

    MR's main field runs from foot to head, and CT's slices lie across that. A flat image is taken for such a slice of
    CT; one of MR that does not show that direction has the field along y.
    """

    name: ClassVar[str] = "metal"

    strength: tuple[float, float] = setting(
        (0.2, 0.8),
        "Strength; 1: distorts up to 5 radii away (MR), or streaks of 0.3 of the image's range (CT)",
        low=0,
        high=1,
    )
    kind: Literal["mr", "ct"] | None = setting(
        None, "Void and distortion, or streaks; left out, streaks if the image has air of CT (below -500)"
    )
    radius: tuple[float, float] = setting((3.0, 7.0), "Of the ball", unit="mm", low=0.1, high=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "radius")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, the radius in mm, places (shares of z, y, x), read-out axis and streaks' seed.

        The axis from foot to head, ``long``, follows from the lattice; the kind stays open if it is.
        """
        return {
            "strength": uniform(rng, self.strength),
            "radius": uniform(rng, self.radius),
            "places": [[uniform(rng, (0.2, 0.8)) for _ in range(3)] for _ in range(PLACES)],
            "swap": bool(rng.random() < 0.5),
            "seed": child_seed(rng),
            "kind": self.kind,
            "long": lattice.axis_through("IS"),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with metal in it; see :meth:`Artefact.apply`."""
        from .distortion import distort
        from .kspace import axes_of, floor_of

        if params["strength"] == 0:
            return image
        floor = floor_of(image)
        centre = _first_in_tissue(image - floor, params["places"])
        kind = params["kind"] or ("ct" if float(image.min()) < AIR else "mr")
        if kind == "ct":
            return _axial(image, params, lattice, centre)
        field, read = params["long"], axes_of(lattice, params["swap"])[2]
        if lattice.is_flat and field == 0:
            field = 1
        return distort(image, params, lattice, centre, field, read, float(floor))


def _axial(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice, centre: Centre) -> torch.Tensor:
    """Add streaks to the slices across the axis from foot to head."""
    from .streaks import add_streaks

    across = 0 if lattice.is_flat else params["long"]
    a, b, c = sorted(range(3), key=lambda axis: axis != across)
    shape, spacing = lattice.shape, lattice.spacing
    turned = Lattice((shape[a], shape[b], shape[c]), (spacing[a], spacing[b], spacing[c]))
    add_streaks(image.permute(a, b, c), params, turned, (centre[a], centre[b], centre[c]))
    return image


def _first_in_tissue(signal: torch.Tensor, places: list[list[float]]) -> Centre:
    """Return the voxel of the first place that is bright enough; of the first one if none is."""
    enough = TISSUE * float(signal.amax())
    voxels = [tuple(round(p * (n - 1)) for p, n in zip(place, signal.shape, strict=True)) for place in places]
    z, y, x = next((v for v in voxels if float(signal[v]) > enough), voxels[0])
    return z, y, x
