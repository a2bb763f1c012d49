"""How a lesion is changed before it is placed: :class:`Morph`, and :class:`Variation`, what it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.rng import MAX_SEED, child_seed
from ..core.settings import Settings, require_interval, setting

#: Share of nodules up to each diameter in mm, of the 1 186 in NODE21's training set (drawn from LIDC-IDRI);
#: the smallest is taken as 5 mm.
NODULE_DIAMETERS = ((0.0, 5.0), (0.1, 6.0), (0.25, 7.0), (0.5, 9.0), (0.75, 14.0), (0.9, 22.0), (1.0, 46.0))

#: From this scale on, half of the fine texture is made anew: a magnified one looks smooth.
_NEW_TEXTURE_SCALE = 2.0


@dataclass(frozen=True, kw_only=True)
class Morph(Settings):
    """Changes to one lesion, about its centroid, in this order: flip, stretch and scale, rotation, elastic, growth."""

    scale: float = setting(1.0, "Size of the lesion against its seed", unit="×", low=0.1, high=10)
    stretch: tuple[float, float, float] = setting(
        (1.0, 1.0, 1.0), "Further size along the seed's own z, y, x axes", unit="×", low=0.2, high=5
    )
    rotation_deg: tuple[float, float, float] = setting(
        (0.0, 0.0, 0.0), "Rotation about the seed's own z, y, x axes", unit="degrees", low=-360, high=360
    )
    flip: tuple[bool, bool, bool] = setting((False, False, False), "Mirror along the seed's own z, y, x axes")
    elastic_mm: float = setting(0.0, "Standard deviation of a smooth random displacement", unit="mm", low=0, high=10)
    elastic_grid_mm: float = setting(8.0, "Distance over which that displacement changes", unit="mm", low=2, high=60)
    growth_mm: float = setting(0.0, "How far the contour moves outwards; below 0 inwards", unit="mm", low=-20, high=20)
    volume_ml: float | None = setting(
        None, "Volume to reach by moving the contour, in place of growth", unit="mL", low=0.001, high=2000
    )
    hu_shift: float = setting(0.0, "Added to the lesion", unit="HU", low=-1000, high=1000)
    new_texture: float = setting(0.0, "Share of the fine texture that is made anew", low=0, high=1)
    seed: int = setting(0, "Seed of displacement and texture", low=0, high=MAX_SEED)

    @property
    def is_identity(self) -> bool:
        """Whether the lesion stays as it was cut out."""
        return self == Morph(seed=self.seed, elastic_grid_mm=self.elastic_grid_mm)


@dataclass(frozen=True, kw_only=True)
class Variation(Settings):
    """Ranges that a :class:`Morph` is drawn from, uniformly unless said."""

    size: Literal["seed", "nodule", "range"] = setting(
        "seed", "Diameter: the seed's own times `scale`, NODE21's distribution, or uniform in `diameter_mm`"
    )
    scale: tuple[float, float] = setting((0.8, 1.25), "Size against the seed, log-uniform", unit="×", low=0.1, high=10)
    diameter_mm: tuple[float, float] = setting(
        (5.0, 30.0), "Diameter of the ball of the same volume", unit="mm", low=1, high=150
    )
    stretch: tuple[float, float] = setting((0.85, 1.15), "Further size along each axis", unit="×", low=0.2, high=5)
    rotation_deg: float = setting(180.0, "Largest rotation about the body's long axis", unit="degrees", low=0, high=180)
    tilt_deg: float = setting(25.0, "Largest rotation about the other two axes", unit="degrees", low=0, high=180)
    flip: bool = setting(True, "Mirror along each axis, half of the time")
    elastic: tuple[float, float] = setting(
        (0.0, 0.06), "Standard deviation of displacement against diameter", unit="×", low=0, high=0.2
    )
    growth_mm: tuple[float, float] = setting((0.0, 0.0), "How far the contour moves out", unit="mm", low=-20, high=20)
    hu_shift: tuple[float, float] = setting((-20.0, 20.0), "Added to the lesion", unit="HU", low=-1000, high=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "scale", "diameter_mm", "stretch", "elastic", "growth_mm", "hu_shift")

    def draw(self, diameter_mm: float, rng: np.random.Generator) -> Morph:
        """Draw a morph for a seed of this diameter (of the ball of the same volume, in mm)."""
        scale = float(np.clip(self.diameter(diameter_mm, rng) / diameter_mm, 0.1, 10))
        diameter = diameter_mm * scale
        turn, tilt = self.rotation_deg, self.tilt_deg
        angles = [rng.uniform(-limit, limit) for limit in (turn, tilt, tilt)]
        elastic = min(float(rng.uniform(*self.elastic)) * diameter, 10)
        return Morph(
            scale=scale,
            stretch=_three(rng.uniform(*self.stretch, 3)),
            rotation_deg=_three(angles),
            flip=tuple(bool(v) for v in rng.random(3) < 0.5 * self.flip),  # type: ignore[arg-type]
            elastic_mm=elastic,
            elastic_grid_mm=float(np.clip(max(diameter / 2.5, 4 * elastic), 4, 60)),
            growth_mm=float(rng.uniform(*self.growth_mm)),
            hu_shift=float(rng.uniform(*self.hu_shift)),
            new_texture=float(np.clip((scale - 1.2) / (2 * (_NEW_TEXTURE_SCALE - 1.2)), 0, 1)),
            seed=child_seed(rng),
        )

    def diameter(self, seed_mm: float, rng: np.random.Generator) -> float:
        """Draw a diameter in mm for a seed of ``seed_mm``."""
        if self.size == "seed":
            low, high = np.log(self.scale)
            return seed_mm * float(np.exp(rng.uniform(low, high)))
        if self.size == "range":
            return float(rng.uniform(*self.diameter_mm))
        share, diameter = zip(*NODULE_DIAMETERS, strict=True)
        return float(np.interp(rng.random(), share, diameter))


def _three(values: object) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in values)  # type: ignore[attr-defined]
    return z, y, x
