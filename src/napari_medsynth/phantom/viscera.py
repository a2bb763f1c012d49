"""The inside of a made thorax: lungs, heart, great vessels, airways, and what lies under the diaphragm.

Sizes and courses are those of a middle-sized adult, in mm; HU are usual ones with contrast medium.
"""

from __future__ import annotations

import numpy as np

from . import trees
from .canvas import Canvas, FloatArray, Point, superellipsoid, turned
from .chest_wall import column_distance, spine_line
from .labels import VALUE

BLOOD = 140.0
_HEART: Point = (-38, -25, 20)
_HEART_RADII = (52.0, 46.0, 68.0)
_HEART_TURN = -35.0
#: centre, radii and turn of left ventricle, right ventricle, right atrium and left atrium.
_CHAMBERS: tuple[tuple[Point, Point, float], ...] = (
    ((-45, -34, 46), (32, 18, 36), -35),
    ((-45, -56, 12), (34, 13, 36), -20),
    ((-30, -14, -22), (32, 24, 18), 0),
    ((-20, 12, 6), (20, 14, 30), 0),
)

#: name, HU, points ``(z, y, x)``, radii.
_VESSELS: tuple[tuple[str, float, tuple[Point, ...], tuple[float, ...]], ...] = (
    ("great veins", BLOOD, ((-150, -2, -26), (-78, -5, -24), (-40, -8, -24)), (13, 13, 12)),
    (
        "great veins",
        BLOOD,
        ((-20, -6, -25), (40, -6, -24), (70, -8, -22), (88, -8, -30), (110, 0, -48)),
        (10, 9, 9, 7, 6),
    ),
    ("great veins", BLOOD, ((66, -10, -20), (80, -22, 12), (100, -8, 42)), (7, 7, 6)),
    ("pulmonary arteries", BLOOD, ((-15, -42, 16), (4, -28, 22), (16, -8, 22)), (15, 14, 13)),
    ("pulmonary arteries", BLOOD, ((14, -4, 16), (10, 4, -8), (6, 8, -28), (-2, 10, -40)), (11, 10, 9, 8)),
    ("pulmonary arteries", BLOOD, ((16, -6, 22), (18, 8, 34), (10, 18, 44)), (11, 10, 8)),
    ("aorta", BLOOD, ((-28, -22, 2), (0, -24, -10), (34, -18, -14), (52, -8, -6)), (16, 16, 16, 15)),
    ("aorta", BLOOD, ((52, -8, -6), (58, 6, 8), (52, 24, 20), (36, 40, 25)), (15, 14, 13, 12)),
    ("aorta", BLOOD, ((36, 40, 25), (-50, 42, 24), (-100, 34, 14), (-150, 26, 5)), (12, 12, 11, 10)),
    ("aorta", BLOOD, ((54, -8, -6), (80, -4, -12), (125, 4, -18)), (7, 6, 5)),
    ("aorta", BLOOD, ((58, 4, 6), (85, 4, 10), (125, 4, 16)), (5, 4, 4)),
    ("aorta", BLOOD, ((55, 12, 13), (90, 18, 22), (125, 14, 36)), (6, 5, 5)),
    ("esophagus", 40, ((125, 32, 4), (60, 32, 6), (0, 33, 8), (-60, 26, 16), (-90, 14, 26)), (7, 7, 7, 7, 8)),
)
#: points and radii of the air inside; walls are 1.5 mm thick. The trachea comes last, to open into its branches.
_AIRWAYS: tuple[tuple[tuple[Point, ...], tuple[float, ...]], ...] = (
    (((18, 24, -24), (24, 20, -48)), (4.5, 3.0)),
    (((2, 26, -32), (-30, 34, -42), (-50, 48, -50)), (5.0, 4.0, 2.5)),
    (((0, 28, 42), (12, 16, 58)), (4.5, 3.0)),
    (((-2, 30, 42), (-30, 42, 52), (-50, 54, 60)), (5.0, 4.0, 2.5)),
    (((30, 21, 0), (18, 24, -18), (2, 26, -32)), (7.0, 6.5, 5.5)),
    (((30, 21, 0), (14, 26, 22), (-2, 30, 42)), (6.5, 6.0, 5.0)),
    (((130, 10, 0), (30, 21, 0)), (8.5, 8.5)),
)
#: root and radius of the trees: an artery and two veins on each side.
_ROOTS: dict[str, tuple[tuple[Point, float], ...]] = {
    "right lung": (((0, 10, -38), 7.0), ((-6, -2, -34), 4.5), ((-28, 16, -30), 4.5)),
    "left lung": (((10, 18, 44), 7.0), ((2, 0, 42), 4.5), ((-28, 18, 38), 4.5)),
}
_SUPPLIED = 500  #: points that each tree supplies


def diaphragm(canvas: Canvas) -> FloatArray:
    """Return how high the diaphragm stands, ``(1, y, x)`` in mm: a higher dome right, a lower one left."""

    def dome(top: float, y: float, x: float, wide: tuple[float, float]) -> FloatArray:
        reach = np.hypot((canvas.y - y) / wide[0], (canvas.x - x) / wide[1])
        return np.asarray(top - 75 * reach**2.2, dtype=np.float32)

    domes = (dome(-40, -20, -66, (92, 78)), dome(-54, -20, 70, (92, 78)), dome(-66, -45, 5, (92, 110)))
    softness = 5.0
    return np.asarray(softness * np.logaddexp.reduce([d / softness for d in domes]), dtype=np.float32)


def heart_distance(canvas: Canvas) -> FloatArray:
    """Distance in mm to the heart: an ellipsoid whose tip points to the left, to the front and down."""
    z = canvas.z - _HEART[0]
    offsets = turned((z, canvas.y - _HEART[1], canvas.x - _HEART[2] + 0.25 * z), _HEART_TURN)
    return superellipsoid(offsets, _HEART_RADII)


def lung_distance(canvas: Canvas, cage: FloatArray, heart: FloatArray, under: FloatArray) -> FloatArray:
    """Distance in mm to the surface of the lungs: the chest without mediastinum, spine and what lies under it."""
    high = np.clip((canvas.z - 60) / 50, 0, 1)
    middle = np.abs(canvas.x) - (6 + 24 * np.exp(-(((canvas.y - 12) / 34) ** 2)) + 9 * high)
    column = column_distance(canvas.y - spine_line(canvas.z), canvas.x)
    core = np.minimum(_smooth_minimum(middle, heart - 5, 14), column)
    return np.asarray(np.maximum(np.maximum(cage + 1.5, -core), 3 - under))


def under_distance(canvas: Canvas) -> FloatArray:
    """Distance in mm to the diaphragm, negative under it."""
    height = diaphragm(canvas)
    rise, run = np.gradient(height[0], canvas.y.ravel(), canvas.x.ravel())
    return np.asarray((canvas.z - height) / np.sqrt(1 + rise**2 + run**2), dtype=np.float32)


def add_lungs(canvas: Canvas, lung: FloatArray, texture: FloatArray) -> None:
    """Paint both lungs: denser towards the back, where a lying patient's blood settles, and with faint fissures."""
    oblique = (canvas.z - 30) - 0.85 * (canvas.y - 60)
    level = (canvas.z - 8) - 0.1 * canvas.y
    fissures = np.clip(1.6 - np.abs(oblique), 0, 1)
    fissures = np.maximum(fissures, np.clip(1.2 - np.abs(level), 0, 1) * ((canvas.x < 0) & (oblique > 0)))
    tissue = -855 + 0.35 * canvas.y + 60 * fissures + 18 * texture
    canvas.paint(lung, tissue, VALUE["right lung"])
    canvas.labels[(canvas.labels == VALUE["right lung"]) & (canvas.x > 0)] = VALUE["left lung"]


def add_heart(canvas: Canvas, heart: FloatArray) -> None:
    """Paint the heart's muscle and its four chambers."""
    label = VALUE["heart"]
    canvas.paint(heart, 80, label)
    for centre, radii, turn in _CHAMBERS:
        box, chamber = canvas.ellipsoid(centre, radii, turn)
        canvas.paint(chamber, BLOOD, label, box)


def add_abdomen(canvas: Canvas, cage: FloatArray, under: FloatArray) -> None:
    """Paint diaphragm, liver, spleen, and a stomach with gas over fluid, as in a lying patient."""
    below = np.maximum(cage + 1, under - 3)
    canvas.paint(below, 55, VALUE["muscle"])
    inside = below + 4
    canvas.paint(inside, -100, VALUE["fat"])
    border = canvas.x + 0.9 * canvas.y - 8
    column = superellipsoid((canvas.y - spine_line(canvas.z) - 10, canvas.x), (34.0, 30.0))
    canvas.paint(np.maximum(np.maximum(inside, border), -column), 105, VALUE["liver"])
    box, spleen = canvas.ellipsoid((-95, 50, 92), (42, 26, 44), turn=-50)
    canvas.paint(np.maximum(spleen, inside[box] + 2), 118, VALUE["spleen"], box)
    box, stomach = canvas.ellipsoid((-92, -25, 55), (42, 44, 38))
    stomach = np.maximum(stomach, inside[box] + 3)
    canvas.paint(stomach, 35, VALUE["stomach"], box)
    gas = np.maximum(stomach + 4, canvas.offsets(box, (0, -32, 0))[1])
    canvas.paint(gas, -980, VALUE["stomach"], box)


def add_vessels(canvas: Canvas) -> None:
    """Paint great vessels, esophagus, trachea and bronchi; walls first, so that the air joins up."""
    for name, hu, points, radii in _VESSELS:
        canvas.tube(points, radii, hu, VALUE[name])
    for points, radii in _AIRWAYS:
        canvas.tube(points, [r + 1.5 for r in radii], 20, None)
    for points, radii in _AIRWAYS:
        canvas.tube(points, radii, -990, VALUE["airways"])


def add_trees(canvas: Canvas, lung: FloatArray, rng: np.random.Generator) -> None:
    """Grow and paint the vessels inside each lung, in the order of their names."""
    branches: list[trees.Branch] = []
    for name, roots in _ROOTS.items():
        home = np.flatnonzero((canvas.labels == VALUE[name]) & (lung < -3))
        for root, radius in roots if home.size else ():
            index = np.unravel_index(rng.choice(home, _SUPPLIED), canvas.labels.shape)
            branches += trees.grow(root, radius, canvas.positions(index))
    cover = trees.cover(canvas, branches) * canvas.cover(lung)
    canvas.hu += cover * (BLOOD - canvas.hu)


def _smooth_minimum(one: FloatArray, other: FloatArray, width: float) -> FloatArray:
    """Minimum whose corner is rounded over ``width`` mm."""
    near = np.maximum(width - np.abs(one - other), 0) / np.float32(width)
    return np.asarray(np.minimum(one, other) - near**2 * np.float32(width / 4), dtype=np.float32)
