"""Shadows of ultrasound, and what is too bright below fluid: :class:`Shadow`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch

#: The cells in which transmission is worked out are at least this wide (mm), so that speckle counts for little, and
#: there are at most this many along an axis.
CELL, MOST_CELLS = 1.0, 96

#: Millimetres across the beam; an image that is wider is taken to be one of this width, as its voxels' size is unknown.
WIDEST = 100.0

#: What takes sound away: tissue of full brightness (from top to bottom), sides and calcium (per mm).
TISSUE, EDGE, HARD = 6.0, 0.6, 3.0

#: Limits of the logarithm of transmission at strength 1.
DEEPEST, BRIGHTEST = 3.0, 0.7

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Shadow(Artefact):
    """Less sound comes back from below what attenuates it, and more from below what does not; the beam runs along y.

    Brightness stands for attenuation: small things half as bright again as 99 % of the image (calcifications) throw
    shadows, and below dark regions (cysts) it is brighter than beside them, as the scanner makes up for the usual loss.
    Sides along the beam, as round objects have, refract it away: edge shadows. More shadows come from what no label
    shows, such as ribs and poor contact. What would be brighter than white is white.
    """

    name: ClassVar[str] = "shadow"

    strength: tuple[float, float] = setting(
        (0.2, 0.8), "Strength; 1: a twentieth is left in the deepest shadows", low=0, high=1
    )
    count: tuple[int, int] = setting((0, 2), "How many shadows there are of what no label shows", low=0, high=20)
    width: tuple[float, float] = setting((2.0, 8.0), "Width of those", unit="mm", low=0.1, high=200)
    white: float | None = setting(
        255.0, "What is this much above no signal is shown as white; left out, there is no limit", low=0, high=1_000_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "count", "width")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength and the shadows: their place along z, y and x as shares of these axes, and width in mm."""
        shadows = []
        for _ in range(int(rng.integers(*self.count, endpoint=True))):
            place = [uniform(rng, (0, 1)), uniform(rng, (0, 0.7)), uniform(rng, (0, 1))]
            shadows.append([*place, uniform(rng, self.width)])
        return {"strength": uniform(rng, self.strength), "shadows": shadows, "white": self.white}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with shadows; see :meth:`Artefact.apply`."""
        import torch
        from torch.nn.functional import avg_pool3d, interpolate

        from .kspace import floor_of, run

        if params["strength"] == 0:
            return image
        white = math.inf if params["white"] is None else params["white"]
        floor = floor_of(image)
        spacing = [step / max(1, lattice.extent[2] / WIDEST) for step in lattice.spacing]
        cells = [_cell(n, step) for n, step in zip(lattice.shape, spacing, strict=True)]
        coarse = avg_pool3d((image - floor)[None, None], cells, ceil_mode=True)[0, 0]
        steps = [cell * step for cell, step in zip(cells, spacing, strict=True)]
        passed = _transmission(coarse.cpu().numpy().astype(np.float64), params, steps)
        reached = tuple(n * cell for n, cell in zip(passed.shape[1:], cells[1:], strict=True))
        coarse = torch.from_numpy(_upsampled(passed, cells[0], lattice.shape[0])).to(image.device)

        def work(_: int, start: int, stop: int) -> None:
            part = image[start:stop]
            field = interpolate(coarse[None, start:stop], reached, mode="bilinear", align_corners=False)[0]
            seen = (part - floor).mul_(field[:, : part.shape[1], : part.shape[2]])
            part.copy_(seen.clamp_(max=white).add_(floor))

        run(work, lattice.shape, image.device)
        return image


def _cell(size: int, spacing: float) -> int:
    """Return how many voxels make a cell along an axis."""
    return min(size, max(1, round(CELL / spacing), -(-size // MOST_CELLS)))


def _transmission(signal: FloatArray, params: Mapping[str, Any], steps: list[float]) -> FloatArray:
    """Return how much sound comes back from each cell ``(z, y, x)``, relative to what is expected of its depth."""
    from scipy.ndimage import gaussian_filter

    spread = np.array([0.0 if n == 1 else CELL / step for n, step in zip(signal.shape, steps, strict=True)])
    smooth = gaussian_filter(signal, spread)
    full = np.percentile(smooth, 99) or 1  # brightness of all but calcifications, which are small
    bright = np.minimum(smooth / full, 1)
    calcium = np.clip(3 * (gaussian_filter(signal, 0.5 * spread) / full - 1.5), 0, 1)
    lost = TISSUE / (steps[1] * signal.shape[1]) * bright + EDGE * _edges(bright, steps) + HARD * calcium
    lost -= np.median(lost, axis=2, keepdims=True)  # what the scanner makes up for, depth by depth
    below = min(signal.shape[1], round(2 * CELL / steps[1]))  # what attenuates is itself seen
    log = np.zeros_like(lost)
    log[:, below:] = -np.cumsum(lost, axis=1)[:, : signal.shape[1] - below] * steps[1]
    for shadow in params["shadows"]:
        log -= DEEPEST * _drawn(shadow, signal.shape, steps)
    return np.asarray(np.exp(params["strength"] * np.clip(log, -DEEPEST, BRIGHTEST)))


def _edges(bright: FloatArray, steps: list[float]) -> FloatArray:
    """Return how steep brightness is across the beam (per mm) at sides that lie along it; noise is left out."""
    if min(bright.shape[1:]) < 2:
        return np.zeros_like(bright)
    down, across = np.gradient(bright, *steps[1:], axis=(1, 2))
    steep = across**2 / np.sqrt(across**2 + down**2 + 1e-12)
    return np.asarray(np.maximum(steep - 3 * np.median(steep), 0))


def _drawn(shadow: list[float], shape: tuple[int, ...], steps: list[float]) -> FloatArray:
    """Return the form of a drawn shadow, 0 … 1: from where it starts to the bottom, wider and softer further down."""
    z, y, x = ((np.arange(n) + 0.5 - place * n) * step for n, place, step in zip(shape, shadow[:3], steps, strict=True))
    width = shadow[3]
    wide = 1 + 0.2 * np.maximum(y, 0) / (shape[1] * steps[1])
    profile = np.exp(-np.log(2) * np.abs(x / (0.5 * width * wide[:, None])) ** 2.5)
    thick = np.ones(1) if shape[0] == 1 else np.exp(-np.log(2) * (z / width) ** 2)
    return np.asarray(thick[:, None, None] * (np.clip(y / (4 * CELL) + 0.5, 0, 1)[:, None] * profile))


def _upsampled(passed: FloatArray, cell: int, size: int) -> npt.NDArray[np.float32]:
    """Return slices between the centres of cells, as many as the image has."""
    place = np.clip((np.arange(size) + 0.5) / cell - 0.5, 0, len(passed) - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, len(passed) - 1)
    share = (place - low)[:, None, None]
    return np.asarray(passed[low] * (1 - share) + passed[high] * share, dtype=np.float32)
