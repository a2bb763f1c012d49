"""Lesions that were never in a patient: :class:`SyntheticLesion` makes a seed of numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..core.affine import Affine, FloatArray
from ..core.labels import LabelMap
from ..core.rng import MAX_SEED
from ..core.settings import Settings, setting
from ..core.volume import Volume
from .seed import LESION, Seed, SeedInfo, checksum
from .texture import Field, grain

Kind = Literal["solid", "spiculated", "part-solid", "ground-glass", "calcified", "cavitated"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: HU of solid nodules and of ground glass, and the HU above which calcium is certain: Hansell et al., Fleischner
#: Society glossary, Radiology 246 (2008); Henschke et al., AJR 178 (2002), for part-solid nodules.
_SOLID_HU, _GLASS_HU, _CALCIUM_HU, _AIR_HU = 30.0, -620.0, 400.0, -950.0
_MARGIN_MM = 6.0
_BLUR_MM = 0.6  #: the scanner's blur (standard deviation), which makes the rim


@dataclass(frozen=True, kw_only=True)
class SyntheticLesion(Settings):
    """A lesion made from an ellipsoid with a rough surface; every number may be asked for."""

    kind: Kind = setting("solid", "What it looks like")
    diameter_mm: float = setting(12.0, "Diameter of the ball of the same volume", unit="mm", low=2, high=120)
    elongation: float = setting(1.25, "Longest axis against the shortest", unit="×", low=1, high=4)
    roughness: float = setting(0.12, "Standard deviation of the surface against the radius", low=0, high=0.4)
    spicules: int = setting(14, "Spikes of a spiculated lesion", low=0, high=80)
    core_share: float = setting(
        0.5, "Diameter of the solid, calcified or hollow part against the whole", low=0, high=0.9
    )
    hu: float | None = setting(None, "HU of the main part; the kind's own if left out", unit="HU", low=-1000, high=2000)
    texture_hu: float = setting(18.0, "Standard deviation of the inside", unit="HU", low=0, high=300)
    ring_hu: float = setting(-850.0, "HU of what it will be put into", unit="HU", low=-1024, high=2000)
    seed: int = setting(0, "Seed of its shape and texture", low=0, high=MAX_SEED)

    def make(self) -> Seed:
        """Make the seed: an image around the lesion and its mask, ``(z, y, x)``."""
        step = float(np.clip(self.diameter_mm / 16, 0.5, 1.0))
        rng = np.random.default_rng(self.seed)
        # a centre anywhere within its voxel: about one on the grid, many voxels lie at exactly the same distance
        centre = rng.uniform(-0.5, 0.5, (3, 1, 1, 1)) * step
        offsets = _grid(self.diameter_mm * self.elongation * 0.75 + _MARGIN_MM, step) - centre
        distance = self._distance(offsets, step, rng)
        volume = np.pi / 6 * self.diameter_mm**3
        level = _level_for(distance, volume, step)
        return self._seed(distance - level, step)

    def _distance(self, offsets: FloatArray, step: float, rng: np.random.Generator) -> Field:
        """Rough signed distance in mm to the surface; its zero is set afterwards, to reach the asked volume."""
        axes = self.elongation ** np.array([-1 / 3, -1 / 3, 2 / 3])
        turned = np.einsum("ij,j...->i...", _random_rotation(rng), offsets)
        radius = self.diameter_mm / 2
        distance = np.linalg.norm(turned / axes[:, None, None, None], axis=0) - radius
        for share, size in ((0.8, 0.55), (0.2, 0.25)):
            bumps = grain(distance.shape, (step,) * 3, size * radius, int(rng.integers(MAX_SEED)))
            distance += self.roughness * radius * np.sqrt(share) * bumps
        if self.kind == "spiculated":
            distance = np.minimum(distance, _spikes(offsets, radius, self.spicules, rng))
        return np.asarray(distance, dtype=np.float32)

    def _seed(self, distance: Field, step: float) -> Seed:
        from scipy import ndimage

        share = np.clip(0.5 - distance / step, 0, 1)
        inside = self._inside(distance, step)
        blur = [_BLUR_MM / step] * 3
        sharp = share * inside + (1 - share) * self.ring_hu
        image = ndimage.gaussian_filter(sharp, blur) + grain(distance.shape, (step,) * 3, 0.5, self.seed ^ 1) * 4
        affine = Affine.from_spacing((step,) * 3)
        volume = Volume(np.rint(image).astype(np.int16), affine, "CT")
        mask = LabelMap((distance <= 0).astype(np.uint8) * LESION, affine)
        return Seed(image=volume, mask=mask, info=self._info(volume, mask, inside[distance < 0]))

    def _inside(self, distance: Field, step: float) -> Field:
        """HU of the lesion alone."""
        base = {"ground-glass": _GLASS_HU, "part-solid": _GLASS_HU}.get(self.kind, _SOLID_HU)
        main = base if self.hu is None else self.hu
        depth = -distance / max(float(-distance.min()), step)  # 0 at the surface, 1 in the middle
        core = np.clip((depth - (1 - self.core_share)) / 0.12 + 0.5, 0, 1)
        other = {"part-solid": _SOLID_HU, "calcified": _CALCIUM_HU, "cavitated": _AIR_HU}.get(self.kind, main)
        if self.core_share == 0:
            other = main
        size = max(0.12 * self.diameter_mm, 1.0)
        texture = self.texture_hu * grain(distance.shape, (step,) * 3, size, self.seed ^ 2)
        return np.asarray(main + core * (other - main) + texture, dtype=np.float32)

    def _info(self, image: Volume, mask: LabelMap, inside: Field) -> SeedInfo:
        from .measure import principal_diameters_mm

        lesion = mask.mask(LESION)
        diameter = principal_diameters_mm(lesion, mask.spacing)
        name = f"synthetic-{self.kind}-{self.seed}"
        return SeedInfo(
            id=name, source="synthetic", patient=name, component=1, label=0, organ="",
            volume_ml=float(lesion.sum()) * mask.voxel_ml, diameters_mm=diameter, core_hu=float(np.median(inside)),
            ring_hu=self.ring_hu, attachment="isolated", sha256=checksum(image, mask),
        )  # fmt: skip


def _grid(half_mm: float, step: float) -> FloatArray:
    """Offsets in mm from the centre, ``(3, z, y, x)``."""
    line = np.arange(-int(np.ceil(half_mm / step)), int(np.ceil(half_mm / step)) + 1) * step
    return np.stack(np.meshgrid(line, line, line, indexing="ij"))


def _random_rotation(rng: np.random.Generator) -> FloatArray:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_quat(rng.standard_normal(4)).as_matrix())


def _spikes(offsets: FloatArray, radius: float, count: int, rng: np.random.Generator) -> FloatArray:
    """Signed distance to thin cones that leave the surface in random directions and taper to a point."""
    best = np.full(offsets.shape[1:], 1e3)
    for _ in range(count):
        way = rng.standard_normal(3)
        way /= np.linalg.norm(way)
        length = radius * rng.uniform(1.3, 1.9)
        along = np.einsum("i,i...->...", way, offsets)
        across = np.sqrt(np.maximum((offsets**2).sum(axis=0) - along**2, 0))
        width = max(0.16 * radius, 0.9) * (1 - along / length)
        cone = np.where((along > 0) & (along < length), across - width, 1e3)
        best = np.minimum(best, cone)
    return best


def _level_for(distance: Field, volume_mm3: float, step: float) -> float:
    """Return the level of ``distance`` that encloses a volume in mm³."""
    rank = int(np.clip(volume_mm3 / step**3, 1, distance.size - 1))
    return float(np.partition(distance, rank, axis=None)[rank])
