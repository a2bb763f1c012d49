"""The range of an image and its gamma: :class:`Intensity`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.settings import require_interval, setting
from .lattice import Lattice
from .stage import Params, Stage

if TYPE_CHECKING:
    import torch


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


@dataclass(frozen=True)
class Adjustment:
    """What :meth:`Intensity.draw` gave, for an image of known range.

    Parameters
    ----------
    params
        What was drawn.
    low, high
        Least and greatest value of the image.
    """

    params: Mapping[str, Any]
    low: float
    high: float

    def __call__(self, part: torch.Tensor) -> None:
        """Change a part of the image in place; where it has one value only, normalised it is 0."""
        clip = self.params["clip"] or (-math.inf, math.inf)
        low, high = (min(max(end, clip[0]), clip[1]) for end in (self.low, self.high))
        if not self.params["normalise"] and not self._bends:
            if (low, high) != (self.low, self.high):
                part.clamp_(low, high)
            return
        part.sub_(low).mul_(1 / (high - low) if high > low else 0.0).clamp_(0, 1)
        if self.params["invert"]:
            part.neg_().add_(1)
        if self.params["gamma"] != 1:
            part.log_().mul_(self.params["gamma"]).exp_()  # a third of what a power costs; 0 stays 0
        if not self.params["normalise"]:
            part.mul_(high - low).add_(low)

    @property
    def _bends(self) -> bool:
        return bool(self.params["invert"]) or self.params["gamma"] != 1
