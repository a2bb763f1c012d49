"""The organs of the chest: lungs with their lobes and vessels, and the heart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import vessels
from .body import Body
from .fields import FloatArray, Offsets, ellipsoid, smooth_minimum, turned
from .part import Part
from .scene import Scene, Slices, cavity_distance, diaphragm
from .spine import muscle_column
from .vessels import Branches

_CHEST = (-5.0, -100.0, -140.0), (316.0, 105.0, 140.0)  #: corners of the room for lungs and heart
_PLEURA = 4.0  #: mm that vessels stay away from it
_SUPPLIED = 110  #: places in each lobe that vessels go to
_COARSE = 5.0  #: mm of a voxel beyond which no vessel shows
_TRIES = 3000  #: places drawn to find them


def paint_heart(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the heart's muscle and its four chambers."""
    muscle, *chambers = parts
    box = scene.around(muscle.centre.tolist(), muscle.radii.max() * 1.2)
    if box is None:
        return
    whole = heart_distance(scene.body, scene.offsets(box))
    if muscle.is_present:
        shape = np.maximum(whole, 1.5 - scene.under[box])
        scene.paint(shape, scene.grained(muscle, box), muscle.label, box)
    for chamber in chambers:
        _paint_chamber(scene, chamber, muscle)


def heart_distance(body: Body, offsets: Offsets) -> FloatArray:
    """Distance to the heart: an ellipsoid whose tip points to the left, to the front and down."""
    heart = body.parts["myocardium"]
    z, y, x = (line - np.float32(c) for line, c in zip(offsets, heart.centre, strict=True))
    return ellipsoid(
        turned((z, y, x + np.float32(heart.details["sag"]) * z), (heart.details["turn"], 0, 0)), heart.radii
    )


def _paint_chamber(scene: Scene, chamber: Part, muscle: Part) -> None:
    """Paint a chamber, which keeps its place in the heart, whatever the heart's size."""
    apart = np.subtract(chamber.entry.centre, muscle.entry.centre) * muscle.size
    centre, radii = muscle.centre + apart, chamber.radii * muscle.size
    box = scene.around(centre.tolist(), float(radii.max()) * 1.05)
    if not chamber.is_present or box is None:
        return
    plain = scene.offsets(box, centre.tolist())
    shape = ellipsoid(turned(plain, (chamber.details["turn"], 0, 0)), radii) + scene.wave(chamber, plain, 0.7)
    rind = heart_distance(scene.body, scene.offsets(box)) + np.float32(2.5)
    scene.paint(np.maximum(shape, rind) if muscle.is_present else shape, chamber.hu, chamber.label, box)


def paint_lungs(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint lobes, faint fissures and vessels; where a lobe is missing, fluid has taken its place."""
    *lobes, fluid = parts
    for side, group in (("left", lobes[:2]), ("right", lobes[2:])):
        low, high = _CHEST
        box = scene.box((low[0], low[1], 0), high) if side == "left" else scene.box(low, (high[0], high[1], 0))
        if box is not None:
            _paint_side(scene, group, fluid, _one_side(scene, box, side))
    for lobe, branches in zip(lobes, _trees(scene.body), strict=True) if scene.voxel < _COARSE else ():
        if lobe.is_present:
            vessels.paint_branches(scene, lobe, branches)


def _one_side(scene: Scene, box: Slices, side: str) -> Slices:
    """Return a box without what the edge's width added across the midline, so that each voxel has one side."""
    middle = int(np.searchsorted(scene.lines[2], 0))
    z, y, x = box
    return (
        (z, y, slice(max(x.start, middle), x.stop)) if side == "left" else (z, y, slice(x.start, min(x.stop, middle)))
    )


def _paint_side(scene: Scene, lobes: Sequence[Part], fluid: Part, box: Slices) -> None:
    z, y, x = scene.offsets(box)
    lung = lung_distance(scene.body, (z, y, x), scene.cavity[box], scene.under[box])
    if not lung.size or lung.min() >= scene.edge:
        return
    index, seam = _lobe(lobes, z, y, x)
    tissue = [lobe.hu if lobe.is_present else fluid.hu for lobe in lobes]
    labels = [lobe.label if lobe.is_present else fluid.label for lobe in lobes]
    values = scene.texture[box] * np.float32(lobes[0].details["texture"] * min(1.0, 3.0 / scene.voxel))
    seam *= np.float32(90)
    values += seam
    values += np.float32(0.4) * y  # blood settles at the back
    if not all(lobe.is_present for lobe in lobes):
        values *= np.array([float(lobe.is_present) for lobe in lobes], dtype=np.float32)[index]
    values += np.array(tissue, dtype=np.float32)[index]
    scene.paint(lung, values, np.array(labels, dtype=np.uint8)[index], box)


@lru_cache(maxsize=2)  # a body is painted slab after slab
def _trees(body: Body) -> list[Branches]:
    """Grow the vessels of each lobe: towards places drawn all over it."""
    *lobes, _ = body.of_shape("lung")
    rng = np.random.default_rng(lobes[0].seed)
    places = rng.uniform(*_CHEST, (_TRIES, 3))
    z, y, x = places.T
    lung = lung_distance(body, (z, y, x), cavity_distance(body, z, y, x), (z - diaphragm(body, y, x)) / 1.3)
    places = places[lung < -_PLEURA]
    found = []
    for group, own in ((lobes[:2], places[places[:, 2] > 0]), (lobes[2:], places[places[:, 2] <= 0])):
        index, _ = _lobe(group, *own.T)
        found += [vessels.branches(lobe, own[index == n][:_SUPPLIED]) for n, lobe in enumerate(group)]
    return found


def lung_distance(body: Body, offsets: Offsets, cavity: FloatArray, under: FloatArray) -> FloatArray:
    """Distance to the surface of the lungs: the chest without mediastinum, spine and what lies under it."""
    z, y, x = offsets
    high = np.clip((z - 258) / 50, 0, 1)
    heart = heart_distance(body, offsets)
    heart -= np.float32(body.parts["myocardium"].details["fat"])
    wide = 5 + 23 * np.exp(-(((y - 8) / 34) ** 2)) * np.clip((320 - z) / 60, 0.6, 1) + 12 * high
    core = smooth_minimum(np.abs(x) - wide.astype(np.float32), heart, 14.0)
    np.minimum(core, muscle_column(body, z, y, x), out=core)
    np.negative(core, out=core)
    np.maximum(core, cavity + np.float32(2), out=core)
    return np.maximum(core, 3 - under, out=core)


def _lobe(
    lobes: Sequence[Part], z: FloatArray, y: FloatArray, x: FloatArray
) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Return the index in one lung's ``lobes`` of each place, and how much of it is fissure, 0 … 1."""
    height, back, slope = lobes[0].details["oblique"]
    bend = (4 * np.sin(x / 21) + 3 * np.sin(y / 27)).astype(np.float32)
    oblique = (z - height - slope * (y - back) + bend) * np.float32(1 / np.hypot(1, slope))
    lower = oblique < 0
    gap = np.abs(oblique)
    index = lower.astype(np.uint8)
    if len(lobes) == 3:
        height, tilt = lobes[0].details["level"]
        level = z - np.float32(height) - np.float32(tilt) * y + bend
        index += lower
        index += (level < 0) & ~lower
        np.minimum(gap, np.abs(level), out=gap, where=~lower)
    return index, np.clip(np.float32(1.4) - gap, 0, 1, out=gap)
