"""Shapes as distances in mm, negative inside, exact to first order near their surface.

All take offsets ``(z, y, x)`` of any shapes that broadcast, so that most of the work is done on lines and planes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
Offsets = Sequence[FloatArray]

_STEEPEST = 1.5  #: slope of a trunk beyond which distances far outside would come out much too small


def section(
    offsets: tuple[FloatArray, FloatArray],
    half: tuple[FloatArray, FloatArray],
    slope: tuple[FloatArray, FloatArray],
    power: float,
) -> FloatArray:
    """Distance to a trunk whose cross-sections are superellipses.

    Parameters
    ----------
    offsets
        Millimetres from the middle of the section, along ``y`` and ``x``.
    half, slope
        Half of the section's extents along ``y`` and ``x``, and how fast those grow with ``z``.
    power
        2 for ellipses; more for squarer sections.
    """
    field: FloatArray = np.full(1, -1, dtype=np.float32)
    steep: FloatArray = np.full(1, 1e-6, dtype=np.float32)
    for offset, radius, growth in zip(offsets, half, slope, strict=True):
        part = np.abs(offset) / radius
        high = part ** np.float32(power - 1)
        field = field + high * part
        steep = steep + (power * high / radius) ** 2 * (
            1 + (np.minimum(part, 1) * np.clip(growth, -_STEEPEST, _STEEPEST)) ** 2
        )
    return np.asarray(field / np.sqrt(steep))


def ellipsoid(offsets: Offsets, radii: Sequence[float | FloatArray] | FloatArray) -> FloatArray:
    """Distance to an ellipsoid."""
    near: FloatArray = np.zeros(1, dtype=np.float32)
    slope: FloatArray = np.full(1, 1e-9, dtype=np.float32)
    for offset, radius in zip(offsets, radii, strict=True):
        inverse = np.float32(1) / np.asarray(radius, dtype=np.float32)
        part = (offset * inverse) ** 2
        near = near + part
        slope = slope + part * inverse**2
    root = np.sqrt(near)
    root *= root - np.float32(1)
    root /= np.sqrt(slope)
    return np.asarray(root)


def capsule(offsets: Offsets, along: npt.NDArray[np.floating], start: float, stop: float) -> FloatArray:
    """Distance to a rod from the origin to ``along`` whose radius goes from ``start`` to ``stop``."""
    z, y, x = offsets
    dz, dy, dx = (np.float32(v) for v in along)
    t = z * dz + y * dy + x * dx
    t *= np.float32(1 / max(float(along @ along), 1e-6))
    np.clip(t, 0, 1, out=t)
    gap = (z - t * dz) ** 2
    gap += (y - t * dy) ** 2
    gap += (x - t * dx) ** 2
    np.sqrt(gap, out=gap)
    gap -= start + t * np.float32(stop - start)
    return np.asarray(gap)


def plate(offsets: Offsets, corners: npt.NDArray[np.floating], half: float, rim: float, bulge: float) -> FloatArray:
    """Distance to a convex plate, curved like a saucer.

    Parameters
    ----------
    corners
        ``(n, 3)``, ``n`` even: the outline's corners in turn, in mm from where the offsets start; nearly in one plane.
    half
        Half of its thickness.
    rim
        How much thicker each side is at the edge, over the outer 15 mm.
    bulge
        How far the middle stands out, against the turning sense of the corners.
    """
    middle = corners.mean(axis=0)
    normal = np.cross(corners - middle, np.roll(corners, -1, axis=0) - middle).sum(axis=0)
    normal /= np.linalg.norm(normal)
    edges = [_edge(offsets, *ends, normal) for ends in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    # neighbouring edges are in different halves, so that one rounding does for all corners
    outline = smooth_maximum(np.maximum.reduce(edges[::2]), np.maximum.reduce(edges[1::2]), 30.0)
    reach = np.float32(max(np.linalg.norm(corners - middle, axis=1)))
    inward = np.clip(-outline / reach, 0, 1)
    height = along(offsets, normal) - np.float32(normal @ middle) - np.float32(bulge) * inward * (2 - inward)
    thick = half + rim * np.clip(1 + outline / 15, 0, 1)
    return smooth_maximum(np.abs(height) - thick, outline, 5.0)


def _edge(
    offsets: Offsets,
    one: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating],
    normal: npt.NDArray[np.floating],
) -> FloatArray:
    """Distance to the half-space inside an edge of a plate."""
    outward = np.cross(other - one, normal)
    outward /= np.linalg.norm(outward)
    return along(offsets, outward) - np.float32(outward @ one)


def along(offsets: Offsets, direction: npt.NDArray[np.floating]) -> FloatArray:
    """Millimetres along a unit vector."""
    z, y, x = offsets
    dz, dy, dx = (np.float32(v) for v in direction)
    return np.asarray(z * dz + (y * dy + x * dx), dtype=np.float32)


def turned(offsets: Offsets, degrees: Sequence[float]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the offsets along axes turned by ``degrees``: in the planes ``(y, x)``, ``(z, x)`` and ``(z, y)``."""
    z, y, x = offsets
    (cz, sz), (cy, sy), (cx, sx) = ((np.float32(np.cos(a)), np.float32(np.sin(a))) for a in np.deg2rad(degrees))
    y, x = y * cz - x * sz, x * cz + y * sz
    z, x = z * cy - x * sy, x * cy + z * sy
    return (z * cx - y * sx, y * cx + z * sx, x) if degrees[2] else (z, y, x)


def smooth_minimum(one: FloatArray, other: FloatArray, width: float) -> FloatArray:
    """Minimum whose corner is rounded over ``width`` mm."""
    near = np.maximum(np.float32(width) - np.abs(one - other), 0)
    near *= near
    near *= np.float32(-0.25 / width)
    near += np.minimum(one, other)
    return near


def smooth_maximum(one: FloatArray, other: FloatArray, width: float) -> FloatArray:
    """Maximum whose corner is rounded over ``width`` mm."""
    near = np.maximum(np.float32(width) - np.abs(one - other), 0)
    near *= near
    near *= np.float32(0.25 / width)
    near += np.maximum(one, other)
    return near


def nearest(height: FloatArray, period: float) -> FloatArray:
    """Millimetres from the nearest of the surfaces that lie ``period`` mm apart, one of them at 0."""
    return np.asarray(height - np.float32(period) * np.rint(height / np.float32(period)), dtype=np.float32)
