"""Tubes through given points: vessels, gut, airways, muscles that run like ropes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .body import Body
from .fields import FloatArray, capsule
from .part import Course, Part
from .scene import Scene, Slices

Point = npt.NDArray[np.float64]
#: Two corners of a box in mm, and the distance to a shape in those voxels of a scene that lie in it.
Piece = tuple[Sequence[float], Sequence[float], Callable[[Scene, Slices], FloatArray]]

_FAR = 1e3  #: mm where nothing is near
_COARSE = 5.0  #: mm of a voxel beyond which half of the points of a course will do
_HAUSTRA = 24.0  #: mm from one fold of the colon to the next
_BRONCHUS = 1.5  #: mm of a bronchus's wall


def paint_tubes(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint tubes one over the other, each with its wall, contents and gas."""
    for part in parts:
        for course in part.courses if part.is_present else ():
            paint_tube(scene, part, course)


def paint_airways(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint walls first, so that the air joins up where one branch leaves another."""
    body = scene.body
    courses = [(part, body.placed(part, course)) for part in parts for course in _open(body, part)]
    pieces = [(part, made) for part, course in courses if (made := tube(scene, course))]
    for _, (box, distance) in pieces:
        scene.paint(distance - np.float32(_BRONCHUS), 20, None, box)
    for part, (box, distance) in pieces:
        scene.paint(distance, part.hu, part.label, box)


def _open(body: Body, part: Part) -> Sequence[Course]:
    """Return the airways of a part that hold air: of those to a lung that was taken out, a stump."""
    side = part.entry.label.side
    lungs = [lobe for lobe in body.of_shape("lung") if lobe.entry.label.side == side]
    courses = part.courses if part.is_present else ()
    return courses if any(lobe.is_present for lobe in lungs) else courses[:1]


def paint_tube(scene: Scene, part: Part, course: Course) -> None:
    """Paint one tube of a part."""
    made = tube(scene, scene.body.placed(part, course), part.details.get("haustra", 0.0))
    if made is None:
        return
    box, distance = made
    details = part.details
    if "lobes" in details:
        distance += np.float32(details["lobes"]) * scene.texture[box]
    if "within" in details:
        distance = np.maximum(distance, scene.inside(box, details["within"]))
    wall = details.get("wall")
    scene.paint(distance, wall["intensity"] if wall else scene.grained(part, box), part.label, box)
    if wall:
        _fill(scene, part, distance + np.float32(wall["thickness"]), box)
    if "lumen" in details:
        inner = distance + np.float32(course[1].mean() - details["lumen"]["radius"])
        scene.paint(inner, details["lumen"]["intensity"], None, box)


def _fill(scene: Scene, part: Part, lumen: FloatArray, box: Slices) -> None:
    """Fill a hollow organ; gas stands above a level, in front as the patient lies on the back."""
    scene.paint(lumen, scene.grained(part, box), None, box)
    if "gas" in part.details:
        level = scene.offsets(box)[1] - np.float32(part.details["gas"] + part.shift[1])
        scene.paint(np.maximum(lumen, level), -960, None, box)


def tube(scene: Scene, course: Course, haustra: float = 0.0) -> tuple[Slices, FloatArray] | None:
    """Return the box of a tube and the distance to it in that box; None if the slab holds nothing of it."""
    points, radii = course
    wide = radii.max() * (1 + haustra)
    if not scene.reaches(points[:, 0].min() - wide, points[:, 0].max() + wide):
        return None
    if haustra and scene.voxel < _HAUSTRA / 4:
        way = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
        fine = np.arange(0, way[-1], _HAUSTRA / 4)
        points = np.stack([np.interp(fine, way, column) for column in points.T], axis=1)
        radii = np.interp(fine, way, radii) * (1 + haustra * np.sin(2 * np.pi * fine / _HAUSTRA))
    if scene.voxel > _COARSE:
        some = np.unique([*range(0, len(points), 2), len(points) - 1])
        points, radii = points[some], radii[some]
    wide = np.maximum(radii[:-1], radii[1:]) + scene.edge
    tops, ends = np.maximum(points[:-1, 0], points[1:, 0]) + wide, np.minimum(points[:-1, 0], points[1:, 0]) - wide
    near = (tops >= scene.lines[0][0]) & (ends <= scene.lines[0][-1])
    return union(scene, rods((points, radii), np.flatnonzero(near).tolist()))


def rods(course: Course, chosen: Sequence[int] | None = None) -> list[Piece]:
    """Return the pieces of a course, or some of them, for :func:`union`."""
    points, radii = course[0], course[1].tolist()
    pieces = range(len(points) - 1) if chosen is None else chosen
    return [_rod(points[n], points[n + 1], radii[n], radii[n + 1]) for n in pieces]


def union(scene: Scene, pieces: Sequence[Piece]) -> tuple[Slices, FloatArray] | None:
    """Return a box and the distance in it to the nearest of several pieces; None if the slab holds none of them."""
    near = [(box, piece[2]) for piece in pieces if (box := scene.box(piece[0], piece[1])) is not None]
    if not near:
        return None
    z, y, x = (slice(min(box[n].start for box, _ in near), max(box[n].stop for box, _ in near)) for n in range(3))
    distance = np.full([part.stop - part.start for part in (z, y, x)], _FAR, dtype=np.float32)
    for box, function in near:
        inner = distance[tuple(slice(b.start - o.start, b.stop - o.start) for b, o in zip(box, (z, y, x), strict=True))]
        np.minimum(inner, function(scene, box), out=inner)
    return (z, y, x), distance


def _rod(start: Point, stop: Point, wide: float, narrow: float) -> Piece:
    reach = max(wide, narrow)
    origin = start.tolist()

    def distance(scene: Scene, box: Slices) -> FloatArray:
        return capsule(scene.offsets(box, origin), stop - start, wide, narrow)

    ends = list(zip(origin, stop.tolist(), strict=True))
    return [min(pair) - reach for pair in ends], [max(pair) + reach for pair in ends], distance
