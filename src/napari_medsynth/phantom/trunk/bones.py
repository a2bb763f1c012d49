"""Ribs and sternum on the chest wall, and the bones made of rods, balls and plates: girdles, hips, thighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .fields import FloatArray, ellipsoid, plate, smooth_maximum
from .part import Part
from .scene import COMPACT, Scene, Slices
from .tubes import Piece, rods, union

_RIND = 1.6  #: mm of compact bone
_RIBS = 12
_LOWEST, _HIGHEST = -30.0, 301.0  #: z between which there are ribs
_ON_CAVITY = 5.5  #: mm from the inside of the chest wall to the middle of a rib
_ENDS = {10: -2.0, 11: 34.0}  #: y where the two floating ribs end


def paint_ribs(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint flat rods on the chest wall that slope down to the side and to the front, where they end as cartilage.

    Only the thin shell of voxels near the chest wall is looked at.
    """
    cartilage, left, right = parts
    z = scene.lines[0]
    if z[-1] < _LOWEST:
        return
    shell = np.abs(scene.cavity - np.float32(_ON_CAVITY)) < 5 + scene.edge / 2
    shell[(z < _LOWEST) | (z > _HIGHEST)] = False
    at = np.nonzero(shell)
    place = [line[n] for line, n in zip(scene.lines, at, strict=True)]
    distance, rib = _rib_distance(scene, left, place, scene.cavity[at])
    soft = np.clip((38 + 7 * rib - np.abs(place[2])) / 4, 0, 1) * (place[1] < -20)
    labels = np.where(soft > 0.5, cartilage.label, np.where(place[2] > 0, left.label, right.label))
    here = np.where(soft > 0.5, cartilage.is_present, np.where(place[2] > 0, left.is_present, right.is_present))
    distance = distance + np.where(here, 0, np.float32(1e3))
    inner = np.where(place[2] > 0, left.hu, right.hu)
    _stamp(scene, at, distance, COMPACT + soft * (cartilage.hu - COMPACT), labels)
    _stamp(scene, at, distance + np.float32(_RIND), inner + soft * (cartilage.hu - inner), None)


def _rib_distance(
    scene: Scene, ribs: Part, place: Sequence[FloatArray], cavity: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    z, y, x = place
    side = np.abs(x)
    fall, spread = ribs.details["slope"]
    rise = 0.55 * np.maximum(62 - side, 0) * np.clip((-50 - y) / 20, 0, 1)  # cartilages turn up to the sternum
    height = z + fall * (56 - y) + spread * np.maximum(side - 24, 0) - rise
    line = scene.body.backbone
    joints = line.heights_of(line.tops[: _RIBS + 1] + 3)
    rib = np.interp(-height, -joints, np.arange(_RIBS + 1.0))
    which = np.rint(rib).astype(np.intp)
    off = (height - joints[which]) * np.float32(0.50)
    distance = np.sqrt(off**2 + (cavity - np.float32(_ON_CAVITY)) ** 2) - np.float32(3.7)
    top, steep, front = ribs.details["margin"]
    margin = (top - steep * side - front * (y + 85) - z) / np.hypot(1, steep)
    ends = np.maximum(22 - side, margin)
    for floating, end in _ENDS.items():
        ends = np.where(which == floating, np.maximum(ends, end - y), ends)
    ends = np.where((which >= _RIBS) | (height > joints[0] + 12), 1e3, ends)
    return np.maximum(distance, ends).astype(np.float32), which


def _stamp(
    scene: Scene,
    at: tuple[npt.NDArray[np.intp], ...],
    distance: FloatArray,
    hu: FloatArray,
    labels: npt.NDArray[np.integer] | None,
) -> None:
    """Paint single voxels; ``at`` are their indices along each axis."""
    cover = np.clip(0.5 - distance / scene.edge, 0, 1).astype(np.float32)
    before = scene.values[at]
    scene.values[at] = before + cover * (hu - before).astype(np.float32)
    if labels is not None:
        scene.labels[at] = np.where(cover > 0.5, labels, scene.labels[at])


def paint_sternum(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint the sternum: a plate on the front of the chest wall, wider at the top, pointed at the bottom."""
    bone = parts[0]
    z0, reach = bone.centre[0], bone.radii[0]
    box = scene.box((z0 - reach, -135, -32), (z0 + reach, -20, 32))
    if not bone.is_present or box is None:
        return
    z, y, x = scene.offsets(box)
    front = scene.body.cavity(z)[1] - np.float32(7)
    up = (z - z0) / reach
    wide = bone.radii[2] * np.interp(up, (-1, -0.75, -0.3, 0.5, 0.75, 1), (0.25, 0.6, 0.85, 0.75, 1.3, 1.1))
    shape = ellipsoid((y - front, x), (float(bone.radii[1]), wide.astype(np.float32)))
    joint = 1.2 - np.abs(z - z0 - 0.55 * reach)
    shape = np.maximum(smooth_maximum(shape, np.abs(z - z0) - np.float32(reach), 4.0), joint)
    scene.bone(shape, bone.hu, bone.label, box, 1.2)


def paint_bones(scene: Scene, parts: Sequence[Part]) -> None:
    """Paint bones made of rods, balls and plates; where two meet in a joint, first the gap between them."""
    muscle = scene.body.parts["muscle"]
    for bone in parts:
        if not bone.is_present:
            continue
        for joint in bone.details.get("joints", ()):
            made = union(scene, [_ball(bone, joint)])
            if made is not None:
                scene.paint(made[1], 45, muscle.label, made[0])
        made = union(scene, _pieces(bone))
        if made is not None:
            scene.bone(scene.within_skin(made[1], made[0]), bone.hu, bone.label, made[0], _RIND)


def _pieces(bone: Part) -> list[Piece]:
    pieces: list[Piece] = [_plate(bone, one) for one in bone.details.get("plates", ())]
    pieces += [_ball(bone, one) for one in bone.details.get("balls", ())]
    for course in bone.rods:
        pieces += rods(course)
    return pieces


def _ball(bone: Part, ball: dict[str, float]) -> Piece:
    centre, radius = np.add(ball["centre"], bone.shift), ball["radius"] * bone.size.mean()

    def distance(scene: Scene, box: Slices) -> FloatArray:
        z, y, x = scene.offsets(box, centre.tolist())
        return np.asarray(np.sqrt(z * z + (y * y + x * x)) - np.float32(radius))

    return (centre - radius).tolist(), (centre + radius).tolist(), distance


def _plate(bone: Part, one: dict[str, float]) -> Piece:
    corners = np.add(one["corners"], bone.shift)
    middle = corners.mean(axis=0)
    reach = one["half"] + one["rim"] + abs(one["bulge"])

    def distance(scene: Scene, box: Slices) -> FloatArray:
        return plate(scene.offsets(box, middle.tolist()), corners - middle, one["half"], one["rim"], one["bulge"])

    return (corners.min(axis=0) - reach).tolist(), (corners.max(axis=0) + reach).tolist(), distance
