"""Copies of the image along the phase-encoding axis: :class:`Ghosting`."""

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

    from .kspace import ComplexArray

HIGHEST = 0.6  #: the nearest copies at strength 1, as a share of the image
LARGEST_BREATH = 5.0  #: mm, from one end to the middle, at strength 1
TURNED = 1 / 12  #: turns by which a copy's phase is at most away from that of the image, or from the opposite


@dataclass(frozen=True, kw_only=True)
class Ghosting(Artefact):
    """Something repeats itself while k-space is read line by line, which puts copies beside the image.

    A change with a period of ``n`` lines puts copies at multiples of an ``n``-th of the field of view (Wood and
    Henkelman, "MR image artifacts from periodic motion", Medical Physics 12, 1985). Flow and pulsation change how
    bright a line is, and copy all of the image. Breathing shifts it to and fro, which copies its edges.

    Where a copy has the phase of what it lies on it brightens that, with the opposite phase it darkens it; copies of
    phases between hardly show on tissue, so pulsation is given none.
    """

    name: ClassVar[str] = "ghosting"

    strength: tuple[float, float] = setting(
        (0.2, 0.7), "Strength; 1: nearest copies 0.6 as bright as the image, or breathing by 5 mm", low=0, high=1
    )
    ghosts: tuple[int, int] = setting(
        (2, 6), "Lines in a period: this many copies fit into the field of view", low=2, high=64
    )
    kind: Literal["pulsation", "breathing"] = setting("pulsation", "Copies of all, or of edges that move")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "ghosts")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, the number of copies, their phases in turns, and along which axis they lie."""
        return {
            "strength": uniform(rng, self.strength),
            "ghosts": int(rng.integers(*self.ghosts, endpoint=True)),
            "phases": [round(uniform(rng, (-TURNED, TURNED)) + 0.5 * int(rng.integers(2)), 6) for _ in range(2)],
            "swap": bool(rng.random() < 0.5),
            "kind": self.kind,
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with its copies; see :meth:`Artefact.apply`."""
        import torch

        from .kspace import axes_of, magnitude, parts_of, product, replace_slices

        axes = axes_of(lattice, params["swap"])
        size, spacing = lattice.shape[axes[1]], lattice.spacing[axes[1]]
        if params["strength"] == 0 or size == 1:
            return image
        lines = _breathing(size, spacing, params) if params["kind"] == "breathing" else _pulsation(size, params)

        factor = parts_of(lines[:, None], image.device)

        def change(slab: torch.Tensor) -> torch.Tensor:
            back = torch.fft.ifft(product(torch.fft.fft(slab, dim=1), factor), dim=1)
            return magnitude(back.real, back.imag)

        return replace_slices(image, axes, change)


def _pulsation(size: int, params: Mapping[str, Any]) -> ComplexArray:
    """Return how much each line is changed: by 1 on average, and by copies that weaken with their distance."""
    from .kspace import frequencies

    ghosts, phases = params["ghosts"], params["phases"]
    places = np.arange(1, ghosts)
    distance = np.minimum(places, ghosts - places)
    turns = distance * np.where(2 * places <= ghosts, phases[0], phases[1])
    weights = HIGHEST * params["strength"] * distance**-2.0
    waves = np.exp(2j * np.pi * (frequencies(size)[:, None] * places / ghosts + turns))
    return np.asarray(1 + waves @ weights)


def _breathing(size: int, spacing: float, params: Mapping[str, Any]) -> ComplexArray:
    """Return the phase of each line of an image that is shifted to and fro; where it is in the middle one stays."""
    from .kspace import frequencies

    lines = frequencies(size)
    swing = np.cos(2 * np.pi * (lines / params["ghosts"] + params["phases"][0]))
    shift = LARGEST_BREATH * params["strength"] / spacing * (swing - swing[0])
    return np.asarray(np.exp(-2j * np.pi * lines * shift / size))
