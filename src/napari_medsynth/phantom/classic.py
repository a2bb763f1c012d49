"""The classic anatomy, 13 structures as simple solids in a trunk: :class:`Classic`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from .anatomy import Painted, Variation
from .catalogue import Catalogue, Structure, catalogue
from .classic_paint import Sheet
from .classic_trunk import paint_trunk
from .frame import Frame
from .layout import Limits, Solids, settle
from .shapes import softness

FloatArray = npt.NDArray[np.float64]

_NORMAL = NormalDist()
_TRUNCATED_AT = 2.5  #: standard deviations
_SIZES = (0.5, 1.6)  #: an organ is never smaller or larger than this, relative to the catalogue
_OWN_AXIS = 0.4  #: how much of its own the size along each axis has; the rest is shared by all three
_OWN_PLACE = 0.7  #: how much of its own a structure's position has; the rest is shared by the whole body
_OWN_LOOK = 0.3  #: how much of their own size and intensity have; the rest is shared by structures of one tissue
_WALL = 0.03  #: thickness of the body's wall, as a part of the field of view: organs keep out of it

_DISC = 0.01  #: gap between two vertebrae
_VERTEBRAE = (0.7, 1.35)  #: smallest and largest size of a vertebra, relative to the catalogue
_STRAYING_PART = 0.05  #: how much of the position noise a vertebra takes that the column does not
_STRAYING = 0.008  #: a vertebra never lies further than this from the line of the column


class Classic:
    """The 13 structures of the Synthetic Medical Dataset Generator, as its documentation gives them, in a trunk.

    Every structure takes position, size and intensity noise of its own, cut off at 2.5 standard deviations, whichever
    others are present. Organs then come to lie as :mod:`~napari_medsynth.phantom.layout` says: left stays left, organs
    stay inside the body, none passes through another. The vertebrae move as one column: they are stacked in order with
    a gap for each disc, and stray from their common line by less than 1 % of the field of view.
    """

    @property
    def catalogue(self) -> Catalogue:
        """Its structures."""
        return catalogue("classic")

    def draw(self, present: frozenset[str], variation: Variation, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a body: ``{"structures": {name: {"centre", "size", "intensity"}}}``, fractions of the field of view."""
        noise = self._noise(rng)
        solids = self._organs(noise, variation) | self._column(noise, variation)
        return {
            "structures": {
                entry.name: {
                    "centre": _rounded(solids[entry.name][0]),
                    "size": _rounded(2 * solids[entry.name][1]),
                    "intensity": round(self._intensity(entry, noise[entry.name][7], variation), 3),
                }
                for entry in self.catalogue.structures
                if entry.name in present or not entry.target
            }
        }

    def paint(self, body: Mapping[str, Any], frame: Frame, blur: float) -> Painted:
        """Paint a body that :meth:`draw` gave; ``blur`` is the point spread's standard deviation in voxels."""
        sheet = Sheet(np.empty(frame.shape, np.float32), np.empty(frame.shape, np.uint8), frame, softness(blur))
        for entry in self.catalogue.structures:
            drawn = body["structures"].get(entry.name)
            if entry.shape == "trunk":
                paint_trunk(sheet, entry, drawn, self.catalogue.air)
            elif drawn is not None:
                sheet.paint(entry, drawn)
        return Painted(sheet.values, sheet.labels)

    def _noise(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Draw eight numbers for each structure: position (z, y, x), size (all, z, y, x) and intensity."""
        entries = self.catalogue.structures
        draws = _normals(rng, (len(entries), 8))
        draws[:, :3] = _related(draws[:, :3], _OWN_PLACE)
        for kin in self._kin:
            draws[kin, 3:] = _related(draws[kin, 3:], _OWN_LOOK)
        return {entry.name: row for entry, row in zip(entries, draws, strict=True)}

    def _organs(self, noise: Mapping[str, FloatArray], variation: Variation) -> dict[str, tuple[FloatArray, ...]]:
        names, home, limits = self._plan
        moved = np.stack([noise[name][:3] for name in names]) * variation.position
        factor = _factors(np.stack([noise[name] for name in names]), variation.size, _SIZES)
        settled = settle(Solids(home.centre + moved, home.half * factor), home, limits)
        body = self.catalogue["body"]
        solids = {name: (settled.centre[n], settled.half[n]) for n, name in enumerate(names)}
        return solids | {"body": (np.array(body.centre), np.array(body.size) / 2)}

    def _column(self, noise: Mapping[str, FloatArray], variation: Variation) -> dict[str, tuple[FloatArray, ...]]:
        """Stack the vertebrae about the middle of the column, the highest first, with a disc between each two."""
        spine = self._vertebrae
        low, high = np.array(spine[0].details["room"]).T
        draws = np.stack([noise[entry.name] for entry in spine])
        half = _factors(draws, variation.size, _VERTEBRAE) * np.array(spine[0].size) / 2
        discs = _DISC * np.arange(len(spine))
        tall = 2 * half[:, 0].sum() + discs[-1]
        fit = min(1.0, (high[0] - low[0]) / tall)  # a column that is too tall for its room shrinks, discs included
        half[:, 0] *= fit
        reach = np.array([fit * tall / 2, *(half[:, 1:].max(axis=0) + _STRAYING)])
        middle = np.mean([entry.centre for entry in spine], axis=0) + variation.position * draws[len(spine) // 2, :3]
        middle = np.clip(middle, low + reach, high - reach)
        centre = middle + np.clip(_STRAYING_PART * variation.position * draws[:, :3], -_STRAYING, _STRAYING)
        centre[:, 0] = middle[0] + reach[0] - (2 * np.cumsum(half[:, 0]) - half[:, 0] + fit * discs)
        return {entry.name: (centre[n], half[n]) for n, entry in enumerate(spine)}

    def _intensity(self, entry: Structure, normal: float, variation: Variation) -> float:
        value = entry.intensity * (1 + variation.intensity * entry.varies[2] * normal)
        low, high = self.catalogue.limits
        return float(np.clip(value, low, high))

    @cached_property
    def _kin(self) -> list[list[int]]:
        """Which structures are of one tissue, where there are several."""
        tissues = [entry.label.tissue for entry in self.catalogue.structures]
        groups = [[n for n, other in enumerate(tissues) if other == tissue] for tissue in dict.fromkeys(tissues)]
        return [kin for kin in groups if len(kin) > 1]

    @cached_property
    def _vertebrae(self) -> tuple[Structure, ...]:
        """The vertebrae from L1 down."""
        return tuple(self.catalogue[name] for name in self.catalogue.groups["vertebrae"])

    @cached_property
    def _plan(self) -> tuple[tuple[str, ...], Solids, Limits]:
        """Names of the organs, where the catalogue has them, and what they must respect."""
        organs = [e for e in self.catalogue.targets if e not in self._vertebrae]
        names = tuple(entry.name for entry in organs)
        home = Solids(np.array([e.centre for e in organs]), np.array([e.size for e in organs]) / 2)
        pairs = np.array([[b in a.neighbours or a.name in self.catalogue[b].neighbours for b in names] for a in organs])
        body = np.array(self.catalogue["body"].size[1:]) / 2 - _WALL
        return names, home, Limits(np.array([e.details["room"] for e in organs], dtype=float), pairs, body)


def _normals(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Draw from a normal distribution that is cut off; the same number of draws whatever comes out."""
    low = _NORMAL.cdf(-_TRUNCATED_AT)
    return np.array([_NORMAL.inv_cdf(u) for u in rng.uniform(low, 1 - low, shape).flat]).reshape(shape)


def _related(draws: FloatArray, own: float) -> FloatArray:
    """Make rows of independent normal draws alike: of each one's own deviation, ``own`` is left; variances stay 1."""
    count = len(draws)
    mean = draws.mean(axis=0)
    shared = np.sqrt(count * (1 - own**2 * (1 - 1 / count)))
    return np.asarray(np.clip(shared * mean + own * (draws - mean), -_TRUNCATED_AT, _TRUNCATED_AT))


def _factors(draws: FloatArray, sigma: float, bounds: tuple[float, float]) -> FloatArray:
    """Return how much larger structures ``(n, 8)`` are along ``(z, y, x)``."""
    shared = np.sqrt(1 - _OWN_AXIS**2) * draws[:, 3:4]
    return np.asarray(np.clip(1 + sigma * (shared + _OWN_AXIS * draws[:, 4:7]), *bounds))


def _rounded(values: Sequence[float] | FloatArray) -> list[float]:
    return [round(float(v), 6) for v in values]
