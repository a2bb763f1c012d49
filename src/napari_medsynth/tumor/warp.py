"""Where in the seed each point of the morphed lesion comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..core.affine import FloatArray
from .morph import Morph
from .prepare import REACH_MM, Field, PreparedSeed

_FINER = 4  #: the elastic displacement is worked out at so many places to a step of its grid, and linear between them
_BOX = np.ones(_FINER)
_B_SPLINE = np.convolve(np.convolve(_BOX, _BOX), np.convolve(_BOX, _BOX)) / _FINER**3  #: a cubic one, at these places
_RIM_MM = 4.0  #: the shell on both sides of the contour whose width does not change with size


@dataclass(frozen=True, eq=False, kw_only=True)
class Warp:
    """The way back from the host to the seed.

    A point ``p`` (mm, RAS, from the lesion's new centre) came from ``A⁻¹ (p + u(p))`` in the seed, ``A`` being flip,
    stretch, scale and rotation and ``u`` the elastic displacement. Then the point is moved along the gradient of the
    signed distance, so that the contour lies where growth asks and the rim stays as wide, in mm, as the scanner's
    blur made it: a lesion twice as large has not twice as soft an edge.
    """

    seed: PreparedSeed
    morph: Morph
    back: FloatArray  #: ``(3, 3)`` world offset in the host to world offset in the seed
    factor: float  #: mean size against the seed
    nodes: Field | None  #: ``(3, n, n, n)`` elastic displacement in mm, four to a step of its grid, around the centre
    gradient: Field  #: ``(3, z, y, x)`` direction away from the contour, in the seed's index axes, per mm

    @classmethod
    def of(cls, seed: PreparedSeed, morph: Morph) -> Warp:
        """Work out the way back for one seed and morph."""
        frame = seed.affine.direction
        turn = _rotation(morph.rotation_deg)
        size = np.asarray(morph.stretch) * morph.scale * np.where(morph.flip, -1.0, 1.0)
        forth = frame @ turn @ np.diag(size) @ frame.T
        return cls(
            seed=seed,
            morph=morph,
            back=np.asarray(np.linalg.inv(forth), dtype=np.float64),
            factor=float(np.abs(np.prod(size)) ** (1 / 3)),
            nodes=_nodes(morph, seed.reach_mm * morph.scale * max(morph.stretch)),
            gradient=_gradient(seed),
        )

    @property
    def reach_mm(self) -> float:
        """How far from its centre the morphed lesion may reach, in mm."""
        widest = self.seed.reach_mm * self.morph.scale * max(self.morph.stretch)
        growth = self.morph.growth_mm
        if self.morph.volume_ml is not None:
            grown = (self.morph.volume_ml / max(self.seed.volume_ml * self.factor**3, 1e-6)) ** (1 / 3)
            growth = max(grown - 1, 0) * widest
        return widest + max(growth, 0) + 2.5 * self.morph.elastic_mm

    def sample(self, offsets: FloatArray, growth: float, names: Sequence[str]) -> dict[str, FloatArray]:
        """Distance and the named fields at world ``offsets`` ``(3, n)`` in mm from the new centre.

        Fields are interpolated by cubic splines: linear interpolation would take a third of the noise and a tenth of
        a small nodule's brightness away, by which an inserted one is told from a real one.
        """
        index = self._seed_index(offsets)
        old = self._distance(index)
        new = (old * self.factor) - growth
        near = new < REACH_MM  # further out there is nothing of the lesion
        index, step = index[:, near], self._old_distance(new[near], growth) - old[near]
        index = index + step * np.stack([_lookup(g, index) for g in self.gradient])
        fields = {name: np.zeros_like(new) for name in names}
        for name in names:
            fields[name][near] = _spline(self.seed.splines[name], index)
        return {**fields, "distance": new}

    def _seed_index(self, offsets: FloatArray) -> FloatArray:
        """Index ``(3, n)`` in the seed of world offsets in the host, before growth."""
        moved = offsets if self.nodes is None else offsets + self._elastic(offsets, self.nodes)
        steps = self.seed.affine.inverse[:3, :3]
        start = self.seed.affine.to_index(self.seed.centre)
        return np.asarray((steps @ self.back) @ moved + start[:, None])

    def _distance(self, index: FloatArray) -> FloatArray:
        """Signed distance in mm in the seed; beyond its crop, that at the nearest edge plus the way there."""
        last = np.asarray(self.seed.distance.shape, dtype=np.float64)[:, None] - 1
        beyond = index - np.clip(index, 0, last)
        way = np.sqrt(sum((b * s) ** 2 for b, s in zip(beyond, self.seed.affine.spacing, strict=True)))
        return np.asarray(_lookup(self.seed.distance, index) + way)

    def _elastic(self, offsets: FloatArray, nodes: Field) -> FloatArray:
        step = self.morph.elastic_grid_mm / _FINER
        place = offsets / step + (nodes.shape[1] - 1) / 2
        return np.stack([_lookup(n, place) for n in nodes])

    def _old_distance(self, new: FloatArray, growth: float) -> FloatArray:
        """Distance in the seed whose tissue goes to ``new``: equal in the rim, stretched linearly further in."""
        deepest = float(self.seed.distance.min())
        new_deepest = deepest * self.factor - growth
        rim = min(_RIM_MM, -0.6 * deepest, max(-0.6 * new_deepest, 0.1))
        known = [min(new_deepest, -1.01 * rim), -rim, REACH_MM, REACH_MM + 1000]
        return np.interp(new, known, [deepest, -rim, REACH_MM, REACH_MM + 1000])


def _lookup(field: FloatArray | Field, index: FloatArray) -> FloatArray:
    """Linear interpolation; beyond the array the nearest value."""
    from scipy import ndimage

    return np.asarray(ndimage.map_coordinates(field, index, order=1, mode="nearest", output=np.float32))


def _spline(coefficients: Field, index: FloatArray) -> FloatArray:
    """Cubic interpolation; 0 beyond the array."""
    from scipy import ndimage

    return np.asarray(ndimage.map_coordinates(coefficients, index, output=np.float32, prefilter=False))


def _rotation(degrees: tuple[float, float, float]) -> FloatArray:
    """Rotation matrix on array axes ``(z, y, x)``: about z first, then y, then x."""
    from scipy.spatial.transform import Rotation

    # scipy speaks (x, y, z); reversing both index orders keeps the handedness of each single rotation apparent
    matrix = Rotation.from_euler("zyx", degrees, degrees=True).as_matrix()
    return np.asarray(matrix[::-1, ::-1], dtype=np.float64)


def _nodes(morph: Morph, reach_mm: float) -> Field | None:
    """Random displacement in mm around the centre, a cubic B-spline of white noise; None if there is none."""
    from scipy import ndimage

    if morph.elastic_mm == 0:
        return None
    count = 2 * int(np.ceil((reach_mm + REACH_MM) / morph.elastic_grid_mm)) + 5
    rng = np.random.default_rng(morph.seed)
    # the B-spline has about 0.48³ of the noise's variance in 3D (the sum of squares of its weights)
    noise = rng.standard_normal((3, count, count, count)) * (morph.elastic_mm / 0.48**1.5)
    fine = np.zeros((3, *[_FINER * (count - 1) + 1] * 3), dtype=np.float32)
    fine[:, ::_FINER, ::_FINER, ::_FINER] = noise
    for axis in (1, 2, 3):
        fine = ndimage.convolve1d(fine, _B_SPLINE, axis=axis, mode="constant")
    return fine


@lru_cache(maxsize=4)  # a slider asks for one seed again and again
def _gradient(seed: PreparedSeed) -> Field:
    """Direction away from the contour, ``(3, z, y, x)``, in the seed's index axes, per mm."""
    steps = np.asarray(seed.affine.spacing)[:, None, None, None]
    slope = _change(seed.distance) / steps
    norm = np.maximum(np.linalg.norm(slope, axis=0), 0.3)  # 0 on the ridge in the middle of the lesion
    return np.asarray(slope / norm**2 / steps, dtype=np.float32)


def _change(distance: Field) -> FloatArray:
    """Change per voxel along each axis; 0 along an axis of one voxel."""
    zero = np.zeros_like(distance)
    return np.stack([np.gradient(distance, axis=n) if size > 1 else zero for n, size in enumerate(distance.shape)])
