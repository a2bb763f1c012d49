"""A lesion made part of a scan: :class:`Blend`, how, and :func:`blend`, which gives the voxels that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.errors import HostError
from ..core.rng import MAX_SEED
from ..core.settings import Settings, setting
from .lesion import Lesion
from .poisson import harmonic
from .prepare import CONTRAST_HU
from .texture import Field, grain, noise_level
from .vessels import find_vessels

Mask = npt.NDArray[np.bool_]

CONTEXT = (2, 12, 12)  #: voxels around the lesion in which the host's noise and tissue are measured
_FWHM = 2.3548  #: full width at half maximum of a Gaussian of standard deviation 1


@dataclass(frozen=True, kw_only=True)
class Blend(Settings):
    """How a lesion is made part of a scan."""

    method: Literal["matte", "distance", "poisson", "paste"] = setting(
        "matte",
        "matte: the share of lesion in each voxel; distance: a soft edge of `edge_mm`; poisson: matte, with the "
        "lesion shifted smoothly by what surrounds it; paste: hard, for comparison",
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
    old = image[box.slices].astype(np.float32)
    share, hu, distance = lesion.share[own], lesion.hu[own], lesion.distance[own]
    mask = lesion.mask[own]
    if how.method == "paste":
        new, share = np.where(mask, hu, old), mask.astype(np.float32)
    else:
        around = box.grown(CONTEXT).clipped(image.shape)
        context = image[around.slices].astype(np.float32)
        share = _softened(share, distance, spacing, how)
        tissue = np.ones(old.shape, dtype=bool) if host is None else host
        hu = hu + _shift(lesion, old, tissue & (distance > 0.5) & (distance < 4), spacing, how)
        hu = _with_noise_of(context, hu, share > 0.95, spacing, how)
        new = share * hu + (1 - share) * old
        if how.keep_vessels:
            vessels = _vessels(context, box.within(around), host, spacing)
            new = np.where(vessels, np.maximum(new, old), new)
    changed = share > 0
    if host is not None:
        changed &= host | (_beside(host) & (new > old))
        mask = mask & host
    values = image[box.slices].copy()
    values[changed] = _as_type(new[changed], image.dtype)
    return Patch(box=box, values=values, mask=mask)


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


def _shift(lesion: Lesion, old: Field, ring: Mask, spacing: tuple[float, ...], how: Blend) -> Field | float:
    """What is added to the lesion's HU for the tissue around it, which is measured in ``ring``."""
    if how.method == "poisson":
        return np.asarray(harmonic(old - lesion.ring_hu, spacing), dtype=np.float32)
    contrast = abs(lesion.core_hu - lesion.ring_hu)
    if how.match == "absolute" or (how.match == "auto" and contrast >= CONTRAST_HU):
        return 0.0
    return float(np.median(old[ring])) - lesion.ring_hu if ring.any() else 0.0


def _with_noise_of(context: Field, hu: Field, solid: Mask, spacing: tuple[float, ...], how: Blend) -> Field:
    """Give the lesion as much noise as its surroundings have: add what lacks, smooth away what is too much."""
    from scipy import ndimage

    if not how.match_noise or solid.sum() < 60:
        return hu  # too few voxels to tell noise from shape: a small lesion keeps its own
    host, near = noise_level(context)
    own, _ = noise_level(hu, solid)
    if own < host:
        length = np.sqrt(-1 / (4 * np.log(near))) if near > 0.02 else 0.0
        fresh = grain(hu.shape, (1.0, 1.0, 1.0), length, how.seed)
        return np.asarray(hu + np.sqrt(host**2 - own**2) * fresh, dtype=np.float32)
    if own > 1.2 * host:
        smooth = ndimage.gaussian_filter(hu, [0.0, 0.8, 0.8])
        return np.asarray(smooth + (host / own) * (hu - smooth), dtype=np.float32)
    return hu


def _vessels(context: Field, inner: Box, host: Mask | None, spacing: tuple[float, ...]) -> Mask:
    """Vessels of the host inside the lesion's box."""
    allowed = np.ones(context.shape, dtype=bool)
    if host is not None:
        allowed[inner.slices] = host
    return find_vessels(context, allowed, spacing)[inner.slices]


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
