"""Simple solids on a grid: how far each voxel lies from the surface of one.

Everything here is in voxels: offsets are counted from the middle of the solid along ``z``, ``y`` and ``x``, shaped so
that they broadcast, and radii are in voxels too. Distances are negative inside, and exact to first order near the
surface: a field that is 0 on it, over the length of its gradient (Taubin 1991, "Estimation of planar curves,
surfaces, and nonplanar space curves defined by implicit equations"). The field is ``√q - 1``, where ``q`` is quadratic
and 1 on the surface: for a sphere that is the distance everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Offsets = tuple[FloatArray, FloatArray, FloatArray]
Triple = tuple[float, float, float]

_VOXEL_VARIANCE = 1 / 12  #: variance of a box one voxel wide: a voxel averages over itself
_TINY = np.float32(1e-6)

_HILUM_DEPTH = 3.0  #: how deep the hilum of a kidney is: 3 halves the medial part of its width
_HILUM_HEIGHT = 0.45  #: half height of the hilum, as part of the kidney's half height


def softness(blur: float) -> float:
    """Width in voxels of an edge seen through voxels and a Gaussian point spread.

    The edge follows the smoothstep ``t² (3 - 2t)``: its slope is a parabola of variance ``width² / 20``, and the width
    gives that the variance of voxel and point spread together. It differs from the Gaussian's own integral by 0.032 at
    most, and ends after a finite distance.

    Parameters
    ----------
    blur
        Standard deviation of the point spread, in voxels.
    """
    return float(np.sqrt(20 * (blur**2 + _VOXEL_VARIANCE)))


def cover(distance: FloatArray, width: float) -> FloatArray:
    """Return the part of each voxel, 0 … 1, inside a surface with an edge of :func:`softness`.

    ``distance`` is overwritten.
    """
    distance *= np.float32(-1 / width)
    distance += np.float32(0.5)
    np.clip(distance, 0, 1, out=distance)
    rest = np.float32(3) - 2 * distance
    distance *= distance
    distance *= rest
    return distance


def roundness(radii: Triple, width: float) -> float:
    """Return how far a blurred surface must move inwards for the solid to keep its volume, in voxels.

    The outer half of the edge of a round solid holds more voxels than the inner half. If ``V(t)``, proportional to the
    product of the radii, is the volume with all of them grown by ``t``, an edge of variance ``v`` adds ``v V'' / 2``,
    and a surface that moves by ``v V'' / (2 V')`` takes it away again.
    """
    a, b, c = radii
    return min(width**2 / 20 * (a + b + c) / (a * b + b * c + c * a), min(radii) / 2)


def ellipsoid(offsets: Offsets, radii: Triple, details: Mapping[str, Any]) -> FloatArray:
    """Distance to an ellipsoid."""
    z, y, x = (offset / np.float32(radius) for offset, radius in zip(offsets, radii, strict=True))
    square = (z * z + y * y) + x * x
    z, y, x = (part * np.float32(2 / radius) for part, radius in zip((z, y, x), radii, strict=True))
    slope = (z * z + y * y) + x * x
    return _distance(square, slope, min(radii))


def kidney(offsets: Offsets, radii: Triple, details: Mapping[str, Any]) -> FloatArray:
    """Distance to a kidney: an ellipsoid whose poles lean to its medial side, around a hilum there.

    ``details["side"]`` says on which side of the body it lies. It fills the same box as an ellipsoid of these radii.
    """
    lateral = np.float32(1 if details["side"] == "left" else -1)
    z, y, x = (offset / np.float32(radius) for offset, radius in zip(offsets, radii, strict=True))
    x = lateral * x + np.float32(0.5) * z * z
    medial = np.minimum(x, np.float32(0))
    depth = np.maximum(1 - z * z * np.float32(1 / _HILUM_HEIGHT**2), np.float32(0))
    dent = np.float32(_HILUM_DEPTH) * depth * depth
    pull = x + dent * medial
    square = z * z + x * x + dent * medial * medial
    along = 2 * z * (1 + pull - np.float32(2 * _HILUM_DEPTH / _HILUM_HEIGHT**2) * depth * medial * medial)
    slope = (along * np.float32(1 / radii[0])) ** 2 + (pull * np.float32(2 / radii[2])) ** 2
    return _distance(square + y * y, slope + (y * np.float32(2 / radii[1])) ** 2, min(radii))


def cylinder(offsets: Offsets, radii: Triple, details: Mapping[str, Any]) -> FloatArray:
    """Distance to an upright cylinder of elliptic section."""
    flat = ellipsoid((np.zeros((1, 1, 1), np.float32), *offsets[1:]), (np.inf, *radii[1:]), details)
    return np.maximum(flat, np.abs(offsets[0]) - np.float32(radii[0]))


def _distance(square: FloatArray, slope: FloatArray, radius: float) -> FloatArray:
    """Distance to a surface ``square == 1`` of squared gradient ``slope``, at most ``radius`` deep; overwrites both."""
    square += _TINY
    slope += np.float32(4 * _TINY / radius**2)  # in the middle, where both are 0, the distance is the radius
    np.sqrt(slope, out=slope)
    square -= np.sqrt(square)
    square *= np.float32(2)
    square /= slope
    return np.maximum(square, np.float32(-radius), out=square)


#: The solids that a catalogue may name.
SHAPES: Mapping[str, Callable[[Offsets, Triple, Mapping[str, Any]], FloatArray]] = {
    "ellipsoid": ellipsoid,
    "kidney": kidney,
    "cylinder": cylinder,
}
