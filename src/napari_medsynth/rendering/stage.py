"""What happens between labels and image, one thing a file: :class:`Stage` and :class:`Artefact`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.rng import stream
from ..core.settings import Settings, setting
from .lattice import Lattice

if TYPE_CHECKING:
    import torch

#: What a stage drew: plain JSON values, enough to do it again.
Params = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stage(Settings):
    """Settings of one stage; drawing is split from applying, as in a step.

    Each stage draws from a stream of its own, named after it: switching one on or off changes no other.
    """

    name: ClassVar[str]

    prob: float = setting(1.0, "Probability that it happens", low=0, high=1)

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Take every random decision; plain JSON values."""
        raise NotImplementedError

    def decide(self, lattice: Lattice, seed: int, channel: int = 0) -> Params | None:
        """Return what :meth:`draw` gives, or None if it does not happen this time.

        Parameters
        ----------
        lattice
            The voxels that it works on.
        seed
            Of the whole rendering.
        channel
            Which image of several on the same anatomy.
        """
        rng = stream(seed, channel, self.name)
        return self.draw(lattice, rng) if rng.random() < self.prob else None


@dataclass(frozen=True, kw_only=True)
class Artefact(Stage):
    """A stage that changes an image as it was taken, on the grid of the acquisition."""

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with the artefact.

        Parameters
        ----------
        image
            ``(z, y, x)`` float32 on any device; it may be overwritten.
        params
            What :meth:`draw` gave.
        lattice
            The voxels of ``image``.
        """
        raise NotImplementedError


def uniform(rng: np.random.Generator, interval: tuple[float, float], digits: int = 6) -> float:
    """Draw from an interval; rounded, so that records stay readable."""
    return round(float(rng.uniform(*interval)), digits)
