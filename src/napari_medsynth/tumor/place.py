"""Where a lesion may go: :class:`Placement`, the rules, and :func:`find_place`, which draws until one keeps them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.settings import Settings, setting
from .host import Host
from .lesion import Lesion
from .measure import AERATED_BELOW
from .vessels import find_vessels

Mask = npt.NDArray[np.bool_]

_TOUCH_MM = 1.5  #: nearer than this to a wall or a vessel counts as touching
_CONTACT = 0.15  #: part of its surface with which a juxta-pleural lesion lies against the wall; 0.16–0.44 in NODE21
_MOST_HOST = 0.999


@dataclass(frozen=True, kw_only=True)
class Placement(Settings):
    """Rules for the place of a lesion."""

    inside: float = setting(0.95, "Smallest share of the lesion inside its host", low=0.05, high=1)
    wall: Literal["any", "isolated", "juxta-pleural", "juxta-vascular"] = setting(
        "any", "What the lesion touches: the wall of its host, a vessel, or neither (isolated)"
    )
    wall_gap_mm: float = setting(3.0, "Distance that an isolated lesion keeps from the wall", unit="mm", low=0, high=50)
    gap_mm: float = setting(5.0, "Smallest distance to another lesion", unit="mm", low=0, high=100)
    vessels: float = setting(0.1, "Largest share of the lesion on vessels", low=0, high=1)
    tries: int = setting(100, "Places that are tried before giving up", low=1, high=10_000)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the rules look at: the scan, the organ (None if there is none), and the lesions that are there already."""

    image: npt.NDArray[np.generic]
    spacing: tuple[float, ...]
    host: Host | None
    taken: tuple[tuple[Box, Mask], ...]

    def with_lesion(self, lesion: Lesion) -> Surroundings:
        """Return the surroundings with one more lesion in them."""
        box = lesion.box.clipped(self.image.shape)
        mask = lesion.mask[box.within(lesion.box).slices]
        return Surroundings(self.image, self.spacing, self.host, (*self.taken, (box, mask)))


def find_place(
    lesion: Lesion, there: Surroundings, rules: Placement, rng: np.random.Generator
) -> tuple[Lesion | None, str]:
    """Draw places for a lesion until one keeps the rules.

    Returns
    -------
    lesion, why
        The lesion moved there and an empty text; or None and one line that says why there is no place.
    """
    host = there.host
    if host is None:
        return None, "there is no host to draw a place in"
    volume = float(lesion.mask.sum() * np.prod(there.spacing)) / 1000
    if volume * rules.inside > host.volume_ml:
        return None, f"the lesion has {volume:.1f} mL and the host {host.volume_ml:.1f} mL"
    radius = float((3 * volume * 1000 / (4 * np.pi)) ** (1 / 3))
    nearest, farthest = _wall_range(rules, radius)
    places = host.places(nearest, farthest)
    if places.size == 0:
        deep = float(host.wall_mm.max())
        asked = f"a place {nearest:.0f} mm or more from the wall" if farthest > 1e6 else "a place at the wall"
        return None, f"the host is {deep:.0f} mm deep at most and the lesion, of {2 * radius:.0f} mm, needs {asked}"
    middle = [(a + b) // 2 for a, b in zip(lesion.box.start, lesion.box.stop, strict=True)]
    failures: Counter[str] = Counter()
    for _ in range(rules.tries):
        place = host.draw(places, rng)
        moved = lesion.moved([p - m for p, m in zip(place, middle, strict=True)])
        why = broken_rule(moved, there, rules)
        if not why:
            return moved, ""
        failures[why] += 1
    why, count = failures.most_common(1)[0]
    return None, f"no place in {rules.tries} tries; {count} times: {why}"


def broken_rule(lesion: Lesion, there: Surroundings, rules: Placement) -> str:
    """Return the first rule that the lesion breaks where it is, as one line; empty if it keeps all."""
    box = lesion.box.clipped(there.image.shape)
    if box.is_empty:
        return "the lesion lies outside the scan"
    mask = lesion.mask[box.within(lesion.box).slices]
    if there.host is not None:
        share = float((mask & there.host.inside(box)).sum()) / float(lesion.mask.sum())
        if share < min(rules.inside, _MOST_HOST):
            return f"less than {rules.inside:.0%} of the lesion would lie inside the host"
    if _near_another(box, mask, there, rules.gap_mm):
        return f"nearer than {rules.gap_mm:g} mm to another lesion"
    if there.host is None:
        return ""
    return _wrong_wall(box, mask, there, there.host, rules) or _wrong_vessels(box, mask, there, there.host, rules)


def _wrong_wall(box: Box, mask: Mask, there: Surroundings, host: Host, rules: Placement) -> str:
    if rules.wall == "any":
        return ""
    reach = rules.wall_gap_mm if rules.wall == "isolated" else _TOUCH_MM
    wall = ~host.inside(_grown(box, reach, there))
    if rules.wall == "juxta-pleural":
        return (
            ""
            if _contact(box, mask & host.inside(box), there, wall) >= _CONTACT
            else "the lesion would not lie against the wall"
        )
    return f"nearer than {reach:g} mm to the wall" if _meets(box, mask, there, wall, reach) else ""


def _contact(box: Box, mask: Mask, there: Surroundings, wall: Mask) -> float:
    """Share of the shell around the lesion that is wall."""
    distance = _distance_to(box, mask, there, _TOUCH_MM)
    shell = (distance > 0) & (distance <= _TOUCH_MM)
    return float((shell & wall).sum()) / max(float(shell.sum()), 1.0)


def _wrong_vessels(box: Box, mask: Mask, there: Surroundings, host: Host, rules: Placement) -> str:
    if rules.vessels >= 1 and rules.wall != "juxta-vascular":
        return ""
    around = _grown(box, 3 * _TOUCH_MM, there)
    values, inside = there.image[around.slices].astype(np.float32), host.inside(around)
    aerated = inside.any() and np.median(values[inside]) < AERATED_BELOW  # elsewhere HU does not show vessels
    vessels = find_vessels(values, inside, there.spacing) if aerated else np.zeros(inside.shape, dtype=bool)
    own = box.within(around).slices
    share = float((vessels[own] & mask).sum()) / float(mask.sum())
    if share > rules.vessels:
        return f"more than {rules.vessels:.0%} of the lesion would lie on vessels"
    if rules.wall == "juxta-vascular" and not _meets(box, mask, there, vessels, 3 * _TOUCH_MM, _TOUCH_MM):
        return "no vessel beside the lesion"
    return ""


def _near_another(box: Box, mask: Mask, there: Surroundings, gap_mm: float) -> bool:
    window = _grown(box, gap_mm, there)
    others = np.zeros(window.shape, dtype=bool)
    for other_box, other in there.taken:
        if window.overlaps(other_box):
            common = _common(window, other_box)
            others[common.within(window).slices] |= other[common.within(other_box).slices]
    return bool(others.any()) and _meets(box, mask, there, others, gap_mm)


def _meets(
    box: Box, mask: Mask, there: Surroundings, target: Mask, grown_mm: float, within_mm: float | None = None
) -> bool:
    """Whether the lesion comes within some mm of ``target``, which is given on the box grown by ``grown_mm``."""
    distance = _distance_to(box, mask, there, grown_mm)
    return bool((distance[target] <= (grown_mm if within_mm is None else within_mm)).any())


def _distance_to(box: Box, mask: Mask, there: Surroundings, grown_mm: float) -> npt.NDArray[np.float64]:
    """Distance in mm to the lesion on its box grown by ``grown_mm``."""
    from scipy import ndimage

    window = _grown(box, grown_mm, there)
    lesion = np.zeros(window.shape, dtype=bool)
    lesion[box.within(window).slices] = mask
    return np.asarray(ndimage.distance_transform_edt(~lesion, sampling=there.spacing))


def _grown(box: Box, margin_mm: float, there: Surroundings) -> Box:
    return box.grown([int(np.ceil(margin_mm / s)) for s in there.spacing]).clipped(there.image.shape)


def _common(a: Box, b: Box) -> Box:
    start = tuple(max(p, q) for p, q in zip(a.start, b.start, strict=True))
    return Box(start, tuple(min(p, q) for p, q in zip(a.stop, b.stop, strict=True)))


def _wall_range(rules: Placement, radius: float) -> tuple[float, float]:
    """Distances from the wall, in mm, at which the middle of a lesion of this radius has a chance."""
    if rules.wall == "juxta-pleural":
        return max(0.3 * radius, 0.5), radius + 2 * _TOUCH_MM
    if rules.wall == "isolated":
        return 0.8 * radius + rules.wall_gap_mm, float("inf")
    return 0.6 * radius * rules.inside, float("inf")
