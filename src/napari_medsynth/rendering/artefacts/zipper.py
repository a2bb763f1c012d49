"""Lines of a foreign radio signal: :class:`Zipper`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...core.rng import child_seed, stream
from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch

BESIDE = 0.3  #: what a line's neighbours have of it


@dataclass(frozen=True, kw_only=True)
class Zipper(Artefact):
    """A door was open: a foreign signal of one frequency is a line across the read-out axis.

    Its phase has nothing to do with the scanner's, so the line is dashed: it adds to the image here, and there it takes
    away from it.
    """

    name: ClassVar[str] = "zipper"

    strength: tuple[float, float] = setting(
        (0.2, 0.8), "Strength; 1: lines as bright as the brightest voxel", low=0, high=1
    )
    lines: tuple[int, int] = setting((1, 3), "How many lines", low=1, high=20)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "lines")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, where the lines lie as shares of the read-out axis, that axis, and the signal's seed."""
        return {
            "strength": uniform(rng, self.strength),
            "places": [uniform(rng, (0, 1)) for _ in range(int(rng.integers(*self.lines, endpoint=True)))],
            "swap": bool(rng.random() < 0.5),
            "seed": child_seed(rng),
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with lines; see :meth:`Artefact.apply`."""
        import torch

        from .kspace import axes_of, floor_of, magnitude

        if params["strength"] == 0:
            return image
        floor = floor_of(image)
        height = params["strength"] * (image.amax() - floor)
        turned = image.permute(axes_of(lattice, params["swap"]))
        for number, place in enumerate(params["places"]):
            signal = _signal((turned.shape[0], turned.shape[1]), params["seed"], number)
            real, imaginary = (torch.from_numpy(part.copy()).to(image.device) for part in (signal.real, signal.imag))
            middle = round(place * (turned.shape[2] - 1))
            for column in range(max(0, middle - 1), min(turned.shape[2], middle + 2)):
                there = height * (1 if column == middle else BESIDE)
                voxels = turned[:, :, column]
                voxels.copy_(magnitude(voxels - floor + real * there, imaginary * there) + floor)
        return image


def _signal(shape: tuple[int, int], seed: int, number: int) -> np.ndarray[Any, np.dtype[np.complex64]]:
    """Return a line's signal ``(slice, phase)``: its phase drifts, its height comes and goes; at most 1."""
    rng = stream(seed, number)
    steps = rng.normal(0.5, 0.1, shape)  # turns from one voxel to the next: about half of one, which dashes the line
    turns = np.cumsum(steps, axis=1) + rng.uniform(0, 1, (shape[0], 1))
    height = np.clip(rng.normal(0.7, 0.25, shape), 0.1, 1)
    return np.asarray(height * np.exp(2j * np.pi * turns), dtype=np.complex64)
