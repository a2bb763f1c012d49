"""The patient's shape changes: size, pose, shear, and a smooth deformation that can be undone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.affine import FloatArray
from ..core.rng import child_seed
from ..core.settings import setting
from .lattice import Lattice, Shape
from .stage import Params, Stage, uniform

#: Largest deviation of a displacement, as a share of the distance between nodes: a warp never folds.
STEEPEST = 0.2
_PAIRS = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))


@dataclass(frozen=True, kw_only=True)
class Warp(Stage):
    """Stretch, turn, shear and bend the anatomy, about the centre of the field of view and in mm.

    Every voxel of the result is looked up once, at ``matrix · (x + u(x))`` mm from the centre, ``x`` being its own
    place and ``u`` a displacement that is linear between a few nodes. Along an axis of one voxel nothing moves. Beyond
    the field of view the nearest voxel is repeated.

    Notes
    -----
    The defaults are those of Billot et al., "SynthSeg", Medical Image Analysis 86 (2023), whose voxels are 1 mm:
    scaling U(0.8, 1.2) and rotation U(−15°, 15°) for each axis, shears U(−0.012, 0.012), and velocities whose deviation
    is U(0, 4 mm), integrated by scaling and squaring (Arsigny et al., MICCAI 2006) so that the deformation can be
    undone. As there, scaling is that of the places that are looked up: 1.25 makes the anatomy 1/1.25 as large. That
    nothing folds, the deviation is at most a fifth of the distance between nodes; for 1 mm voxels and the default nodes
    that is 4.8 mm or more in all volumes of 25³ voxels and larger.
    """

    name: ClassVar[str] = "warp"

    scaling: float = setting(0.2, "Largest change of size along each axis, as a share", low=0, high=0.8)
    rotation: float = setting(15.0, "Largest rotation about each axis", unit="°", low=0, high=180)
    shearing: float = setting(0.012, "Largest shear of each axis along each other", low=0, high=0.4)
    translation: float = setting(0.0, "Largest shift along each axis", unit="mm", low=0, high=500)
    elastic: float = setting(
        4.0,
        "Largest standard deviation of the elastic displacement, within what nodes allow",
        unit="mm",
        low=0,
        high=50,
    )
    node_share: float = setting(0.04, "Nodes of the elastic displacement per voxel along each axis", low=0.01, high=0.1)
    integrate: bool = setting(True, "Whether the displacement is integrated, so that it can be undone (diffeomorphic)")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw scaling, rotation, shears, shift and the strength of the elastic displacement."""
        moves = [size > 1 for size in lattice.shape]
        turns = [sum(moves) - moves[axis] == 2 for axis in range(3)]
        shears = [moves[a] and moves[b] for a, b in _PAIRS]
        return {
            "scaling": _each(moves, rng, self.scaling, 1.0),
            "rotation": _each(turns, rng, self.rotation),
            "shearing": _each(shears, rng, self.shearing),
            "translation": _each(moves, rng, self.translation),
            "elastic": self._draw_elastic(lattice, rng),
        }

    def _draw_elastic(self, lattice: Lattice, rng: np.random.Generator) -> Params | None:
        nodes = node_counts(lattice, self.node_share)
        most = min([self.elastic, *(STEEPEST * step for step in node_distances(lattice, nodes) if step)])
        std, seed = uniform(rng, (0.0, most)), child_seed(rng)
        if std == 0 or not lattice.axes:
            return None
        return {"std": std, "nodes": list(nodes), "integrate": self.integrate, "seed": seed}


def node_counts(lattice: Lattice, share: float) -> Shape:
    """Return how many nodes of a displacement there are along each axis.

    ``share`` of the voxels, rounded up. Where that is one node, a second one joins it, unless the axis is less than
    half as long as the nodes lie apart elsewhere: a thin stack of slices bends as a whole.
    """
    counts = [max(1, math.ceil(round(share * size, 6))) for size in lattice.shape]
    lengths = [(size - 1) * step for size, step in zip(lattice.shape, lattice.spacing, strict=True)]
    widest = max(length / max(count - 1, 1) for length, count in zip(lengths, counts, strict=True))
    z, y, x = (
        2 if count == 1 and length > 0 and 2 * length >= widest else count
        for length, count in zip(lengths, counts, strict=True)
    )
    return z, y, x


def node_distances(lattice: Lattice, nodes: Sequence[int]) -> tuple[float, ...]:
    """Return the mm between neighbouring nodes along each axis; 0 where there is one node."""
    axes = zip(lattice.shape, lattice.spacing, nodes, strict=True)
    return tuple((size - 1) * step / (count - 1) if count > 1 else 0.0 for size, step, count in axes)


def matrix(params: Mapping[str, Any]) -> FloatArray:
    """Return the ``(3, 3)`` matrix, axes ``(z, y, x)`` in mm, from a place in the result to that in the label map.

    Scaling first, then shears, then rotations about z, y and x.
    """
    sheared = np.eye(3)
    for (row, column), value in zip(_PAIRS, params["shearing"], strict=True):
        sheared[row, column] = value
    turned = np.eye(3)
    for axis, degrees in enumerate(params["rotation"]):
        turned = _rotation(axis, math.radians(degrees)) @ turned
    return np.asarray(turned @ sheared @ np.diag(params["scaling"]), dtype=np.float64)


def _rotation(axis: int, angle: float) -> FloatArray:
    a, b = (n for n in range(3) if n != axis)
    turn = np.eye(3)
    turn[a, a] = turn[b, b] = math.cos(angle)
    turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
    return turn


def _each(happens: Sequence[bool], rng: np.random.Generator, most: float, around: float = 0.0) -> list[float]:
    """Draw a number within ``most`` of ``around`` for each that happens; the others are ``around``."""
    drawn = [uniform(rng, (around - most, around + most)) for _ in happens]
    return [value if yes else around for value, yes in zip(drawn, happens, strict=True)]
