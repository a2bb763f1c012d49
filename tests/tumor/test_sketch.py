"""A sketch is the lesion, less finely."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.tumor.lesion import shape
from napari_medsynth.tumor.morph import Morph
from napari_medsynth.tumor.prepare import prepare
from napari_medsynth.tumor.sketch import cost, sketch
from napari_medsynth.tumor.synthetic import SyntheticLesion

GRID = Affine.from_spacing((2.5, 0.8, 0.8), origin=(5, 6, 7))
CENTRE = (40.0, 100.0, 90.0)


@pytest.fixture(scope="module")
def large():
    return prepare(SyntheticLesion(diameter_mm=40.0).make())


@pytest.mark.parametrize(
    "morph",
    [
        Morph(),
        Morph(scale=0.7, rotation_deg=(40, 20, 10), flip=(True, False, False)),
        Morph(elastic_mm=1.0, elastic_grid_mm=20.0, seed=2),
        Morph(growth_mm=-2.0, hu_shift=60.0),
    ],
)
def test_has_the_shape_place_and_density_of_the_lesion(large, morph):
    exact, quick = shape(large, morph, GRID, CENTRE), sketch(large, morph, GRID, CENTRE)
    masks = np.zeros((2, 90, 200, 190), dtype=bool)
    for mask, lesion in zip(masks, (exact, quick), strict=True):
        mask[lesion.box.slices] = lesion.mask
    dice = 2 * (masks[0] & masks[1]).sum() / masks.sum()
    assert dice > 0.95
    inside = [float(np.median(lesion.hu[lesion.distance < -2])) for lesion in (exact, quick)]
    assert inside[1] == pytest.approx(inside[0], abs=15)


def test_of_few_places_is_on_the_hosts_own_voxels(large):
    quick = sketch(large, Morph(), GRID, CENTRE, places=2000)
    assert quick.share.shape == quick.hu.shape == quick.distance.shape == quick.box.shape
    middle = [(a + b) / 2 for a, b in zip(quick.box.start, quick.box.stop, strict=True)]
    assert middle == pytest.approx(CENTRE, abs=12)


def test_cost_grows_with_size_and_elasticity(large):
    plain = cost(large, Morph(), GRID)
    assert cost(large, Morph(scale=2.0), GRID) > 1.5 * plain
    assert cost(large, Morph(elastic_mm=1.0), GRID) > 2 * plain
