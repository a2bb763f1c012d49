"""Speckle of ultrasound: :class:`Speckle`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...core.rng import child_seed
from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch

FloatArray = npt.NDArray[np.float32]

FWHM = 2.3548  #: of a normal distribution, in standard deviations
TOGETHER = 8  #: slices at least that are made one after another, as each needs the echoes of its neighbours
FINEST = 1.5  #: voxels to a resolution cell along the beam, at least: a scanner's image is finer than its resolution


@dataclass(frozen=True, kw_only=True)
class Speckle(Artefact):
    """Echoes of many scatterers too small to be told apart add up by chance; the beam runs along y.

    The sum of the echoes within a resolution cell is a complex normal variable. Its absolute value, the envelope, has
    a Rayleigh distribution with a mean of 1.91 standard deviations (Burckhardt, "Speckle in ultrasound B-mode scans",
    IEEE Transactions on Sonics and Ultrasonics 25, 1978). A display compresses it, which is done here by a power; the
    image is multiplied by that, scaled so that its mean stays. Where voxels are too large to show a resolution cell it
    is made larger, and keeps its form. What would be brighter than white is white.
    """

    name: ClassVar[str] = "speckle"

    strength: tuple[float, float] = setting(
        (0.2, 0.6), "Power of the envelope; 1: as it is received; lower: as displays compress it", low=0, high=1
    )
    axial: tuple[float, float] = setting((0.25, 0.5), "Resolution along the beam, y", unit="mm", low=0.01, high=20)
    lateral: tuple[float, float] = setting((0.8, 1.8), "Resolution across the beam", unit="mm", low=0.01, high=20)
    white: float | None = setting(
        255.0, "What is this much above no signal is shown as white; left out, there is no limit", low=0, high=1_000_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "axial", "lateral")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, the resolution (full width at half maximum, mm) and the scatterers' seed."""
        return {
            "strength": uniform(rng, self.strength),
            "axial": uniform(rng, self.axial),
            "lateral": uniform(rng, self.lateral),
            "seed": child_seed(rng),
            "white": self.white,
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with speckle; see :meth:`Artefact.apply`."""
        from .kspace import floor_of, run

        power, white = params["strength"], math.inf if params["white"] is None else params["white"]
        if power == 0:
            return image
        floor = floor_of(image)
        mean = 2 ** (power / 2) * math.gamma(1 + power / 2)

        def work(_: int, first: int, last: int) -> None:
            start, stop = first * TOGETHER, min(last * TOGETHER, len(image))
            echoes = _echoes(start, stop, params, lattice, image.device)
            for part, (real, imaginary) in zip(image[start:stop], echoes, strict=True):
                envelope = (real.square() + imaginary.square()).log_().mul_(power / 2).exp_()
                part.copy_((part - floor).mul_(envelope).div_(mean).clamp_(max=white).add_(floor))

        run(work, (-(-len(image) // TOGETHER), *lattice.shape[1:]), image.device)
        return image


def _echoes(
    start: int, stop: int, params: Mapping[str, Any], lattice: Lattice, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give real and imaginary part of the echoes of some slices; each has a standard deviation of 1."""
    import torch

    from .draws import normal

    coarser = max(1.0, FINEST * lattice.spacing[1] / params["axial"])
    cell = (params["lateral"], params["axial"], params["lateral"])
    widths = [coarser * size / FWHM / step for size, step in zip(cell, lattice.spacing, strict=True)]
    across = [1.0] if lattice.is_flat else _across(widths[0])
    passed = torch.from_numpy(_passed(lattice.shape[1:], widths[1:])).to(device)
    near: deque[torch.Tensor] = deque(maxlen=len(across))
    for number in range(start, stop + len(across) - 1):
        spectrum = normal((2, *lattice.shape[1:]), params["seed"], number, device).mul_(passed)
        near.append(torch.view_as_real(torch.fft.ifft2(torch.complex(*spectrum), norm="ortho")))
        if len(near) == len(across):
            mixed = sum((field * weight for field, weight in zip(near, across, strict=True)), torch.zeros_like(near[0]))
            yield mixed[..., 0], mixed[..., 1]


def _passed(shape: tuple[int, ...], widths: list[float]) -> FloatArray:
    """Return what a resolution cell passes of each frequency ``(y, x)``; the variance of white noise stays 1."""
    lines = (np.exp(-2 * (np.pi * w * np.fft.fftfreq(n)) ** 2) for n, w in zip(shape, widths, strict=True))
    rows, columns = (line / np.sqrt(np.mean(line**2)) for line in lines)
    return np.asarray(rows[:, None] * columns, dtype=np.float32)


def _across(width: float) -> list[float]:
    """Return the weights of neighbouring slices, whose squares add up to 1."""
    reach = int(2.5 * width + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 1e-6)) ** 2)
    return [float(w) for w in weights / np.sqrt(np.sum(weights**2))]
