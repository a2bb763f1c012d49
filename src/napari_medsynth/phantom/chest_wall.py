"""The outside of a made thorax: table, skin, fat, muscle, and the bones.

Sizes are those of a middle-sized adult, arms raised, in mm; HU are usual ones with contrast medium.
"""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, FloatArray, capsule, superellipsoid
from .labels import VALUE

_GIRDLE = VALUE["shoulder girdle"]
_LEVEL = 24.0  #: from one vertebra to the next
_VERTEBRA = 19.0  #: height of a vertebral body
_DOME, _HEIGHT, _DEPTH, _POWER = -10.0, 122.0, 90.0, 2.15  #: where the cage's dome starts, its radii and roundness


def add_table(canvas: Canvas) -> None:
    """Paint the scanner's table: a hollow, curved carbon-fibre shell filled with foam."""
    depth = canvas.y - 123 + canvas.x**2 / 900
    sides = np.abs(canvas.x) - 195
    canvas.paint(np.maximum(np.maximum(-depth, depth - 26), sides), -180, None)
    canvas.paint(np.maximum(np.maximum(2 - depth, depth - 24), sides), -940, None)


def cage_distance(canvas: Canvas) -> FloatArray:
    """Distance in mm to the inner surface of the chest wall, negative inside: flat in front, domed at the top."""
    z = np.maximum(canvas.z - _DOME, 0)
    x = np.maximum(np.abs(canvas.x) - 28, 0)
    return superellipsoid((z, canvas.y - _cage_centre(canvas.z), x), (_HEIGHT, _DEPTH, 104.0), _POWER)


def add_body(canvas: Canvas, cage: FloatArray, texture: FloatArray) -> None:
    """Paint skin, fat and muscle with fat between its layers, and fill the chest with fat."""
    rise = np.clip((canvas.z - 40) / 80, 0, 1)
    body = superellipsoid((canvas.y - 2, canvas.x), (116.0, 165 + 18 * rise**2), 2.6)
    depth = 9 + 7 * (canvas.x / 165) ** 2
    canvas.paint(body, 20, VALUE["skin"])
    canvas.paint(body + 2.5, -100, VALUE["fat"])
    planes = np.clip(1.2 - np.abs(_nearest(cage - 14, 12)) / 1.5, 0, 1) * (cage > 8)
    planes = np.clip(planes * (0.5 + 0.5 * texture), 0, 1)
    canvas.paint(body + depth, 55 - 100 * planes, VALUE["muscle"])
    for side in (-1, 1):
        box, axilla = canvas.ellipsoid((62, -12, side * 136), (45, 30, 15), turn=side * 15)
        canvas.paint(np.maximum(axilla, 11 - cage[box]), -95, VALUE["fat"], box)
    canvas.paint(cage, -95, VALUE["fat"])


def add_bones(canvas: Canvas, cage: FloatArray) -> None:
    """Paint shoulder girdle, ribs, sternum and spine."""
    for side in (-1, 1):
        canvas.tube([(78, -68, side * 14), (92, -66, side * 55), (118, -38, side * 125)], (6, 5, 6), 330, _GIRDLE)
        box, blade = canvas.ellipsoid((62, 70, side * 116), (58, 4, 38), turn=side * -40)
        canvas.paint(blade, 320, _GIRDLE, box)
    _add_ribs(canvas, cage)
    _add_sternum(canvas)
    _add_spine(canvas, cage)


def spine_line(z: FloatArray) -> FloatArray:
    """Return where the middle of the vertebral bodies lies, in mm to the back, at each height: a mild kyphosis."""
    return np.asarray(47 + 7 * (1 - (z / 120) ** 2), dtype=np.float32)


def column_distance(y: FloatArray, x: FloatArray) -> FloatArray:
    """Distance in mm to the spine and the muscles beside it, which part the lungs behind the heart.

    ``y`` counts from :func:`spine_line`. The column widens to the back, where the ribs join.
    """
    return superellipsoid((y - 20, x), (38.0, 21 + 0.48 * np.maximum(y, 0)), 4.0)


def _cage_centre(z: FloatArray) -> FloatArray:
    return np.asarray(3 + 0.1 * z, dtype=np.float32)


def _nearest(height: FloatArray, period: float) -> FloatArray:
    """Millimetres from the nearest of the surfaces that lie ``period`` mm apart, one of them at 0."""
    return np.asarray(height - np.float32(period) * np.rint(height / np.float32(period)), dtype=np.float32)


def _add_ribs(canvas: Canvas, cage: FloatArray) -> None:
    """Flat rods on the chest wall that slope down to the side and to the front, where they end as cartilage."""
    slope = 0.5 * (90 - canvas.y) + 0.2 * np.abs(canvas.x) + 4
    rib = np.sqrt((_nearest(canvas.z + slope, _LEVEL) * np.float32(0.6)) ** 2 + (cage - 6) ** 2) - 4
    rib = np.maximum(rib, 24 - np.abs(canvas.x))
    cartilage = np.clip((-62 - canvas.y) / 6, 0, 1)
    canvas.paint(rib, 380 - 270 * cartilage, VALUE["ribs"])
    canvas.paint(rib + 1.8, 180 - 80 * cartilage, VALUE["ribs"])


def _add_sternum(canvas: Canvas) -> None:
    box = canvas.box((-62, -120, -24), (84, -50, 24))
    z, y, x = canvas.offsets(box, (11, 0, 0))
    taper = (np.maximum(z + 11 - _DOME, 0) / _HEIGHT) ** _POWER
    front = _cage_centre(z + 11) - _DEPTH * (1 - taper) ** (1 / _POWER) - 7
    bone = np.maximum(superellipsoid((y - front, x), (6.0, 18 + 5 * np.clip((z - 40) / 20, 0, 1))), np.abs(z) - 70)
    canvas.paint(bone, 300, VALUE["sternum"], box)
    canvas.paint(bone + 2, 140, VALUE["sternum"], box)


def _add_spine(canvas: Canvas, cage: FloatArray) -> None:
    """Bodies and discs in a column, an arch around the canal, and three processes on each vertebra."""
    box = canvas.box((-1e3, 20, -60), (1e3, 125, 60))
    z, y, x = canvas.offsets(box, (0, 0, 0))
    level, y, side = _nearest(z, _LEVEL), y - spine_line(z), np.abs(x)
    waist = 1 - 0.1 * np.clip(1 - (level / 7) ** 2, 0, 1)
    column = superellipsoid((y, x), (13.5 * waist, 17 * waist), 2.3)
    body = np.maximum(column, np.abs(level) - _VERTEBRA / 2)
    ring = np.hypot(y - 21, x)
    arch = np.maximum(np.abs(ring - 10.5) - 2.5, np.abs(level - 2) - 8.5)
    drop = _nearest(z + 0.8 * (y - 30), _LEVEL)
    spinous = np.maximum(np.maximum(side - 3, np.abs(y - 42) - 11), np.abs(drop) - 6)
    transverse = capsule((level - 3, y - 20, side - 10), np.array((0, 13, 26.0)), 5, 4)
    neck = capsule((level - 7, y - 6, side - 15), np.array((-3, 25, 21.0)), 4, 4)
    back = np.maximum(column_distance(y, x), 8 - y)
    canvas.paint(np.maximum(back, cage[box]), 52, VALUE["muscle"], box)
    canvas.paint(column + 0.5, 90, VALUE["discs"], box)
    canvas.paint(neck, 300, VALUE["ribs"], box)
    bone = np.minimum(np.minimum(body, arch), np.minimum(spinous, transverse))
    canvas.paint(bone, 380, VALUE["vertebrae"], box)
    canvas.paint(bone + 2, 190, VALUE["vertebrae"], box)
    canvas.paint(ring - 8.5, 15, VALUE["spinal canal"], box)
    canvas.paint(ring - 5, 45, VALUE["spinal canal"], box)
