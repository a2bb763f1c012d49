"""A field of view that is smaller than the body: :class:`Wrap`."""

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

SMALLEST_VIEW = 0.6  #: share of the image that the field of view covers at strength 1


@dataclass(frozen=True, kw_only=True)
class Wrap(Artefact):
    """The field of view is smaller than the image along one axis: what lies outside appears on the other side.

    An image of a field of view repeats itself beyond its ends. It is shown as far as the image reached before, so every
    label still has its anatomy: a strip at each of the two sides shows both of them, one over the other.
    """

    name: ClassVar[str] = "wrap"

    strength: tuple[float, float] = setting(
        (0.2, 0.6), "Strength; 1: the field of view is 40 % too small", low=0, high=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, and along which axis the field of view is too small."""
        return {"strength": uniform(rng, self.strength), "swap": bool(rng.random() < 0.5)}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image folded over; see :meth:`Artefact.apply`."""
        from .kspace import axes_of, floor_of

        axis = axes_of(lattice, params["swap"])[1]
        size = lattice.shape[axis]
        outside = round((1 - SMALLEST_VIEW) * params["strength"] * size)
        if outside == 0:
            return image
        first, last = image.narrow(axis, 0, outside), image.narrow(axis, size - outside, outside)
        both = first + last - floor_of(image)
        first.copy_(both)
        last.copy_(both)
        return image
