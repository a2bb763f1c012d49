"""Lesions on a host's grid: the same anatomy in mm, whatever the two grids and the morph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import SeedError
from napari_medsynth.tumor.lesion import shape
from napari_medsynth.tumor.morph import Morph
from napari_medsynth.tumor.prepare import prepare
from napari_medsynth.tumor.synthetic import SyntheticLesion
from strategies import orientations

SEED = prepare(SyntheticLesion(diameter_mm=12, elongation=1.6, seed=5).make())
GRID = Affine.from_spacing((1, 1, 1))
CENTRE = (40.0, 40.0, 40.0)


def ml(lesion, grid=GRID):
    return lesion.mask.sum() * np.prod(grid.spacing) / 1000


def rim_mm(lesion):
    """Width of the rim: the volume that is partly lesion, over the surface of the ball of the same volume."""
    partly = ((lesion.share > 0.1) & (lesion.share < 0.9)).sum()
    return partly / (np.pi ** (1 / 3) * (6 * lesion.mask.sum()) ** (2 / 3))


def in_world(lesion, grid, centre):
    """Centroid and covariance in mm of the share of lesion, from where its centre was put."""
    points = grid.to_world(np.argwhere(lesion.share > 0) + lesion.box.start) - grid.to_world(centre)
    weight = lesion.share[lesion.share > 0]
    return np.average(points, axis=0, weights=weight), np.cov(points.T, aweights=weight)


def test_a_lesion_on_the_voxels_of_its_seed_is_its_seed():
    start = SEED.affine.to_index(SEED.centre)
    lesion = shape(SEED, Morph(), SEED.affine, start)
    own = lesion.box.slices
    np.testing.assert_allclose(lesion.share, SEED.share[own], atol=1e-4)
    np.testing.assert_allclose(lesion.share * lesion.hu, SEED.light[own], atol=0.3)
    np.testing.assert_array_equal(lesion.mask, SEED.distance[own] <= 0)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 0.5, 0.5), (3, 0.7, 0.7), (2.5, 1.4, 1.4)])
def test_the_volume_stays_on_any_grid(spacing):
    grid = Affine.from_spacing(spacing)
    lesion = shape(SEED, Morph(), grid, CENTRE)
    soft = lesion.share.sum() * np.prod(spacing) / 1000
    assert ml(lesion, grid) == pytest.approx(SEED.volume_ml, rel=0.06)
    assert soft == pytest.approx(float(SEED.share.sum()) * np.prod(SEED.affine.spacing) / 1000, rel=0.04)


@settings(max_examples=20)
@given(orientations(), st.tuples(*[st.sampled_from((0.8, 1.0, 2.0))] * 3))
def test_any_order_and_direction_of_axes_shows_the_same_lesion_in_the_patient(orientation, spacing):
    morph = Morph(rotation_deg=(30, 10, -20), flip=(False, True, False), stretch=(1.2, 0.9, 1.0))
    expected = in_world(shape(SEED, morph, GRID, CENTRE), GRID, CENTRE)
    grid = Affine.from_spacing(spacing, (7, -9, 11), orientation)
    found = in_world(shape(SEED, morph, grid, CENTRE), grid, CENTRE)
    np.testing.assert_allclose(found[0], expected[0], atol=0.1)
    np.testing.assert_allclose(found[1], expected[1], atol=0.06 * np.trace(expected[1]))


@settings(max_examples=15)
@given(st.floats(0.4, 4.0), st.sampled_from([(1, 1, 1), (2, 0.8, 0.8)]), st.floats(0, 2))
def test_a_volume_that_is_asked_for_is_reached(factor, spacing, elastic):
    asked, grid = SEED.volume_ml * factor, Affine.from_spacing(spacing)
    morph = Morph(volume_ml=asked, elastic_mm=elastic, stretch=(1, 1, 1.2))
    assert ml(shape(SEED, morph, grid, CENTRE), grid) == pytest.approx(asked, rel=0.01)


@pytest.mark.parametrize("scale", [0.7, 1.5, 2.5])
def test_scale_changes_the_size_and_keeps_the_rim_as_wide_in_mm(scale):
    lesion = shape(SEED, Morph(scale=scale), GRID, CENTRE)
    assert ml(lesion) == pytest.approx(SEED.volume_ml * scale**3, rel=0.06)
    assert rim_mm(lesion) == pytest.approx(rim_mm(shape(SEED, Morph(), GRID, CENTRE)), rel=0.25)


def test_growth_moves_the_contour_by_so_many_mm():
    ball = prepare(SyntheticLesion(diameter_mm=14, elongation=1, roughness=0.02).make())
    radius = [(3000 * ml(shape(ball, Morph(growth_mm=g), GRID, CENTRE)) / 4 / np.pi) ** (1 / 3) for g in (-2, 0, 2)]
    assert np.diff(radius) == pytest.approx([2, 2], abs=0.25)


def test_a_flip_mirrors_and_a_turn_turns():
    plain = in_world(shape(SEED, Morph(), GRID, CENTRE), GRID, CENTRE)[1]
    flipped = in_world(shape(SEED, Morph(flip=(True, False, False)), GRID, CENTRE), GRID, CENTRE)[1]
    mirror = np.diag([1, 1, -1])  # array axis z is the world's third
    np.testing.assert_allclose(flipped, mirror @ plain @ mirror, atol=0.3)
    turned = in_world(shape(SEED, Morph(rotation_deg=(90, 0, 0)), GRID, CENTRE), GRID, CENTRE)[1]
    assert turned[0, 0] == pytest.approx(plain[1, 1], abs=0.3)
    assert turned[1, 1] == pytest.approx(plain[0, 0], abs=0.3)
    assert turned[2, 2] == pytest.approx(plain[2, 2], abs=0.3)


def test_the_shift_is_added_to_the_lesion_alone():
    plain, shifted = (shape(SEED, Morph(hu_shift=hu), GRID, CENTRE) for hu in (0, 50))
    np.testing.assert_allclose(shifted.hu - plain.hu, 50, atol=1e-3)
    np.testing.assert_array_equal(shifted.share, plain.share)
    assert shifted.core_hu - plain.core_hu == 50


def test_texture_made_anew_is_as_rough_and_not_the_same():
    rough = prepare(SyntheticLesion(diameter_mm=20, texture_hu=40, seed=2).make())
    old, new = (shape(rough, Morph(new_texture=share, seed=4), GRID, CENTRE) for share in (0, 1))
    deep = old.distance < -4
    assert np.std(new.hu[deep]) == pytest.approx(np.std(old.hu[deep]), rel=0.4)
    assert np.abs(new.hu - old.hu)[deep].mean() > 2


def test_a_lesion_smaller_than_a_voxel_still_is_one():
    lesion = shape(SEED, Morph(scale=0.1), Affine.from_spacing((5, 5, 5)), (10.3, 10.4, 10.2))
    assert lesion.mask.sum() == 1


def test_a_lesion_larger_than_any_organ_is_refused():
    with pytest.raises(SeedError, match="million voxels"):
        shape(SEED, Morph(scale=10), Affine.from_spacing((0.1, 0.1, 0.1)), CENTRE)


def test_moving_by_whole_voxels_is_the_same_as_shaping_there():
    moved = shape(SEED, Morph(), GRID, CENTRE).moved((3, -2, 5))
    there = shape(SEED, Morph(), GRID, (43.0, 38.0, 45.0))
    assert moved.box == there.box
    np.testing.assert_allclose(moved.hu, there.hu, atol=0.1)
