"""Variation inside classes, and classes that share a voxel: :class:`Texture`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.rng import child_seed
from ..core.settings import require_interval, setting
from .lattice import Lattice
from .stage import Params, Stage, uniform


@dataclass(frozen=True, kw_only=True)
class Texture(Stage):
    """Make a part of each class's variation smooth, as tissue is, and let classes share the voxels between them.

    Notes
    -----
    A class of standard deviation σ keeps it: a share of its variance, drawn for each class, is a smooth field and the
    rest is white. Partial volume blurs the maps of means and of variances, which are linear in the share that each
    class has of a voxel: it equals blurring the one-hot map of every class (Billot et al., "Partial volume segmentation
    of brain MRI scans of any resolution and contrast", MICCAI 2020), at a cost that is the same for any number of them.
    """

    name: ClassVar[str] = "texture"

    share: tuple[float, float] = setting((0.0, 0.5), "Share of a class's variance that is smooth", low=0, high=1)
    fwhm: tuple[float, float] = setting((2.0, 6.0), "Width of what is smooth", unit="mm", low=0.1, high=100)
    partial_volume: tuple[float, float] = setting(
        (0.0, 0.0), "Width over which neighbouring classes mix", unit="mm", low=0, high=20
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "share", "fwhm", "partial_volume")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the widths, and the seed of the field and of the classes' shares."""
        return {
            "fwhm": uniform(rng, self.fwhm),
            "partial_volume": uniform(rng, self.partial_volume),
            "share": list(self.share),
            "seed": child_seed(rng),
        }
