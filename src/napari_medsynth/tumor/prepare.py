"""A seed taken apart: how much of each voxel is lesion, and what the lesion alone would look like.

At the rim of a lesion a voxel is partly lesion and partly the tissue around it. Pasted as it is, a seed carries a
shell of its old surroundings into its new ones. So the seed is unmixed first, with the matting equation
``I = w L + (1 - w) R``: ``R`` is the median of the ring around the lesion, ``w`` the share of lesion, ``L`` the
lesion alone. Put in a new host ``H`` it becomes ``w L + (1 - w) H`` (Porter & Duff 1984, "over").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine, FloatArray
from .measure import signed_distance
from .seed import LESION, OTHER, Seed
from .texture import noise_level

Field = npt.NDArray[np.float32]

SURE_DEPTH_MM = 3.0  #: deeper than this all is lesion, however dark (cavities, ground glass)
REACH_MM = 3.0  #: nothing of a lesion is seen further outside its contour: the scanner's blur ends there
CONTRAST_HU = 150.0  #: lesions that differ less from their surroundings are unmixed by distance alone
_LOW_PASS_MM = 2.0
_SHELL_MM = 0.5  #: thickness of the shells in which the blur outside the contour is measured
_BELIEVED = 0.25  #: a voxel may hold so much more of the lesion than most at its distance


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedSeed:
    """A seed unmixed from its surroundings; arrays are ``(z, y, x)`` float32 on the seed's grid.

    Parameters
    ----------
    affine
        The seed's grid.
    centre
        World position ``(x, y, z)`` in mm of the centroid of the lesion.
    distance
        Signed distance to the contour in mm, negative inside.
    share
        Share of lesion in each voxel, 0 … 1.
    light
        ``share`` times the HU of the lesion alone; premultiplied, so that both may be averaged when resampled.
    smooth
        ``share`` times the same without its fine texture.
    grain_hu, grain_mm
        Standard deviation of the fine texture that ``smooth`` lacks, and the distance over which it is correlated.
    noise_hu
        Standard deviation of the noise of the scan that it comes from.
    core_hu, ring_hu
        Median deep inside, and around.
    volume_ml
        Volume of the lesion.
    reach_mm
        Largest distance from ``centre`` to a voxel of the lesion.
    """

    affine: Affine
    centre: FloatArray
    distance: Field
    share: Field
    light: Field
    smooth: Field
    grain_hu: float
    grain_mm: float
    noise_hu: float
    core_hu: float
    ring_hu: float
    volume_ml: float
    reach_mm: float

    @cached_property
    def splines(self) -> dict[str, Field]:
        """Cubic spline coefficients of ``share``, ``light`` and ``smooth``."""
        from scipy import ndimage

        fields = {"share": self.share, "light": self.light, "smooth": self.smooth}
        return {name: ndimage.spline_filter(field, output=np.float32) for name, field in fields.items()}


@lru_cache(maxsize=16)
def prepare(seed: Seed) -> PreparedSeed:
    """Unmix a seed from its surroundings; the result is kept for the next call with the same seed."""
    lesion = seed.mask.mask(LESION)
    hu = seed.image.array.astype(np.float32)
    distance = signed_distance(lesion, seed.image.spacing).astype(np.float32)
    share = _share(seed, hu, distance)
    alone = _alone(seed, hu, share, distance)
    smooth = _low_pass(alone, share, seed.image.spacing)
    grain_hu, grain_mm = _grain(alone - smooth, share > 0.9, seed.image.spacing)
    points = seed.image.affine.to_world(np.argwhere(lesion))
    centre = points.mean(axis=0)
    return PreparedSeed(
        affine=seed.image.affine,
        centre=centre,
        distance=distance,
        share=share,
        light=share * alone,
        smooth=share * smooth,
        grain_hu=grain_hu,
        grain_mm=grain_mm,
        noise_hu=_noise_hu(seed, hu, alone, share, distance),
        core_hu=seed.info.core_hu,
        ring_hu=seed.info.ring_hu,
        volume_ml=float(lesion.sum()) * seed.image.voxel_ml,
        reach_mm=float(np.linalg.norm(points - centre, axis=1).max()) + max(seed.image.spacing) / 2,
    )


def _share(seed: Seed, hu: Field, distance: Field) -> Field:
    """Share of lesion in each voxel, from HU where lesion and ring differ enough, else from distance."""
    by_distance = _fall(distance, -0.5, 0.5, max(seed.image.spacing))
    contrast = seed.info.core_hu - seed.info.ring_hu
    if abs(contrast) < CONTRAST_HU or not _has_ring(hu, distance):
        return by_distance
    share = np.clip((hu - seed.info.ring_hu) / contrast, 0, 1)
    share[seed.mask.array == OTHER] = 0
    share = _without_neighbours(seed, share, distance)
    share = np.maximum(share, _fall(distance, -SURE_DEPTH_MM, -SURE_DEPTH_MM / 2, 1.0))
    return (share * _fall(distance, REACH_MM / 3, REACH_MM, 1.0)).astype(np.float32)


def _fall(distance: Field, full: float, none: float, unit: float) -> Field:
    """Smooth step: 1 up to ``full``, 0 from ``none`` on, both in ``unit`` mm."""
    t = np.clip((none * unit - distance) / ((none - full) * unit), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _has_ring(hu: Field, distance: Field) -> bool:
    """Whether the surroundings were kept; seeds cut tightly have one padding value there."""
    ring = hu[(distance > 0) & (distance < REACH_MM)]
    return ring.size > 0 and not (ring.max() == ring.min() and ring.max() <= -1000)


def _without_neighbours(seed: Seed, share: Field, distance: Field) -> Field:
    """Give voxels outside the contour that are brighter than its blur can make them the share of their like.

    Where a lesion touches a wall or a vessel, that tissue has the lesion's HU and would count as lesion. What most
    voxels at the same distance show, on the sides that face the ring's tissue, is the blur; a quarter more is still
    believed. Inside the contour all is lesion.
    """
    found, usual = share.copy(), 1.0
    own = seed.mask.array != OTHER
    facing = _facing(share, distance, seed.image.spacing)
    for low in np.arange(0, REACH_MM, _SHELL_MM):
        shell = (distance > low) & (distance <= low + _SHELL_MM) & own
        free = shell & facing
        if free.any():
            usual = min(usual, float(np.quantile(share[free], 0.4)))
        found[shell & (share > usual + _BELIEVED)] = usual
    return found


def _facing(share: Field, distance: Field, spacing: tuple[float, ...]) -> npt.NDArray[np.bool_]:
    """Voxels beyond which there is no lesion and no wall, but the tissue of the ring."""
    from scipy import ndimage

    clear = (distance > 2 * REACH_MM / 3) & (share < 0.5)
    if not clear.any():
        return np.ones(share.shape, dtype=bool)  # walled in on all sides: nothing better to go by
    return np.asarray(ndimage.distance_transform_edt(~clear, sampling=spacing) <= REACH_MM)


def _alone(seed: Seed, hu: Field, share: Field, distance: Field) -> Field:
    """HU of the lesion alone, ``(I - (1 - w) R) / w``; its core's HU where almost nothing of it is left."""
    core, ring = seed.info.core_hu, seed.info.ring_hu
    if abs(core - ring) < CONTRAST_HU or not _has_ring(hu, distance):
        return _extended(hu, distance <= 0)
    raw = np.clip((hu - ring) / (core - ring), 0, 1)
    mixed = np.where(distance < -SURE_DEPTH_MM, 1, np.maximum(raw, share))
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.where(mixed > 0.25, (hu - (1 - mixed) * ring) / mixed, core)
    low, high = min(core, float(hu[distance <= 0].min())), max(core, float(hu[distance <= 0].max()))
    return np.clip(alone, low, high).astype(np.float32)


def _extended(hu: Field, inside: npt.NDArray[np.bool_]) -> Field:
    """Carry the values inside to the voxels outside, each from the nearest."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.asarray(hu[tuple(nearest)], dtype=np.float32)


def _low_pass(alone: Field, share: Field, spacing: tuple[float, ...]) -> Field:
    """Smooth inside the lesion only (normalised convolution, Knutsson & Westin 1993)."""
    from scipy import ndimage

    sigma = [_LOW_PASS_MM / s for s in spacing]
    weight = ndimage.gaussian_filter(share, sigma) + 1e-3
    return np.asarray(ndimage.gaussian_filter(share * alone + 1e-3 * alone, sigma) / weight, dtype=np.float32)


def _grain(rest: Field, inside: npt.NDArray[np.bool_], spacing: tuple[float, ...]) -> tuple[float, float]:
    """Standard deviation and correlation length in mm of the fine texture inside."""
    if inside.sum() < 30:
        return 0.0, 1.0
    values = rest[inside]
    spread = float(values.std())
    along = [_lag(rest, inside, axis) for axis in range(rest.ndim)]
    near = float(np.clip(np.mean(along) / max(spread**2, 1e-6), 0.05, 0.95))
    return spread, float(np.sqrt(-1 / (4 * np.log(near)))) * float(np.mean(spacing))


def _noise_hu(seed: Seed, hu: Field, alone: Field, share: Field, distance: Field) -> float:
    """Noise around the lesion, where there is enough of it; else what is finest inside."""
    if _has_ring(hu, distance):
        around = noise_level(hu, (distance > REACH_MM) & (seed.mask.array == 0)).hu
        if around > 0:
            return around
    return noise_level(alone, share > 0.95).hu


def _lag(rest: Field, inside: npt.NDArray[np.bool_], axis: int) -> float:
    """Mean product of neighbours along an axis: the autocovariance at one voxel."""
    a, b = np.moveaxis(rest, axis, 0), np.moveaxis(inside, axis, 0)
    both = b[1:] & b[:-1]
    return float((a[1:] * a[:-1])[both].mean()) if both.any() else 0.0
