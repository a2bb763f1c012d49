"""The body wall: skin, fat, muscle with fat between its layers, the fat inside, and the diaphragm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .fields import FloatArray, ellipsoid, nearest, turned
from .part import Part
from .scene import Scene

_DEEPEST = 46.0  #: mm below which muscles have no layers
_LAYER = 13.0  #: mm from one layer of muscle to the next


def paint_wall(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint from the outside in; everything else lies on top."""
    skin, fat, muscle, inner = parts
    box = scene.whole
    scene.paint(scene.skin, skin.hu, skin.label, box)
    below = scene.skin + np.float32(skin.details["thickness"])
    scene.paint(below, scene.grained(fat, box), fat.label, box)
    outer = scene.outer
    scene.paint(outer, _muscle(scene, muscle, inner.hu, outer), muscle.label, box)
    _paint_pads(scene, inner)
    scene.paint(scene.cavity, scene.grained(inner, box), inner.label, box)


def paint_diaphragm(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the sheet of muscle between chest and abdomen."""
    box = scene.box((-20, -150, -200), (150, 150, 200))
    if box is None:
        return
    half = np.float32(parts[0].details["thickness"] / 2)
    sheet = np.maximum(np.abs(scene.under[box] + half) - half, scene.cavity[box])
    scene.paint(sheet, parts[0].hu, parts[0].label, box)


def _paint_pads(scene: Scene, inner: Part) -> None:
    """Paint the fat between muscles: armpits, groins, and beside the rectum."""
    for z0, y0, x0, *radii, turn in inner.details["pads"]:
        for side in (1, -1):
            centre = (z0, y0, side * x0)
            box = scene.around(centre, (radii[0], max(radii[1:]), max(radii[1:])))
            if box is not None:
                shape = ellipsoid(turned(scene.offsets(box, centre), (side * turn, 0, 0)), radii)
                shape += np.float32(2.5) * scene.texture[box]
                shape = scene.within_skin(np.maximum(shape, 8 - scene.cavity[box]), box)
                scene.paint(shape, scene.grained(inner, box), inner.label, box)


def _muscle(scene: Scene, muscle: Part, fat: float, outer: FloatArray) -> FloatArray:
    """Muscle with thin, broken, wavy planes of fat between its layers."""
    z, y, x = scene.offsets(scene.whole)
    layers = outer + (6 * np.sin(x / 17) * np.sin(y / 21 + 1)).astype(np.float32)
    layers += 5 * np.sin(z / 23) * np.sin(x / 29 + 2)
    planes = np.abs(nearest(layers, _LAYER))
    planes *= np.float32(-1 / max(1.4, 0.7 * scene.voxel))
    planes += np.float32(1)
    np.clip(planes, 0, 1, out=planes)
    gaps = scene.texture * np.float32(0.35)
    gaps += (0.25 + 0.6 * np.sin(x / 31 + z / 37)).astype(np.float32)
    np.clip(gaps, 0, 1, out=gaps)
    planes *= gaps
    depth = outer * np.float32(1 / 12)
    depth += np.float32(_DEEPEST / 12)
    planes *= np.clip(depth, 0, 1, out=depth)
    planes *= np.float32(fat - muscle.hu) * np.float32(min(1.0, 2.2 / scene.voxel))
    planes += scene.grained(muscle, scene.whole)
    return planes
