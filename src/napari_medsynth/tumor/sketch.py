"""A lesion in a hurry: :func:`sketch` gives while a slider moves what :func:`shape` gives when it rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..core.affine import Affine
from ..core.box import Box
from .lesion import Lesion, shape
from .morph import Morph
from .prepare import REACH_MM, Field, PreparedSeed

#: Places that are looked up, in the cube around a lesion; about 15 ms, with elastic displacement or without.
PLACES = 16_000

#: Looking up an elastically displaced place takes about three times as long.
_ELASTIC_COST = 3.0


def cost(seed: PreparedSeed, morph: Morph, grid: Affine) -> float:
    """Return about how many places :func:`shape` would look up for this lesion."""
    size = np.abs(seed.affine.direction.T @ grid.direction) * np.asarray(grid.spacing)
    fine = np.asarray(seed.affine.spacing)[:, None] * morph.scale
    samples = np.prod(np.clip(np.ceil((size / fine).max(axis=0) - 0.25), 1, 4))
    return _voxels(seed, morph, grid) * float(samples) * (_ELASTIC_COST if morph.elastic_mm else 1.0)


def sketch(seed: PreparedSeed, morph: Morph, grid: Affine, centre: Sequence[float], *, places: int = PLACES) -> Lesion:
    """Morph a seed as :func:`~napari_medsynth.tumor.lesion.shape` does, but look up few places and interpolate.

    Parameters
    ----------
    seed, morph, grid, centre
        As for :func:`~napari_medsynth.tumor.lesion.shape`.
    places
        How many places are looked up, about; a third of it with elastic displacement.

    Returns
    -------
    Lesion
        On the same grid. Its shape is right to about the distance between the places; its texture is smooth.
    """
    allowed = places / _ELASTIC_COST if morph.elastic_mm else places
    steps = _steps(_voxels(seed, morph, grid) / allowed, grid.spacing)
    matrix = grid.matrix.copy()
    matrix[:3, :3] *= steps
    coarse = shape(seed, morph, Affine(matrix), np.divide(centre, steps).tolist(), most_samples=1)
    return _refined(coarse, steps)


def _voxels(seed: PreparedSeed, morph: Morph, grid: Affine) -> float:
    """Voxels of the box that the lesion needs, about."""
    reach = seed.reach_mm * morph.scale * max(morph.stretch) + max(morph.growth_mm, 0) + 2.5 * morph.elastic_mm
    return float(np.prod(2 * (reach + REACH_MM) / np.asarray(grid.spacing) + 2))


def _steps(excess: float, spacing: tuple[float, ...]) -> tuple[int, int, int]:
    """Voxels from one place to the next along ``(z, y, x)``, so that there are ``excess`` times fewer of them.

    The places become as nearly as far apart along all axes as they can: thick slices are kept.
    """
    steps = [1, 1, 1]
    while np.prod(steps) < excess:
        steps[int(np.argmin(np.multiply(steps, spacing)))] += 1
    z, y, x = steps
    return z, y, x


def _refined(coarse: Lesion, steps: tuple[int, int, int]) -> Lesion:
    """Bring a lesion from a grid with ``steps`` voxels from one place to the next onto all voxels."""
    if steps == (1, 1, 1):
        return coarse
    weights = [_between(n, step) for n, step in zip(coarse.box.shape, steps, strict=True)]
    start = tuple(a * step for a, step in zip(coarse.box.start, steps, strict=True))
    stop = tuple(a + len(w) for a, w in zip(start, weights, strict=True))
    return replace(
        coarse,
        box=Box(start, stop),
        share=_interpolated(coarse.share, weights),
        hu=_interpolated(coarse.hu, weights),
        distance=_interpolated(coarse.distance, weights),
    )


def _between(count: int, step: int) -> Field:
    """Weights ``(fine, coarse)`` of linear interpolation with ``step`` fine places for each coarse one."""
    fine = np.arange((count - 1) * step + 1) / step
    weights = np.maximum(0, 1 - np.abs(fine[:, None] - np.arange(count)))
    return np.asarray(weights, dtype=np.float32)


def _interpolated(field: Field, weights: list[Field]) -> Field:
    along_z, along_y, along_x = weights
    slices = (along_z @ field.reshape(len(field), -1)).reshape(-1, *field.shape[1:])
    return np.ascontiguousarray(along_y @ slices @ along_x.T, dtype=np.float32)
