"""Ringing beside edges: :class:`Gibbs`."""

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

LEFT = 0.2  #: share of k-space that is measured along an axis at strength 1


@dataclass(frozen=True, kw_only=True)
class Gibbs(Artefact):
    """The outer part of k-space was not measured and is filled with zeros.

    Edges then ring: the first swing beyond a step is 9 % of its height, however much was measured, and lies half a
    true voxel away.
    """

    name: ClassVar[str] = "gibbs"

    strength: tuple[float, float] = setting(
        (0.2, 0.6), "Strength; 1: a fifth of k-space is left along an axis", low=0, high=1
    )
    both: bool = setting(False, "Along both axes of the slices; otherwise along one of them")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, and along which axis edges ring."""
        return {"strength": uniform(rng, self.strength), "swap": bool(rng.random() < 0.5), "both": self.both}

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image with ringing; see :meth:`Artefact.apply`."""
        import torch

        from .kspace import axes_of, replace_slices

        if params["strength"] == 0:
            return image
        axes = axes_of(lattice, params["swap"])
        sizes = [lattice.shape[axis] for axis in axes[1:]]
        keep = _kept(sizes[0], params["strength"])[:, None]
        if params["both"]:
            keep = keep * _kept(sizes[1], params["strength"])
        kept = torch.from_numpy(keep[:, : sizes[1] // 2 + 1].astype(np.float32)).to(image.device)

        def change(slab: torch.Tensor) -> torch.Tensor:
            back: torch.Tensor = torch.fft.irfft2(torch.fft.rfft2(slab) * kept, s=sizes)
            return back.abs_()

        return replace_slices(image, axes, change)


def _kept(size: int, strength: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the share of each line that is kept; only the outermost lines are kept in part, so that all is smooth."""
    from .kspace import frequencies

    highest = LEFT**strength * size / 2
    return np.asarray(np.clip(highest + 1 - np.abs(frequencies(size)), 0, 1))
