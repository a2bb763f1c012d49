"""The organs of the abdomen that are no tubes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .curves import smooth
from .fields import FloatArray, capsule, ellipsoid, smooth_maximum, turned
from .part import Course, Part
from .scene import Scene, Slices
from .tubes import paint_tube, tube

_TRIES = 800  #: places drawn for the bends of the small bowel


def paint_liver(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the liver: it fills the right dome, and ends below and to the left at two rounded faces."""
    liver = parts[0]
    box = scene.around(liver.centre.tolist(), liver.radii * (1.4, 1.1, 1.35))
    if not liver.is_present or box is None:
        return
    z, y, x = scene.offsets(box, liver.shift.tolist())
    leftwards, backwards, height = liver.details["under"]
    tall, wide = float(liver.size[0]), float(liver.size[2])
    lower = height - 90 * (tall - 1) - z + (leftwards * (x + 30) + backwards * y)
    lower *= np.float32(1 / np.hypot(1, np.hypot(leftwards, backwards)))
    slant, offset = liver.details["medial"]
    medial = (x + slant * y - offset - 60 * (wide - 1)) * np.float32(1 / np.hypot(1, slant))
    tip = x - liver.details["tip"] * wide
    faces = smooth_maximum(lower, np.maximum(medial, tip), liver.details["round"])
    faces += scene.wave(liver, (z, y, x), 1.2)
    liver_distance = smooth_maximum(faces, scene.inside(box, 4.0), 8.0)
    scene.paint(liver_distance, scene.grained(liver, box), liver.label, box)
    for vessel in liver.vessels:
        made = tube(scene, vessel)
        if made is not None:
            scene.paint(np.maximum(made[1], _at(liver_distance, box, made[0])), liver.hu + 52, None, made[0])


def paint_spleen(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the spleen: a bowl along the ribs, hollow towards stomach and kidney."""
    spleen = parts[0]
    box = scene.around(spleen.centre.tolist(), spleen.radii.max() * 1.15)
    if not spleen.is_present or box is None:
        return
    offsets = turned(scene.offsets(box, spleen.centre.tolist()), spleen.details["turn"])
    bowl = ellipsoid(offsets, spleen.radii.tolist()) + scene.wave(
        spleen, scene.offsets(box, spleen.centre.tolist()), 0.8
    )
    hilum = spleen.details["hilum"]
    hollow = ellipsoid(
        [o - np.float32(c) for o, c in zip(offsets, hilum["offset"], strict=True)], np.divide(hilum["size"], 2)
    )
    shape = smooth_maximum(smooth_maximum(bowl, -hollow, 9.0), scene.inside(box, 4.0), 6.0)
    scene.paint(shape, scene.grained(spleen, box), spleen.label, box)


def paint_sacs(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint smooth solids and bladders: ellipsoids that may be turned, taper to the top and have a wall."""
    for sac in parts:
        box = scene.around(sac.centre.tolist(), float(sac.radii.max()) * 1.15)
        if not sac.is_present or box is None:
            continue
        plain = scene.offsets(box, sac.centre.tolist())
        z, y, x = turned(plain, sac.details.get("turn", (0, 0, 0)))
        taper = 1 - sac.details.get("taper", 0.0) * np.clip(z / sac.radii[0], -1, 1)
        shape = ellipsoid((z, y / taper, x / taper), sac.radii.tolist()) + scene.wave(sac, plain)
        wall = sac.details.get("wall")
        scene.paint(shape, wall["intensity"] if wall else scene.grained(sac, box), sac.label, box)
        if wall:
            scene.paint(shape + np.float32(wall["thickness"]), scene.grained(sac, box), None, box)


def paint_adrenals(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the adrenals: two thin limbs that meet in front."""
    for gland in parts:
        box = scene.around(gland.centre.tolist(), gland.entry.size)
        if not gland.is_present or box is None:
            continue
        z, y, x = scene.offsets(box, gland.centre.tolist())
        _, y0, x0 = gland.details["apex"]
        half = gland.details["half"] * gland.size.mean()
        limbs = [
            capsule((0 * z, y - y0 - 0.25 * z, x - x0), np.subtract((0, *limb[1:]), (0, y0, x0)), half * 1.2, half)
            for limb in gland.details["limbs"]
        ]
        shape = np.maximum(np.minimum(*limbs), np.abs(z) - gland.radii[0])
        scene.paint(shape, gland.hu, gland.label, box)


def paint_kidneys(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the kidneys: a bean in its capsule of fat, pyramids in its cortex, and a sinus open to the hilum."""
    for cortex, medulla in zip(parts[::2], parts[1::2], strict=True):
        box = scene.around(cortex.centre.tolist(), cortex.radii * (1.05, 1.3, 1.3) + cortex.details["capsule"])
        if box is not None:
            _paint_kidney(scene, cortex, medulla, box)


def _paint_kidney(scene: Scene, cortex: Part, medulla: Part, box: Slices) -> None:
    plain = scene.offsets(box, cortex.centre.tolist())
    z, y, x = turned(plain, cortex.details["turn"])
    outwards = np.float32(1 if cortex.entry.label.side == "left" else -1)
    x = x * outwards + np.float32(0.0032) * z * z - np.float32(2)  # poles lean inwards: a bean
    bean = ellipsoid((z, y, x), cortex.radii.tolist()) + scene.wave(cortex, plain, 0.7)
    sinus = ellipsoid((z, y, x + cortex.radii[2] * np.float32(0.62)), cortex.radii * (0.5, 0.42, 0.62))
    fat = scene.body.parts["internal_fat"]
    capsule_fat = np.maximum(bean - np.float32(cortex.details["capsule"]), scene.cavity[box])
    scene.paint(capsule_fat, scene.grained(fat, box), fat.label, box)
    tissue = smooth_maximum(bean, -sinus, 3.0)
    if cortex.is_present:
        scene.paint(tissue, scene.grained(cortex, box), cortex.label, box)
    if medulla.is_present:
        columns = _pyramids(z, x, cortex, medulla.details["pyramids"])
        inner = np.maximum(np.maximum(bean + np.float32(cortex.details["cortex"]), 1 - sinus), columns)
        scene.paint(inner, medulla.hu, medulla.label, box)
    if not (cortex.is_present or medulla.is_present):
        return  # its bed of fat stays
    hollow = np.maximum(bean + 2, sinus)
    scene.paint(hollow, medulla.details["sinus"], fat.label, box)
    scene.paint(np.maximum(hollow, sinus + cortex.radii[2] * np.float32(0.28)), medulla.details["pelvis"], None, box)


def _pyramids(z: FloatArray, x: FloatArray, cortex: Part, count: int) -> FloatArray:
    """Distance to the pyramids, mm: between them columns of cortex reach down to the sinus."""
    angle = np.arctan2(z, x + cortex.radii[2])
    return np.asarray(4.5 * np.cos(2 * count * angle) - 1.6, dtype=np.float32)


def paint_loops(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the small bowel: one tube that winds through its room, another way in each body."""
    gut = parts[0]
    if gut.is_present and scene.around(gut.centre.tolist(), gut.radii + 20) is not None:
        paint_tube(scene, gut, _winding(gut))


def _winding(gut: Part) -> Course:
    """Return a course from one place drawn in a room to the nearest that is left, until all have been visited."""
    rng = np.random.default_rng(gut.seed)
    places = rng.uniform(-1, 1, (_TRIES, 3))
    places = places[(places**4).sum(axis=1) < 1]
    left = _spread(places * gut.radii, gut.details["bends"])
    way = [left.pop(int(np.argmax([place[0] for place in left])))]
    while left:
        way.append(left.pop(int(np.argmin(((np.asarray(left) - way[-1]) ** 2).sum(axis=1)))))
    radii = gut.details["radius"] * gut.size.mean() * rng.uniform(0.75, 1.15, len(way))
    fine = smooth(np.column_stack((np.asarray(way) + gut.centre, radii)), 2)
    return fine[:, :3], fine[:, 3]


def _spread(places: FloatArray, count: int) -> list[FloatArray]:
    """Return ``count`` of many places, each as far as can be from those before it."""
    gap = np.full(len(places), np.inf)
    chosen = [places[0]]
    while len(chosen) < count:
        gap = np.minimum(gap, ((places - chosen[-1]) ** 2).sum(axis=1))
        chosen.append(places[int(np.argmax(gap))])
    return chosen


def _at(field: FloatArray, box: Slices, wanted: Slices) -> FloatArray:
    """Return a field that is known in ``box`` in another one; 1000 mm away where it is not known."""
    out = np.full([part.stop - part.start for part in wanted], 1e3, dtype=np.float32)
    both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, wanted, strict=True)]
    if all(part.start < part.stop for part in both):
        into = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(both, wanted, strict=True))
        out[into] = field[tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(both, box, strict=True))]
    return out
