"""How large the voxels of the scan are and what they blur: :class:`Resolution`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..core.settings import require_interval, setting
from .lattice import Lattice
from .stage import Params, Stage

#: Between which sides of the patient slices are thick.
_THICK = {"sagittal": "LR", "coronal": "AP", "axial": "IS"}


@dataclass(frozen=True, kw_only=True)
class Resolution(Stage):
    """Take the image in voxels larger than the label map's, of slices as thick or thinner than their distance.

    An axis whose drawn voxels are not larger than the label map's keeps its own.

    Notes
    -----
    As in SynthSeg (Billot et al., Medical Image Analysis 86, 2023): usually one axis has large voxels, sometimes all
    do, sometimes none. What a voxel sees is Gaussian with σ = 0.75 · min(voxel, slice thickness), and 0.5 voxel along
    axes that keep their voxels; the thickness is drawn between the label map's voxels and the scan's.
    """

    name: ClassVar[str] = "resolution"

    prob_iso: float = setting(0.1, "Probability of large voxels along all axes, not one", low=0, high=1)
    prob_min: float = setting(0.05, "Probability of the label map's own voxels", low=0, high=1)
    iso: tuple[float, float] = setting((0.0, 4.0), "Voxel size when all axes are large", unit="mm", low=0, high=100)
    aniso: tuple[float, float] = setting((0.0, 8.0), "Voxel size when one axis is large", unit="mm", low=0, high=100)
    slices: Literal["any", "sagittal", "coronal", "axial"] = setting(
        "any", "Slices whose thickness is large, if one is"
    )
    blur: float = setting(1.03, "Factor up to which a voxel sees more or less than it should", low=1, high=10)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "iso", "aniso")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw voxel size, slice thickness and the width of what a voxel sees, in mm along z, y and x."""
        own, axes = np.array(lattice.spacing), list(lattice.axes)
        all_axes, own_voxels = rng.random(2) < (self.prob_iso, self.prob_min)
        iso, aniso = (rng.uniform(np.maximum(own, low), np.maximum(own, high)) for low, high in (self.iso, self.aniso))
        picked = rng.random()
        shares, factors = rng.random(3), rng.uniform(1 / self.blur, self.blur, size=3)
        voxel = own.copy()
        if all_axes and not own_voxels:
            voxel[axes] = iso[axes]
        elif axes and not own_voxels:
            axis = axes[int(picked * len(axes))] if self.slices == "any" else lattice.axis_through(_THICK[self.slices])
            voxel[axis] = aniso[axis] if axis in axes else own[axis]
        thickness = own + (voxel - own) * shares
        sigma = np.where(voxel > own, 0.75 * np.minimum(voxel, thickness), 0.5 * own) * factors
        drawn = {"voxel": voxel, "thickness": thickness, "sigma": sigma}
        return {name: [round(float(v), 6) for v in values] for name, values in drawn.items()}
