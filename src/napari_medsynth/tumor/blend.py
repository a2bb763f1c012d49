"""A lesion made part of a scan: :class:`Blend`, how, and :func:`blend`, which gives the voxels that change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.errors import HostError
from ..core.rng import MAX_SEED
from ..core.settings import Settings, setting
from .lesion import Lesion
from .measure import AERATED_BELOW
from .poisson import harmonic
from .prepare import CONTRAST_HU
from .texture import Field, Noise, grain, noise_level
from .vessels import find_vessels

Mask = npt.NDArray[np.bool_]

CONTEXT = (2, 12, 12)  #: voxels around the lesion in which the host's noise and tissue are measured
_SOFT_HU = 40.0  #: walls and vessels
_SOLID = 60  #: voxels that are all lesion, from which on its noise can be told from its shape
_FWHM = 2.3548  #: full width at half maximum of a Gaussian of standard deviation 1


@dataclass(frozen=True, kw_only=True)
class Blend(Settings):
    """How a lesion is made part of a scan."""

    method: Literal["matte", "distance", "poisson", "paste"] = setting(
        "matte",
        "matte: the share of lesion in each voxel; distance: a soft edge of `edge_mm`; poisson: matte, with the "
        "lesion shifted smoothly by what surrounds it; paste: hard, its old rim included, for comparison",
    )
    edge_mm: float = setting(0.0, "Softness added to the rim, full width at half maximum", unit="mm", low=0, high=10)
    match: Literal["auto", "absolute", "relative"] = setting(
        "auto",
        "absolute keeps the lesion's HU; relative shifts it with the tissue around; auto is absolute in lung (where "
        "lesion and surroundings differ much) and relative elsewhere",
    )
    keep_vessels: bool = setting(True, "Vessels of the host that are brighter than the lesion stay visible")
    match_noise: bool = setting(True, "Give the lesion the host's noise")
    seed: int = setting(0, "Seed of the added noise", low=0, high=MAX_SEED)


@dataclass(frozen=True, eq=False, kw_only=True)
class Patch:
    """The voxels that a lesion changes.

    Parameters
    ----------
    box
        Where in the scan; inside it.
    values
        New voxels of ``box``, of the scan's type; those outside the lesion are the old ones, bit for bit.
    mask
        Voxels of ``box`` that are now lesion.
    """

    box: Box
    values: npt.NDArray[Any]
    mask: Mask


def blend(
    image: npt.NDArray[Any], spacing: tuple[float, ...], lesion: Lesion, how: Blend, host: Mask | None = None
) -> Patch:
    """Blend a lesion into a scan.

    Parameters
    ----------
    image
        The whole scan, ``(z, y, x)``; not changed.
    spacing
        Millimetres per voxel along ``(z, y, x)``.
    lesion
        The lesion on the scan's grid.
    how
        The settings.
    host
        Voxels of the lesion's box, clipped to the scan, in which lesion may lie; all of them if left out. Beyond it
        only voxels that are half wall, half air are filled up, and none is made darker.

    Raises
    ------
    HostError
        If the lesion lies wholly outside the scan.
    """
    box = lesion.box.clipped(image.shape)
    if box.is_empty:
        found = f"a lesion at voxels {lesion.box.start}–{lesion.box.stop} lies outside the scan"
        raise HostError(f"{found}; expected a place inside its {image.shape} voxels")
    own = box.within(lesion.box).slices
    part = replace(lesion, box=box, **{n: getattr(lesion, n)[own] for n in ("share", "hu", "distance")})
    mask = lesion.mask[own]
    scene = _Scene.of(image, box, host, spacing)
    if how.method == "paste":
        old_rim = part.share * part.hu + (1 - part.share) * part.ring_hu
        new, changed = np.where(mask, old_rim, scene.old), mask
    else:
        part = replace(part, share=_softened(part.share, part.distance, spacing, how))
        new, changed = _composed(part, scene, spacing, how), part.share > 0
    if host is not None:
        changed = changed & (host | (_beside(host) & (new > scene.old)))
        mask = mask & host
    values = image[box.slices].copy()
    values[changed] = _as_type(new[changed], image.dtype)
    return Patch(box=box, values=values, mask=mask)


@dataclass(frozen=True, eq=False)
class _Scene:
    """The scan where the lesion goes."""

    old: Field
    inside: Mask  #: voxels of the host
    around: Field  #: the same voxels and some more
    inner: Box  #: the former in the latter

    @classmethod
    def of(cls, image: npt.NDArray[Any], box: Box, host: Mask | None, spacing: tuple[float, ...]) -> _Scene:
        wide = box.grown(CONTEXT).clipped(image.shape)
        around = image[wide.slices].astype(np.float32)
        inner = box.within(wide)
        inside = np.ones(box.shape, dtype=bool) if host is None else host
        return cls(around[inner.slices], inside, around, inner)

    def vessels(self, spacing: tuple[float, ...]) -> Mask:
        """Vessels of the host inside the lesion's box."""
        allowed = np.ones(self.around.shape, dtype=bool)
        allowed[self.inner.slices] = self.inside
        return find_vessels(self.around, allowed, spacing)[self.inner.slices]


def _composed(lesion: Lesion, scene: _Scene, spacing: tuple[float, ...], how: Blend) -> Field:
    """Lesion and host together, with the noise of the host."""
    ring = scene.inside & (lesion.distance > 0.5) & (lesion.distance < 4)
    level = float(np.median(scene.old[ring])) if ring.any() else lesion.ring_hu
    hu = lesion.hu + _shift(lesion, scene.old, level, spacing, how)
    noise, old = noise_level(scene.around) if how.match_noise else None, scene.old
    if noise is not None:
        hu = _calmed(hu, lesion, noise)
        old = old - lesion.share * (old - _smooth(old))  # the lesion brings noise of its own
    behind = 1 - lesion.share
    new = lesion.share * hu + behind * old
    if level < AERATED_BELOW:
        tissue = ~scene.inside | (scene.vessels(spacing) if how.keep_vessels else False)
        beside = _grown(tissue)
        new = np.where(beside, _added(lesion.share, hu, old, level), new)
        behind = np.where(beside, 1, behind)
    return np.asarray(new if noise is None else new + _lacking(lesion, behind, noise, how.seed), dtype=np.float32)


def _added(share: Field, hu: Field, old: Field, level: float) -> Field:
    """Lesion beside tissue of the host: it takes the place of lung, whose HU is ``level``, and of nothing else.

    Shares of two things that lie beside one another add up; laid one over the other, they would leave a dark line of
    lung between a lesion and the wall or vessel that it touches.
    """
    taken = np.clip((old - level) / (np.maximum(hu, _SOFT_HU) - level), 0, 1)
    return np.asarray(old + np.minimum(share, 1 - taken) * (hu - level), dtype=np.float32)


def _softened(share: Field, distance: Field, spacing: tuple[float, ...], how: Blend) -> Field:
    """Share of lesion with the edge that was asked for."""
    from scipy import ndimage

    if how.method == "distance":
        half = max(how.edge_mm, max(spacing), 1.0) / 2
        t = np.clip(0.5 - distance / (2 * half), 0, 1)
        return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
    if how.edge_mm == 0:
        return share
    return np.asarray(ndimage.gaussian_filter(share, [how.edge_mm / _FWHM / s for s in spacing], mode="constant"))


def _shift(lesion: Lesion, old: Field, level: float, spacing: tuple[float, ...], how: Blend) -> Field | float:
    """What is added to the lesion's HU for the tissue around it, which has ``level``."""
    if how.method == "poisson":
        return np.asarray(harmonic(old - lesion.ring_hu, spacing), dtype=np.float32)
    contrast = abs(lesion.core_hu - lesion.ring_hu)
    if how.match == "absolute" or (how.match == "auto" and contrast >= CONTRAST_HU):
        return 0.0
    return level - lesion.ring_hu


def _calmed(hu: Field, lesion: Lesion, noise: Noise) -> Field:
    """Smooth away noise that the lesion has and the host has not."""
    if lesion.noise_hu <= 1.2 * noise.hu or (lesion.share > 0.95).sum() < _SOLID:
        return hu  # with fewer voxels, noise cannot be told from shape: a small lesion keeps its own
    smooth = _smooth(hu)
    return np.asarray(smooth + (noise.hu / lesion.noise_hu) * (hu - smooth), dtype=np.float32)


def _smooth(hu: Field) -> Field:
    """Without its noise: smoothed in each slice, as slices differ more than neighbours in one."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(hu, [0.0, 0.8, 0.8]), dtype=np.float32)


def _lacking(lesion: Lesion, behind: Field, noise: Noise, seed: int) -> Field:
    """Noise that the mixture lacks. The lesion brings all of its own: its share in a voxel was told from noisy HU."""
    own = min(lesion.noise_hu, noise.hu)
    lack = noise.hu**2 * (1 - behind**2) - own**2
    fresh = grain(behind.shape, (1.0, 1.0, 1.0), noise.width, seed)
    return np.asarray(np.sqrt(np.maximum(lack, 0)) * fresh, dtype=np.float32)


def _grown(mask: Mask) -> Mask:
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3, 3), dtype=bool)))


def _beside(host: Mask) -> Mask:
    """Voxels within one of the host: at a wall they are half air, half wall."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(host, ndimage.generate_binary_structure(3, 1)))


def _as_type(values: Field, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return ``values`` as the scan's type, rounded and kept in range if that is a whole number."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)
