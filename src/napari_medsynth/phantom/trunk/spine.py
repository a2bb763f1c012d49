"""The spine: vertebrae in their curve, discs, canal and sacrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .backbone import Backbone
from .body import Body
from .fields import FloatArray, ellipsoid, nearest, section, smooth_maximum
from .part import Part
from .scene import Scene, Slices

_HALF, _FRONT, _BACK = 62.0, 26.0, 86.0  #: mm of room for the spine beside, before and behind its line
_SWEPT, _KEYSTONE = np.float32(7), np.float32(0.45)  #: mm, and share of its width that the sacrum loses to the back
_FIRST_HOLE, _SEGMENT = np.float32(24), 21.0  #: mm from its top to its first holes, and from these to the next
_THORACIC = 12  #: vertebrae that carry ribs
_FAR = 1e3  #: mm where nothing is near


def paint_spine(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the muscles along the spine, discs, vertebrae, sacrum and canal."""
    canal, discs, *_ = parts
    body = scene.body
    line = body.backbone.middle(scene.lines[0])
    box = scene.box((-1e3, float(line.min()) - _FRONT, -_HALF), (1e3, float(line.max()) + _BACK, _HALF))
    if box is None:
        return
    z, y, x = scene.offsets(box)
    muscle = body.parts["muscle"]
    place = Levels(body.backbone, z, y, x)
    column = np.maximum(muscle_column(body, z, y, x), scene.cavity[box])
    np.maximum(column, -place.straight[1] - place.half[0], out=column)  # what lies before the bodies is no muscle
    scene.paint(column, scene.grained(muscle, box), muscle.label, box)
    if discs.is_present:
        scene.paint(place.disc(), discs.hu, discs.label, box)
    _paint_rib_heads(scene, place, box)
    _paint_vertebrae(scene, place, box)
    _paint_sacrum(scene, body.parts["sacrum"], place, box)
    if canal.is_present:
        _paint_canal(scene, canal, place, box)


def muscle_column(body: Body, z: FloatArray, y: FloatArray, x: FloatArray) -> FloatArray:
    """Distance to the spine and the muscles beside it: they widen to the back, where the ribs join."""
    behind = y - body.backbone.middle(z)
    low = np.clip((30 - z) / 60, 0, 1)
    widening = np.float32(0.48) + np.float32(0.75) * low
    half = np.float32(20) + widening * np.maximum(behind - 12 * low, 0) + np.maximum(-125 - z, 0) * np.float32(-2)
    slant = np.float32(1) / np.sqrt(1 + widening**2)
    return smooth_maximum(np.abs(x) * slant - half * slant, -16 - behind, 14.0)


@dataclass(frozen=True, eq=False)
class Levels:
    """Places near the spine, told by vertebra.

    Parameters
    ----------
    line
        The spine's line.
    z, y, x
        The places, shaped so that they broadcast. What depends on ``z`` and ``y`` alone is worked out on a plane.
    """

    line: Backbone
    z: FloatArray
    y: FloatArray
    x: FloatArray

    @cached_property
    def side(self) -> FloatArray:
        """Millimetres from the midline."""
        return np.abs(self.x)

    @cached_property
    def straight(self) -> tuple[FloatArray, FloatArray]:
        """Millimetres along the line, and behind it."""
        return self.line.straightened(self.z, self.y)

    @cached_property
    def level(self) -> npt.NDArray[np.intp]:
        """Index of the vertebra whose upper face lies above."""
        return self.level_at(self.straight[0])

    @cached_property
    def below(self) -> FloatArray:
        """Millimetres below the upper face of that vertebra."""
        return np.asarray(self.straight[0] - self.line.tops[self.level], dtype=np.float32)

    def level_at(self, s: FloatArray) -> npt.NDArray[np.intp]:
        """Return the index of the vertebra at places along the line."""
        return np.clip(np.searchsorted(self.line.tops, s, side="right") - 1, 0, len(self.line.vertebrae) - 1)

    def figure(self, values: Sequence[float]) -> FloatArray:
        """Return a figure that each vertebra has, changing smoothly from one to the next."""
        return np.asarray(np.interp(self.straight[0], self.line.middles, values), dtype=np.float32)

    def of(self, values: Sequence[float], level: npt.NDArray[np.intp] | None = None) -> FloatArray:
        """Return a figure that each vertebra has, at its own level."""
        return np.asarray(values, dtype=np.float32)[self.level if level is None else level]

    @cached_property
    def half(self) -> tuple[FloatArray, FloatArray]:
        """Half depth and half width of the vertebral bodies, with their waist."""
        parts = self.line.vertebrae
        tall = self.of(self.line.heights.tolist())
        waist = 1 - 0.1 * np.clip(1 - (2 * self.below / tall - 1) ** 2, 0, 1) * (self.below > 0)
        depth, width = (self.figure([p.entry.size[n] * p.size[n] / 2 for p in parts]) for n in (1, 2))
        return (depth * waist).astype(np.float32), (width * waist).astype(np.float32)

    @cached_property
    def canal(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Where the canal's middle lies behind the line, and half of its depth and width."""
        parts = self.line.vertebrae
        depth, width = (self.figure([p.details["canal"][n] / 2 for p in parts]) for n in (0, 1))
        body = self.figure([p.entry.size[1] * p.size[1] / 2 for p in parts])
        return body * np.float32(0.88) + depth, depth, width

    @cached_property
    def column(self) -> FloatArray:
        """Distance to the column of bodies and discs: oval, flat behind."""
        behind = self.straight[1]
        return np.maximum(ellipsoid((behind, self.x), self.half), behind - self.half[0] * np.float32(0.86))

    @cached_property
    def ring(self) -> FloatArray:
        """Distance to the canal."""
        middle, depth, width = self.canal
        return ellipsoid((self.straight[1] - middle, self.x), (depth, width))

    def disc(self) -> FloatArray:
        """Distance to the discs; none hangs between two vertebrae that are missing, unless all of them are."""
        tall, pitch = self.of(self.line.heights.tolist()), self.of(np.diff(self.line.tops).tolist())
        gap = np.abs(self.below - (tall + pitch) / 2) - (pitch - tall) / 2
        above = [part.is_present for part in self.line.vertebrae]
        below = [*above[1:], self.line.sacrum.is_present]
        if any(above):
            gap += self.of([0.0 if one or other else _FAR for one, other in zip(above, below, strict=True)])
        return np.asarray(np.maximum(self.column + np.float32(0.6), gap))

    def bone(self) -> FloatArray:
        """Distance to vertebral bodies, arches, joints and transverse processes."""
        tall = self.of(self.line.heights.tolist())
        body = smooth_maximum(self.column, np.abs(self.below - tall / 2) - tall / 2, 2.5)
        return np.asarray(np.minimum(np.minimum(body, self._arch(tall)), self._transverse(tall)))

    def _arch(self, tall: FloatArray) -> FloatArray:
        """Pedicles at the upper half of each body, laminae lower down, and the joints between the arches."""
        middle, depth, width = self.canal
        behind = self.straight[1] - middle
        back = np.clip(0.5 + behind / (2 * depth), 0, 1)
        low, high = tall * (0.06 + 0.2 * back), tall * (0.6 + 0.4 * back)
        arch = np.maximum(self.ring - np.float32(5.5), np.maximum(low - self.below, self.below - high))
        joint = np.hypot(self.side - width - 3, behind - depth * np.float32(0.7)) - np.float32(6.5)
        return np.asarray(np.maximum(np.minimum(arch, joint), -depth - 4 - behind))

    def _transverse(self, tall: FloatArray) -> FloatArray:
        parts = self.line.vertebrae
        reach, back = (self.of([p.details["transverse"][n] for p in parts]) for n in (0, 1))
        middle, _, width = self.canal
        course = middle + back * ((self.side - width) / (reach - width))
        rod = np.hypot(self.straight[1] - course, self.below - 0.36 * tall) - np.float32(4.8)
        return np.maximum(rod, np.maximum(self.side - reach, width - self.side))

    def spinous(self) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Distance to the spinous processes, and whose they are: those of the chest hang over the next vertebra."""
        parts = self.line.vertebrae
        middle, depth, _ = self.canal
        s, behind = self.straight[0], self.straight[1] - middle - depth
        drop = self.figure([p.details["spinous"][1] for p in parts])
        own = s - drop * np.maximum(behind, 0)
        level = self.level_at(own)
        tall, length = (
            self.of(self.line.heights.tolist(), level),
            self.of([p.details["spinous"][0] for p in parts], level),
        )
        high = 5 + 0.19 * np.maximum(tall - 18, 0) ** 1.2
        off = np.abs(own - self.line.tops[level] - 0.66 * tall) - high
        shape = np.maximum(off, np.abs(behind - length / 2) - length / 2)
        thick = 2.6 + 1.6 * np.clip(behind / length, 0, 1)
        return smooth_maximum(self.side - thick.astype(np.float32), shape.astype(np.float32), 2.0), level

    def rib_heads(self) -> FloatArray:
        """Distance to the necks of the ribs, from the bodies to the tips of the transverse processes."""
        parts = self.line.vertebrae
        reach, back = (self.of([p.details["transverse"][n] for p in parts]) for n in (0, 1))
        width = self.half[1]
        way = np.clip((self.side - width) / (reach + 10 - width), -0.2, 1.2)
        course = 4 + (self.canal[0] + back - 1) * way
        rod = np.hypot(self.straight[1] - course, self.below - 2 - 5 * way) - np.float32(4.2)
        ends = np.maximum(width - 3 - self.side, self.side - reach - 12)
        chest = np.where((self.level < _THORACIC) & (self.straight[0] > -8), np.float32(0), np.float32(1e3))
        return np.maximum(rod, ends) + chest


def _paint_vertebrae(scene: Scene, place: Levels, box: Slices) -> None:
    parts = place.line.vertebrae
    labels, hu = np.array([p.label for p in parts], dtype=np.uint8), [p.hu for p in parts]
    missing = np.array([0.0 if p.is_present else 1e3 for p in parts], dtype=np.float32)
    beyond = np.maximum(place.straight[0] - np.float32(place.line.tops[-1]), -12 - place.straight[0])
    spinous, owner = place.spinous()
    hangs = scene.within_skin(np.maximum(spinous, beyond - 20), box) + missing[owner]
    scene.bone(hangs, place.of(hu, owner), labels[owner], box, 1.3)
    bone = np.maximum(place.bone(), beyond) + missing[place.level]
    scene.bone(bone, place.of(hu), labels[place.level], box, 1.3)


def _paint_rib_heads(scene: Scene, place: Levels, box: Slices) -> None:
    heads = place.rib_heads()
    for name, sign in (("left_ribs", 1), ("right_ribs", -1)):
        ribs = scene.body.parts[name]
        if ribs.is_present:
            scene.bone(np.maximum(heads, -sign * place.x), ribs.hu, ribs.label, box, 1.4)


def _paint_sacrum(scene: Scene, sacrum: Part, place: Levels, box: Slices) -> None:
    """Paint a wedge between the hip bones, wider in front, its wings swept back, with its holes and its canal."""
    down = place.straight[0] - np.float32(place.line.tops[-1])
    if not sacrum.is_present or down.max() < -scene.edge:
        return
    half, front, back, hole = scene.body.sacrum(down)
    wide = half * np.float32(sacrum.size[2])
    behind = place.straight[1] - _SWEPT * np.minimum(place.side / wide, 1) ** 2
    deep = np.clip((behind - front) / (back - front), 0, 1)
    flat = np.zeros_like(half)
    offsets = behind - (front + back) / 2, place.x / (1 - _KEYSTONE * deep)
    shape = section(offsets, ((back - front) / 2, wide), (flat, flat), 2.6)
    ends = np.maximum(-down, down - np.float32(sacrum.entry.size[0]))
    scene.bone(smooth_maximum(shape, ends, 4.0), sacrum.hu, sacrum.label, box, 1.4)
    canal = ellipsoid((place.straight[1] - back + hole + 7, place.x), (hole * np.float32(0.7), hole))
    holes = np.hypot(nearest(down - _FIRST_HOLE, _SEGMENT), place.side - 0.38 * wide) - np.float32(4.2)
    holes = np.maximum(np.maximum(holes, shape), np.abs(down - _FIRST_HOLE - 1.5 * _SEGMENT) - 2 * _SEGMENT)
    fat = scene.body.parts["internal_fat"]
    scene.paint(np.minimum(np.maximum(canal, np.maximum(-down - 3, down - 75)), holes), -20, fat.label, box)


def _paint_canal(scene: Scene, canal: Part, place: Levels, box: Slices) -> None:
    s = place.straight[0]
    end = np.maximum(s - np.float32(place.line.tops[-1] + 4), 0)
    scene.paint(place.ring + end, canal.hu, canal.label, box)
    cord = canal.details["cord"]
    names = [p.name for p in place.line.vertebrae]
    tip = s - np.float32(place.line.tops[names.index(cord["end"]) + 1])
    round_cord = np.hypot(place.straight[1] - place.canal[0], place.x * np.float32(0.85)) - cord["radius"]
    scene.paint(np.maximum(round_cord, tip * np.float32(0.3)), cord["intensity"], None, box)
