"""A lesion brought onto a host's grid, ready to be blended: :class:`Lesion`, and :func:`shape` that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine, FloatArray
from ..core.box import Box
from ..core.errors import SeedError
from .morph import Morph
from .prepare import REACH_MM, Field, PreparedSeed
from .texture import grain
from .warp import Warp

_MAX_VOXELS = 60_000_000  #: about 700 MB of fields; larger than any organ at any spacing
_MAX_SAMPLES = 4  #: per axis, when host voxels are larger than the seed's


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesion:
    """A morphed lesion on a host's grid; arrays are ``(z, y, x)`` and belong to ``box``.

    Parameters
    ----------
    box
        Where in the host the arrays belong; may reach beyond it.
    share
        Share of lesion in each voxel, 0 … 1.
    hu
        HU of the lesion alone.
    distance
        Signed distance to its contour in mm, negative inside.
    core_hu, ring_hu
        Medians of the seed deep inside and around; ``core_hu`` with the shift that was asked.
    noise_hu
        Standard deviation of the noise that it brings along.
    """

    box: Box
    share: Field
    hu: Field
    distance: Field
    core_hu: float
    ring_hu: float
    noise_hu: float

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Voxels whose centre lies inside the contour; the nearest one if there is none."""
        return self.distance <= max(0.0, float(self.distance.min()))

    def brighter(self, hu: float) -> Lesion:
        """Return the lesion with ``hu`` added; negative to make it darker."""
        return replace(self, hu=self.hu + np.float32(hu), core_hu=self.core_hu + hu)

    def moved(self, offset: Sequence[int]) -> Lesion:
        """Return the lesion moved by whole voxels."""
        return replace(self, box=self.box.shifted(offset))


def shape(
    seed: PreparedSeed, morph: Morph, grid: Affine, centre: Sequence[float], *, most_samples: int = _MAX_SAMPLES
) -> Lesion:
    """Morph a seed and bring it onto a host's grid.

    The seed keeps its orientation in the patient and its size in mm, whatever the two grids are. Where the host's
    voxels are larger than the seed's, each is the mean of several samples (a box point spread function), so that a
    thin slice's lesion is seen as a thick slice would see it.

    Parameters
    ----------
    seed
        The seed, taken apart by :func:`~napari_medsynth.tumor.prepare.prepare`.
    morph
        How to change it.
    grid
        The host's grid.
    centre
        Index ``(z, y, x)`` in the host, not rounded, where the seed's centroid goes.
    most_samples
        Samples per axis and voxel at most; 1 for a quick preview.

    Raises
    ------
    SeedError
        If the result would be larger than any organ.
    """
    warp = Warp.of(seed, morph)
    box = _box_around(warp, grid, centre)
    counts = tuple(min(n, most_samples) for n in _samples_per_axis(seed.affine, grid, morph))
    offsets = _offsets(box, grid, centre)
    growth = morph.growth_mm
    if morph.volume_ml is not None:
        growth = _growth_for(morph.volume_ml, warp, grid, offsets, counts)
    names = ("share", "light", "smooth") if morph.new_texture > 0 else ("share", "light")
    fields = _mean_fields(warp, growth, grid, offsets, counts, names)
    share = np.clip(fields["share"], 0, 1)
    solid = np.maximum(share, 1e-3)
    hu = np.where(share > 1e-3, fields["light"] / solid, seed.core_hu)
    if morph.new_texture > 0:
        smooth = np.where(share > 1e-3, fields["smooth"] / solid, seed.core_hu)
        fresh = grain(box.shape, grid.spacing, seed.grain_mm, morph.seed) * seed.grain_hu
        kept = 1 - morph.new_texture
        hu = smooth + kept * (hu - smooth) + np.sqrt(1 - kept**2) * fresh
    lesion = Lesion(
        box=box,
        share=share.astype(np.float32),
        hu=(hu + morph.hu_shift).astype(np.float32),
        distance=fields["distance"].astype(np.float32),
        core_hu=seed.core_hu + morph.hu_shift,
        ring_hu=seed.ring_hu,
        noise_hu=seed.noise_hu,
    )
    return _trimmed(lesion)


def _box_around(warp: Warp, grid: Affine, centre: Sequence[float]) -> Box:
    reach = warp.reach_mm + REACH_MM
    half = reach * np.linalg.norm(grid.inverse[:3, :3], axis=1) + 1
    start = np.floor(np.asarray(centre) - half).astype(int)
    stop = np.ceil(np.asarray(centre) + half).astype(int) + 1
    box = Box(tuple(int(v) for v in start), tuple(int(v) for v in stop))
    voxels = float(np.prod([float(n) for n in box.shape]))
    if voxels > _MAX_VOXELS:
        found = f"a lesion that reaches {reach:.0f} mm covers {voxels / 1e6:.0f} million voxels of the host"
        raise SeedError(f"{found}; expected at most {_MAX_VOXELS / 1e6:.0f} million")
    return box


def _samples_per_axis(seed: Affine, grid: Affine, morph: Morph) -> tuple[int, ...]:
    """How many samples a host voxel is the mean of, along each of its axes."""
    size = np.abs(seed.direction.T @ grid.direction) * np.asarray(grid.spacing)  # seed axes × host axes, in mm
    fine = np.asarray(seed.spacing)[:, None] * morph.scale * np.asarray(morph.stretch)[:, None]
    return tuple(int(np.clip(np.ceil(n - 0.25), 1, _MAX_SAMPLES)) for n in (size / fine).max(axis=0))


def _offsets(box: Box, grid: Affine, centre: Sequence[float]) -> FloatArray:
    """World offsets in mm of the voxels of ``box`` from ``centre``: ``(3, z, y, x)``."""
    axes = [np.arange(a, b) - c for a, b, c in zip(box.start, box.stop, centre, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"))
    return np.asarray(np.einsum("ij,j...->i...", grid.matrix[:3, :3], index))


def _mean_fields(
    warp: Warp, growth: float, grid: Affine, offsets: FloatArray, counts: tuple[int, ...], names: Sequence[str]
) -> dict[str, FloatArray]:
    """Sample the seed's fields at every voxel, as the mean over ``counts`` places in each.

    Voxels that the lesion cannot reach are not looked up; their distance is the least that it can be.
    """
    far = np.linalg.norm(offsets, axis=0) - warp.reach_mm
    near = far < REACH_MM + max(grid.spacing)
    found = {"distance": far, **{name: np.zeros_like(far) for name in names}}
    total = {name: np.zeros(int(near.sum())) for name in found}
    places = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    for place in np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 3):
        shift = grid.matrix[:3, :3] @ place
        for name, values in warp.sample(offsets[:, near] + shift[:, None], growth, names).items():
            total[name] += values / np.prod(counts)
    for name, values in total.items():
        found[name][near] = values
    return found


def _growth_for(volume_ml: float, warp: Warp, grid: Affine, offsets: FloatArray, counts: tuple[int, ...]) -> float:
    """How far in mm the contour must move for the lesion to have this volume: until it holds so many voxels."""
    distance = _mean_fields(warp, 0.0, grid, offsets, counts, ())["distance"]
    voxels = round(volume_ml * 1000 / float(np.prod(grid.spacing)))
    rank = int(np.clip(voxels, 1, distance.size)) - 1
    return float(np.partition(distance, rank, axis=None)[rank])


def _trimmed(lesion: Lesion) -> Lesion:
    """Cut away the part of the box where there is nothing of the lesion."""
    box = Box.around(lesion.share > 0)
    if box is None:
        return lesion
    parts = {name: getattr(lesion, name)[box.slices] for name in ("share", "hu", "distance")}
    return replace(lesion, box=box.shifted(lesion.box.start), **parts)
