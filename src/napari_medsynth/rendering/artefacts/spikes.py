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

    from .kspace import ComplexArray

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

        from .kspace import axes_of, floor_of, magnitude, parts_of, run

        if params["strength"] == 0:
            return image
        floor, points = floor_of(image), params["points"]
        height = HIGHEST * params["strength"] * (image.amax() - floor) / sum(point[3] for point in points)
        slices, rows, columns = image.permute(axes := axes_of(lattice)).shape
        waves = [parts_of(_wave((rows, columns), *point[1:]), image.device) for point in points]
        turns = [parts_of(np.exp(1j * np.pi * np.arange(slices) * p[0])[:, None, None], image.device) for p in points]

        def work(_: int, start: int, stop: int) -> None:
            part = image.permute(axes)[start:stop]
            real, imaginary = part - floor, torch.zeros_like(part)
            for (a, b), (c, d) in zip(waves, turns, strict=True):
                across, along = c[start:stop] * height, d[start:stop] * height
                real += a * across - b * along
                imaginary += a * along + b * across
            part.copy_(magnitude(real, imaginary).add_(floor))

        run(work, (slices, rows, columns), image.device)
        return image


def _wave(shape: tuple[int, int], row: float, column: float, height: float, turns: float) -> ComplexArray:
    """Return a wave over ``(phase, read)``; its frequencies are shares of the highest one, half a period a voxel."""
    rows, columns = (np.exp(1j * np.pi * f * np.arange(n)) for f, n in zip((row, column), shape, strict=True))
    return np.asarray(height * np.exp(2j * np.pi * turns) * rows[:, None] * columns)
