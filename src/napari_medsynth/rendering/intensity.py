"""The range of an image and its gamma: :class:`Intensity`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.settings import require_interval, setting
from .lattice import Lattice
from .stage import Params, Stage


@dataclass(frozen=True, kw_only=True)
class Intensity(Stage):
    """Clip an image, bring it to 0 … 1 and bend its range.

    Notes
    -----
    As in SynthSeg (Billot et al., Medical Image Analysis 86, 2023): clipped to 0 … 300, least and greatest value
    become 0 and 1, then raised to a power whose logarithm is normal with a standard deviation of 0.5.
    """

    name: ClassVar[str] = "intensity"

    clip: tuple[float, float] | None = setting((0.0, 300.0), "Values beyond are set to these ends; none to keep them")
    normalise: bool = setting(True, "Bring the least value to 0 and the greatest to 1; else the range stays")
    gamma: float = setting(0.5, "Standard deviation of the logarithm of the exponent", low=0, high=2)
    invert: float = setting(0.0, "Probability that bright becomes dark", low=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip is not None:
            require_interval(self, "clip")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the exponent and whether the range is turned around."""
        exponent = round(math.exp(self.gamma * rng.standard_normal()), 6)
        return {
            "clip": None if self.clip is None else list(self.clip),
            "normalise": self.normalise,
            "gamma": exponent,
            "invert": bool(rng.random() < self.invert),
        }
