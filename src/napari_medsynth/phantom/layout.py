"""Where organs come to lie once noise has moved them: nothing leaves its room or the body, and nothing overlaps.

The rule, in this order:

1. No structure is larger than its room.
2. Neighbours that overlap push each other apart along the line between their middles, each by half; rooms and the
   body's wall push back. This is repeated a fixed number of times.
3. What still leaves its room or the body is brought back towards its place in the catalogue, by the least that does.
   Rooms and body are convex, so there is always such a point.
4. Neighbours that still overlap shrink about their middles until they just touch.

Two solids count as apart if their middles lie at least one apart in units of the sum of their radii along each axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_ROUNDS = 6
_HALVINGS = 8
_CORNERS = 16
_ANGLES = np.arange(_CORNERS) * 2 * np.pi / _CORNERS
#: A polygon around the unit circle ``(corner, (y, x))``: what holds its corners holds the circle.
_AROUND = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], axis=-1) / np.cos(np.pi / _CORNERS)
_COINCIDENT = 0.05


@dataclass(frozen=True)
class Solids:
    """Some structures as boxes: middles and half extents ``(n, 3)``, ``(z, y, x)``."""

    centre: FloatArray
    half: FloatArray

    def towards(self, other: Solids, part: FloatArray) -> Solids:
        """Return the solids moved and resized by ``part``, one number each, of the way to ``other``."""
        part = part[:, None]
        centre = self.centre + part * (other.centre - self.centre)
        return Solids(centre, self.half + part * (other.half - self.half))


@dataclass(frozen=True)
class Limits:
    """What solids must respect.

    Parameters
    ----------
    rooms
        ``(n, 3, 2)``: the low and high end along ``(z, y, x)`` that each solid stays within.
    pairs
        ``(n, n)``, symmetric: who must not overlap whom.
    body
        Half depth and half width ``(y, x)`` of the space inside the body's wall.
    """

    rooms: FloatArray
    pairs: npt.NDArray[np.bool_]
    body: FloatArray

    def holds(self, solids: Solids) -> npt.NDArray[np.bool_]:
        """Which solids lie in their rooms and in the body."""
        low, high = solids.centre - solids.half, solids.centre + solids.half
        slack = 1e-9
        roomy = ((low >= self.rooms[..., 0] - slack) & (high <= self.rooms[..., 1] + slack)).all(axis=1)
        return np.asarray(roomy & (self.reach(solids) <= 1 + slack))

    def reach(self, solids: Solids) -> FloatArray:
        """How far out the furthest point of each solid lies: 1 is the inside of the body's wall."""
        points = solids.centre[:, None, 1:] + solids.half[:, None, 1:] * _AROUND
        return np.asarray(np.cbrt(_cubes(points / self.body).max(axis=1)))


def gauge(points: FloatArray) -> FloatArray:
    """Return where points ``(…, 2)`` lie in a trunk's section ``|y|³ + |x|³ <= 1``: 0 in its middle, 1 on its edge."""
    return np.asarray(np.cbrt(_cubes(points)))


def _cubes(points: FloatArray) -> FloatArray:
    cubes = np.abs(points * points * points)
    return np.asarray(cubes[..., 0] + cubes[..., 1])


def apart(solids: Solids) -> FloatArray:
    """Return how far apart each two solids are, ``(n, n)``: below 1 they overlap."""
    away = solids.centre[:, None] - solids.centre
    return np.asarray(np.sqrt(((away / (solids.half[:, None] + solids.half)) ** 2).sum(axis=-1)))


def settle(drawn: Solids, home: Solids, limits: Limits) -> Solids:
    """Bring drawn solids to where they can lie; ``home`` is where the catalogue has them, which must be allowed."""
    room = (limits.rooms[..., 1] - limits.rooms[..., 0]) / 2
    solids = Solids(drawn.centre, np.minimum(drawn.half, room))
    for _ in range(_ROUNDS):
        solids = _confined(_pushed(solids, home, limits), limits)
    return _shrunk(_brought_back(solids, home, limits), limits)


def _pushed(solids: Solids, home: Solids, limits: Limits) -> Solids:
    away = solids.centre[:, None] - solids.centre
    gap = np.maximum(apart(solids), _COINCIDENT)
    # Two middles in one place have no line between them: they part as they lie in the catalogue.
    away = np.where((gap > _COINCIDENT)[..., None], away, _COINCIDENT * (home.centre[:, None] - home.centre))
    push = limits.pairs * np.clip(1 / gap - 1, 0, 1) / 2
    return Solids(solids.centre + (away * push[..., None]).sum(axis=1), solids.half)


def _confined(solids: Solids, limits: Limits) -> Solids:
    low, high = limits.rooms[..., 0] + solids.half, limits.rooms[..., 1] - solids.half
    centre = np.maximum(np.minimum(solids.centre, high), low)
    over = np.maximum(limits.reach(Solids(centre, solids.half)) - 1, 0)
    out = np.maximum(gauge(centre[:, 1:] / limits.body), 1e-6)
    centre[:, 1:] *= np.maximum(1 - over / out, 0)[:, None]
    return Solids(centre, solids.half)


def _brought_back(solids: Solids, home: Solids, limits: Limits) -> Solids:
    low, high = np.zeros(len(solids.centre)), np.ones(len(solids.centre))
    low[limits.holds(solids)] = 1
    for _ in range(_HALVINGS if low.min() < 1 else 0):
        middle = (low + high) / 2
        fits = limits.holds(home.towards(solids, middle))
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return home.towards(solids, low)


def _shrunk(solids: Solids, limits: Limits) -> Solids:
    tightest = np.where(limits.pairs, apart(solids), 1).min(axis=1)
    return Solids(solids.centre, solids.half * np.minimum(tightest, 1)[:, None])
