"""Tissues that one label stands for look like tissue, not like noise."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth import Case, LabelMap, Render
from napari_medsynth.core.affine import Affine

BLOCK = LabelMap(np.ones((24, 48, 48), np.uint8), Affine.from_spacing((1.0, 1.0, 1.0)))
BARE = {name: {"prob": 0} for name in ("warp", "flip", "bias_field", "resolution", "noise")}

#: The canal holds fluid and nerves, the others muscle, fat and more.
MIXED = [
    *((name, "spinal canal") for name in ("spine-t1", "spine-t2", "abdomen-mr", "abdomen-ct")),
    *((name, "soft tissue") for name in ("brain-t1", "brain-t2", "brain-flair")),
    ("spine-t2", "disc"),
]


@pytest.mark.parametrize(("name", "tissue"), MIXED)
def test_neighbours_are_alike_in_a_label_of_several_tissues(name, tissue):
    """White noise differs between neighbours by 1.4 of its deviation."""
    settings = {"preset": name, "tissues": [[1, tissue]], "intensity": {"prob": 0}, **BARE}
    image = Render.from_json(settings)(Case(id="block", labels=BLOCK), seed=5).image.array
    assert np.diff(image, axis=2).std() < 0.75 * image.std()
