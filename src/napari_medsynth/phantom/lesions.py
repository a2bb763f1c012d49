"""Tumors for a made thorax: irregular, and by turns isolated with a lobed edge and spiculated at the chest wall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.errors import HostError
from .canvas import Canvas, FloatArray, Point, Slices
from .labels import VALUE

DIAMETERS_MM = (12.0, 28.0)  #: range of diameters, without spicules
SOFTNESS_MM = 1.5  #: width over which a tumor fades into the lung
_APART_MM = 10.0  #: least gap between two tumors
_HU = 30.0


def add_tumors(
    canvas: Canvas, lung: FloatArray, wall: FloatArray, texture: FloatArray, count: int, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Paint ``count`` tumors into the lungs; return which voxel belongs to which, from 1.

    Parameters
    ----------
    lung, wall
        Distance in mm to the surface of the lungs and of the chest wall, negative inside.
    texture
        Smooth noise of unit variance.

    Raises
    ------
    HostError
        If there is no room for one of them.
    """
    instances = np.zeros(canvas.hu.shape, dtype=np.uint8)
    placed: list[tuple[Point, float]] = []
    for number in range(1, count + 1):
        radius, at_wall = rng.uniform(*DIAMETERS_MM) / 2, number % 2 == 0
        fits = (np.abs(wall + 0.7 * radius) < canvas.edge) & (lung < 0) if at_wall else lung < -1.3 * radius - 6
        for other, size in placed:
            fits[_around(canvas, other, radius + size + _APART_MM)] = False
        if not fits.any():
            raise HostError(f"thorax has no room for tumor {number} of {count} ({2 * radius:.0f} mm); ask for fewer")
        centre = _quietest(canvas, fits, radius, rng)
        placed.append((centre, radius))
        box = _around(canvas, centre, 1.8 * radius)
        shape = _irregular(canvas.offsets(box, centre), radius, rng, spiculated=at_wall)
        cover = np.minimum(canvas.cover(shape, SOFTNESS_MM), canvas.cover(lung[box]))
        canvas.hu[box] += cover * (_HU + 12 * texture[box] - canvas.hu[box])
        instances[box][cover > 0.5] = number
    canvas.labels[instances > 0] = VALUE["tumor"]
    return instances


def _around(canvas: Canvas, centre: Point, reach: float) -> Slices:
    return canvas.box([c - reach for c in centre], [c + reach for c in centre])


def _quietest(canvas: Canvas, fits: npt.NDArray[np.bool_], radius: float, rng: np.random.Generator) -> Point:
    """Of thirty places that fit, the one with the fewest vessels: where a lone nodule is easiest to read."""
    tried = rng.choice(np.flatnonzero(fits), 30)
    places = [(z, y, x) for z, y, x in canvas.positions(np.unravel_index(tried, fits.shape)).tolist()]
    return min(places, key=lambda place: float(canvas.hu[_around(canvas, place, 1.2 * radius)].mean()))


def _irregular(
    offsets: Sequence[FloatArray], radius: float, rng: np.random.Generator, *, spiculated: bool
) -> FloatArray:
    """Distance to a ball whose radius waves with direction and, if asked, sends out thin spicules."""
    z, y, x = offsets
    gap = np.sqrt(z**2 + y**2 + x**2) + np.float32(1e-3)
    stretch = np.ones_like(gap)
    for wave, phase in zip(rng.normal(0, 2.4, (7, 3)), rng.uniform(0, 2 * np.pi, 7), strict=True):
        stretch += 0.06 * np.sin((wave[0] * z + wave[1] * y + wave[2] * x) / gap + phase)
    if spiculated:
        stretch *= 0.9
        for spike in rng.normal(size=(16, 3)):
            spike /= np.linalg.norm(spike)
            stretch += rng.uniform(0.2, 0.6) * np.exp(((spike[0] * z + spike[1] * y + spike[2] * x) / gap - 1) / 0.03)
    return np.asarray(gap - radius * stretch, dtype=np.float32)
