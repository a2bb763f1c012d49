"""One body: what was drawn for it, and the curves that follow from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.rng import child_seed
from ..anatomy import Variation
from ..catalogue import Catalogue, Structure
from .backbone import Backbone
from .curves import Profile
from .part import Course, Part, part_of

FloatArray = npt.NDArray[np.floating]

_MOST = 2.0  #: no draw lies further out than this many standard deviations
_FURTHEST = 12.0  #: mm that an organ may leave its place; beyond, it would lie where another one belongs
_SIZES = (0.8, 1.25)  #: and no size is further from the published mean than this
_BUILD = (0.88, 1.12)  #: nor is the whole body
_CURVE = 0.75  #: how bent the usual spine is when lying, relative to standing
_FOLLOWS = 110.0, 150.0  #: z from which on, and of which on wholly, what runs along the spine goes along with it


def draw(
    catalogue: Catalogue, present: frozenset[str], variation: Variation, rng: np.random.Generator
) -> dict[str, Any]:
    """Draw a body; see :meth:`~napari_medsynth.phantom.anatomy.Anatomy.draw`."""
    build = np.clip(1 + variation.size * np.array((0.15, 0.3, 0.25)) * _normal(rng, 3), *_BUILD)
    fat, curve = _normal(rng, 2)
    habitus = {
        "scale": build.tolist(),
        "fat": float(np.exp(np.clip(2 * variation.size * fat, -0.7, 0.7))),
        "curve": float(np.clip(_CURVE + 0.6 * variation.size * curve, 0.4, 1.0)),
    }
    drawn = {entry.name: _drawn(entry, catalogue, variation, rng) for entry in catalogue.structures}
    for entry in catalogue.structures:
        _follow(entry, drawn)
    return {
        "present": sorted(present),
        "habitus": habitus,
        "grain": child_seed(rng),
        "structures": {name: {k: v for k, v in one.items() if k != "own"} for name, one in drawn.items()},
    }


def _drawn(entry: Structure, catalogue: Catalogue, variation: Variation, rng: np.random.Generator) -> dict[str, Any]:
    position, size, intensity = np.multiply(entry.varies, (variation.position, variation.size, variation.intensity))
    away = np.clip(position * np.asarray(catalogue.field_of_view) * _normal(rng, 3), -_FURTHEST, _FURTHEST)
    common, single = _normal(rng, 1), _normal(rng, 3)
    sizes = np.clip(1 + size * (0.8 * common + 0.5 * single), *_SIZES)
    value = entry.intensity + abs(entry.intensity) * intensity * _normal(rng, 1)[0]
    low, high = catalogue.limits
    return {
        "own": away,
        "size": np.round(sizes, 4).tolist(),
        "value": round(float(np.clip(value, low, high)), 2),
        "wave": [round(float(min(0.3 * variation.size, 0.1)), 4), *np.round(rng.uniform(0, 2 * np.pi, 3), 4).tolist()],
        "seed": child_seed(rng),
    }


def _follow(entry: Structure, drawn: Mapping[str, dict[str, Any]]) -> None:
    """Let a structure go along with what it touches, half of its way, so that neighbours stay neighbours."""
    one = drawn[entry.name]
    others = [drawn[name]["own"] for name in entry.neighbours]
    shift = (one["own"] + np.mean(others, axis=0)) / 2 if others else one["own"]
    one["shift"] = np.round(shift, 3).tolist()


def _normal(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    return np.clip(rng.standard_normal(count), -_MOST, _MOST)


class Body:
    """A body that :func:`draw` gave, ready to be painted.

    Attributes
    ----------
    parts
        Its structures by name, in the order in which they are painted.
    scale, fat, curve
        Its build relative to the usual one along ``(z, y, x)``, how thick its fat is, and how bent its spine.
    grain
        Seed of its texture.
    """

    def __init__(self, catalogue: Catalogue, drawn: Mapping[str, Any]) -> None:
        present = set(drawn["present"])
        self.parts = {e.name: part_of(e, drawn["structures"][e.name], present) for e in catalogue.structures}
        habitus = drawn["habitus"]
        self.scale: tuple[float, float, float] = tuple(habitus["scale"])
        self.fat: float = habitus["fat"]
        self.curve: float = habitus["curve"]
        self.grain: int = drawn["grain"]
        self.air = catalogue.air

    @cached_property
    def outline(self) -> Profile:
        """Half width, front and back of the muscles' outer surface by ``z``."""
        return Profile(self.parts["muscle"].details["rows"])

    @cached_property
    def cavity(self) -> Profile:
        """Half width, front and back of the inside of the trunk by ``z``."""
        return Profile(self.parts["internal_fat"].details["rows"])

    @cached_property
    def fat_layer(self) -> Profile:
        """Thickness of the fat under the skin by ``z``, in front and at the back, before :attr:`fat`."""
        return Profile(self.parts["subcutaneous_fat"].details["rows"])

    @cached_property
    def sacrum(self) -> Profile:
        """Half width, front and back of the sacrum, and its canal's radius, by mm below its top."""
        return Profile(self.parts["sacrum"].details["rows"])

    @cached_property
    def backbone(self) -> Backbone:
        """The curve of its spine."""
        return self._backbone(self.curve)

    @cached_property
    def _usual_backbone(self) -> Backbone:
        return self._backbone(_CURVE)

    def _backbone(self, bend: float) -> Backbone:
        return Backbone([p for p in self.of_shape("spine") if "disc" in p.details], self.parts["sacrum"], bend)

    def placed(self, part: Part, course: Course) -> Course:
        """Return a course of a part where it runs in this body.

        What lies between heart and spine (``along_spine`` in the catalogue) goes to the front or the back with the
        spine, which would run into it otherwise; from the diaphragm down, it does not.
        """
        if not part.details.get("along_spine", False):
            return course
        points, radii = course
        low, high = _FOLLOWS
        away = self.backbone.middle(points[:, 0]) - self._usual_backbone.middle(points[:, 0])
        moved = points.copy()
        moved[:, 1] += away * np.clip((points[:, 0] - low) / (high - low), 0, 1)
        return moved, radii

    def reach(self, z: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return corners in ``(y, x)`` of a box that holds the skin at some heights."""
        half, front, back = self.outline(z)
        # distances far outside come out too small, those of thick fat by up to two fifths
        layer = 1.45 * self.fat * max(float(row.max()) for row in self.fat_layer(z)) + 5
        return (float(front.min()) - layer, -float(half.max()) - layer), (
            float(back.max()) + layer,
            float(half.max()) + layer,
        )

    def of_shape(self, shape: str) -> Sequence[Part]:
        """Return the parts that one function paints."""
        return [part for part in self.parts.values() if part.entry.shape == shape]
