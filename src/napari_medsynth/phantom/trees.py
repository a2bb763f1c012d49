"""Vessels that fill a lung: :func:`grow` makes the branches, :func:`cover` draws them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .canvas import Canvas, FloatArray, Point, capsule

Points = npt.NDArray[np.float64]
Branch = tuple[Points, Points, float, float]  #: start, stop in mm, and the radius at each

_LEAF = 2  #: a branch that supplies no more points than this ends among them
_BENT_MM = 10.0  #: branches of this length and more are bent


def grow(root: Point, radius: float, supplied: Points) -> list[Branch]:
    """Grow a tree that supplies a region, by halving the region again and again.

    Each branch runs half-way to the centre of the points it supplies; these are then parted by the plane along
    the branch across which they spread most. After Tawhai, Pullan and Hunter, *Generation of an anatomically based
    three-dimensional model of the conducting airways*, Ann Biomed Eng 28:793 (2000). Flow goes with the number of
    points, so by Murray's law (PNAS 12:207, 1926) the radius goes with its cube root.

    Parameters
    ----------
    root
        Where the tree starts, ``(z, y, x)`` in mm.
    radius
        Radius there in mm.
    supplied
        ``(n, 3)`` points spread evenly over the region, in mm.

    Returns
    -------
    list of Branch
        From the root outwards.
    """
    branches: list[Branch] = []
    total = len(supplied)
    todo = [(np.asarray(root, dtype=float), np.zeros(3), radius, supplied)]
    while todo:
        start, heading, wide, points = todo.pop()
        middle = points.mean(axis=0)
        along = middle - start if len(points) <= _LEAF else (middle - start) / 2
        stop = start + along
        narrow = radius * (len(points) / total) ** (1 / 3)
        branches += _bent(start, stop, heading, min(wide, 1.3 * narrow), narrow)
        if len(points) > _LEAF:
            side = _side(points - middle, along)
            parts = (side, ~side) if side.any() else ()  # points that coincide cannot be parted
            todo += [(stop, along, narrow, points[part]) for part in parts]
    return branches


def cover(canvas: Canvas, branches: list[Branch]) -> FloatArray:
    """Return the part of each voxel, 0 … 1, that lies in a branch."""
    filled = np.zeros_like(canvas.hu)
    for start, stop, wide, narrow in branches:
        reach = wide + canvas.edge
        box = canvas.box((np.minimum(start, stop) - reach).tolist(), (np.maximum(start, stop) + reach).tolist())
        distance = capsule(canvas.offsets(box, start.tolist()), stop - start, wide, narrow)
        thin = min(1.0, 2 * narrow / canvas.edge)  # one thinner than a voxel never fills it
        np.maximum(filled[box], canvas.cover(distance) * np.float32(thin), out=filled[box])
    return filled


def _bent(start: Points, stop: Points, heading: Points, wide: float, narrow: float) -> list[Branch]:
    """Draw a long branch as two pieces that leave the parent in its direction; vessels have no corners."""
    length = float(np.linalg.norm(stop - start))
    if length < _BENT_MM or not heading.any():
        return [(start, stop, wide, narrow)]
    way = (start + stop) / 2 + 0.18 * (length * heading / np.linalg.norm(heading) - (stop - start))
    return [(start, way, wide, (wide + narrow) / 2), (way, stop, (wide + narrow) / 2, narrow)]


def _side(points: Points, along: Points) -> npt.NDArray[np.bool_]:
    """On which side of the plane along the branch, across which they spread most, ``points`` lie."""
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    across = points - np.outer(points @ along, along)
    normal = np.linalg.eigh(across.T @ across)[1][:, -1]
    return np.asarray(across @ normal > 0)
