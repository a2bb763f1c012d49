"""Noise of the receiver: :class:`Noise`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ...core.rng import child_seed
from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Noise(Artefact):
    """White noise: added, or in the two parts of a complex signal whose absolute value the image is.

    The absolute value of the signal of one coil has a Rice distribution (Gudbjartsson and Patz, "The Rician
    distribution of noisy MRI data", Magnetic Resonance in Medicine 34, 1995), the root of the sum of squares of several
    coils a non-central chi distribution (Constantinides, Atalar and McVeigh, "Signal-to-noise measurements in magnitude
    images from NMR phased arrays", Magnetic Resonance in Medicine 38, 1997). In an image with negative values (CT) the
    lowest counts as no signal for these two.
    """

    name: ClassVar[str] = "noise"

    std: tuple[float, float] = setting(
        (0.0, 0.05), "Standard deviation, of each part of the signal", unit="of the image's unit", low=0, high=10_000
    )
    kind: Literal["gaussian", "rician", "chi"] = setting(
        "gaussian", "Added; absolute value of one coil's signal; root of the sum of squares of several"
    )
    coils: int = setting(8, "How many coils there are, for chi", low=1, high=128)
    g_factor: float = setting(
        1.0,
        "How many times stronger the noise is amid a slice than at its ends, as after parallel imaging",
        low=1,
        high=10,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "std")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the standard deviation, the noise's seed, and along which axis it changes; 0 coils: it is added."""
        coils = {"gaussian": 0, "rician": 1, "chi": self.coils}[self.kind]
        return {
            "std": uniform(rng, self.std),
            "seed": child_seed(rng),
            "swap": bool(rng.random() < 0.5),
            "coils": coils,
            "g_factor": self.g_factor,
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with noise; see :meth:`Artefact.apply`."""
        from .draws import chi_square, normal
        from .kspace import axes_of, floor_of, run

        coils, seed = params["coils"], params["seed"]
        if params["std"] == 0:
            return image
        std = _std(params, lattice, axes_of(lattice, params["swap"])[1], image.device)
        floor = floor_of(image)

        def work(number: int, start: int, stop: int) -> None:
            part, here = image[start:stop], std[start:stop] if len(std) > 1 else std
            part += normal(part.shape, seed, number, image.device).mul_(here)
            if coils:
                other = chi_square(2 * coils - 1, part.shape, seed, number, image.device).mul_(here * here)
                part.copy_((part - floor).square_().add_(other).sqrt_().add_(floor))

        run(work, lattice.shape, image.device)
        return image


def _std(params: Mapping[str, Any], lattice: Lattice, axis: int, device: torch.device) -> torch.Tensor:
    """Return the standard deviation along an axis; it broadcasts with the image."""
    import torch

    size = lattice.shape[axis]
    middle = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    std = params["std"] * (1 + (params["g_factor"] - 1) * middle)
    shape = [size if n == axis else 1 for n in range(3)]
    return torch.from_numpy(std.astype(np.float32)).reshape(shape).to(device)
