"""The ``torso``: a CT-like man from shoulders to hips, in HU."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

import numpy as np

from .anatomy import Painted, Variation
from .catalogue import Catalogue, catalogue
from .frame import Frame
from .trunk import belly, bones, chest, spine, tubes, wall
from .trunk.backbone import TOP
from .trunk.body import Body, draw
from .trunk.part import Part
from .trunk.scene import Scene
from .trunk.texture import Texture

_SLAB = 1 << 19  #: voxels that are painted at a time: fields stay in the cache, memory does not grow with the image

Painter = Callable[[Scene, Sequence[Part]], None]

#: What paints each shape of the catalogue; structures of one shape that follow each other are painted together.
PAINTERS: Mapping[str, Painter] = {
    "wall": wall.paint_wall,
    "diaphragm": wall.paint_diaphragm,
    "tube": tubes.paint_tubes,
    "airway": tubes.paint_airways,
    "liver": belly.paint_liver,
    "sac": belly.paint_sacs,
    "spleen": belly.paint_spleen,
    "limbs": belly.paint_adrenals,
    "kidney": belly.paint_kidneys,
    "loops": belly.paint_loops,
    "lung": chest.paint_lungs,
    "heart": chest.paint_heart,
    "spine": spine.paint_spine,
    "ribs": bones.paint_ribs,
    "sternum": bones.paint_sternum,
    "bone": bones.paint_bones,
}


class Torso:
    """A man on his back, arms raised, in the portal venous phase: 79 structures of an average adult and their variety.

    Sizes, places and values, and where they were published, stand in ``torso.yaml``. It is no model of a population:
    organs are smooth solids of the right size in the right place, and there is no scatter or beam hardening.
    """

    @property
    def catalogue(self) -> Catalogue:
        """Its structures."""
        return catalogue("torso")

    def draw(self, present: frozenset[str], variation: Variation, rng: np.random.Generator) -> dict[str, Any]:
        """Draw build, and place, size and value of each structure; all of them, whichever are present.

        Organs stay near their place (12 mm) and size (0.8 to 1.25 of the published mean), and go along with their
        neighbours, whatever noise is asked for: left stays left and organs stay inside the body.
        """
        return draw(self.catalogue, present, variation, rng)

    def paint(self, body: Mapping[str, Any], frame: Frame, blur: float) -> Painted:
        """Paint a body, a slab of slices at a time; see :class:`~napari_medsynth.phantom.anatomy.Anatomy`."""
        made = _body(json.dumps(body, sort_keys=True))
        values = np.full(frame.shape, self.catalogue.air, dtype=np.float32)
        labels = np.zeros(frame.shape, dtype=np.uint8)
        z, y, x = (line / np.float32(scale) for line, scale in zip(frame.lines(), made.scale, strict=True))
        z += np.float32(TOP * (1 - 1 / made.scale[0]))
        voxel = float(np.prod(np.divide(frame.spacing, made.scale)) ** (1 / 3))
        edge = voxel * float(np.sqrt(1 + 12 * blur**2))  # as wide as a voxel and the point spread together
        texture = Texture(made.grain, y, x)
        step = max(1, _SLAB // (frame.shape[1] * frame.shape[2]))
        for start in range(0, frame.shape[0], step):
            rows = slice(start, start + step)
            low, high = made.reach(z[rows])
            deep, wide = (
                slice(*np.searchsorted(line, (a - 2 * edge, b + 2 * edge)))
                for line, a, b in zip((y, x), low, high, strict=True)
            )
            box = rows, deep, wide
            grain = partial(texture, z[rows], deep, wide)
            if values[box].size:
                _paint(Scene(made, values[box], labels[box], (z[rows], y[deep], x[wide]), edge, voxel, grain))
        return Painted(values, labels)


@lru_cache(maxsize=2)
def _body(text: str) -> Body:
    """Return a body by its JSON; an image that is painted in several parts asks for one again and again."""
    return Body(catalogue("torso"), json.loads(text))


def _paint(scene: Scene) -> None:
    for shape, parts in groupby(scene.body.parts.values(), key=lambda part: part.entry.shape):
        PAINTERS[shape](scene, list(parts))
