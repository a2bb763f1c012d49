"""Single points of k-space that are far too bright: :class:`Spikes`."""

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

HIGHEST = 0.25  #: what the waves add up to at most at strength 1, as a share of the brightest voxel


@dataclass(frozen=True, kw_only=True)
class Spikes(Artefact):
    """A spark or a bad contact makes points of k-space bright, each a wave over the whole image: stripes.

    Two or more make the pattern that is known as herringbone or corduroy.
    """

    name: ClassVar[str] = "spikes"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: stripes of a quarter of the brightest voxel", low=0, high=1
    )
    count: tuple[int, int] = setting((1, 3), "How many points", low=1, high=20)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "count")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength and the points.

        Each is its place along the slices, phase and read-out axes as a share of the highest frequency, its height as a
        share of the strength, and its phase in turns.
        """
        points = []
        for _ in range(int(rng.integers(*self.count, endpoint=True))):
            radius, angle = rng.uniform(0.05, 0.7), rng.uniform(0, 2 * np.pi)
            place = [rng.uniform(-1, 1), radius * np.sin(angle), radius * np.cos(angle)]
            points.append([round(float(v), 6) for v in (*place, rng.uniform(0.5, 1), rng.uniform(0, 1))])
        return {"strength": uniform(rng, self.strength), "points": points}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with stripes; see :meth:`Artefact.apply`."""
        import torch

        from .kspace import axes_of, floor_of, magnitude

        if params["strength"] == 0:
            return image
        floor = floor_of(image)
        height = HIGHEST * params["strength"] * (image.amax() - floor)
        turned = image.permute(axes_of(lattice))
        in_slice = [_wave(turned.shape[1:], *point[1:]) for point in params["points"]]
        height = height / sum(point[3] for point in params["points"])
        for number, part in enumerate(turned):
            turns = [np.exp(1j * np.pi * number * point[0]) for point in params["points"]]
            wave = np.asarray(sum(t * w for t, w in zip(turns, in_slice, strict=True)), dtype=np.complex64)
            real, imaginary = (torch.from_numpy(w.copy()).to(image.device) for w in (wave.real, wave.imag))
            part.copy_(magnitude(part - floor + real * height, imaginary * height) + floor)
        return image


def _wave(shape: tuple[int, ...], row: float, column: float, height: float, turns: float) -> Any:
    """Return a wave over ``(phase, read)``; its frequencies are shares of the highest one, half a period a voxel."""
    rows, columns = (np.exp(1j * np.pi * f * np.arange(n)) for f, n in zip((row, column), shape, strict=True))
    return height * np.exp(2j * np.pi * turns) * rows[:, None] * columns
