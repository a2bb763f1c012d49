"""The way back from host to seed: sharp, smooth where it should be, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.tumor.morph import Morph
from napari_medsynth.tumor.prepare import prepare
from napari_medsynth.tumor.synthetic import SyntheticLesion
from napari_medsynth.tumor.texture import grain
from napari_medsynth.tumor.warp import Warp

SEED = prepare(SyntheticLesion(diameter_mm=14, seed=5, texture_hu=0).make())


def offsets(count=400, reach=9.0):
    return np.random.default_rng(0).uniform(-reach, reach, (3, count))


def test_without_a_morph_each_point_comes_from_where_it_is():
    points = offsets()
    found = Warp.of(SEED, Morph()).sample(points, 0.0, ("share",))
    index = SEED.affine.to_index(SEED.centre + points.T)
    near = np.rint(index).astype(int)
    inside = ((near >= 0) & (near < SEED.share.shape)).all(axis=1)
    expected = SEED.distance[tuple(near[inside].T)]
    assert np.abs(found["distance"][inside] - expected).max() < 1.5 * max(SEED.affine.spacing)


def test_a_turn_keeps_lengths_and_a_scale_multiplies_them():
    for morph, factor in ((Morph(rotation_deg=(50, 20, 10)), 1.0), (Morph(scale=2.0), 0.5)):
        back = Warp.of(SEED, morph).back
        np.testing.assert_allclose(np.linalg.norm(back @ offsets(), axis=0), factor * np.linalg.norm(offsets(), axis=0))


@pytest.mark.parametrize("elastic", [0.5, 1.5])
def test_the_elastic_displacement_has_the_spread_that_was_asked_for(elastic):
    points = offsets(4000, 20.0)
    spread = []
    for seed in range(12):
        warp = Warp.of(SEED, Morph(elastic_mm=elastic, elastic_grid_mm=8, seed=seed))
        spread.append(warp._elastic(points, warp.nodes))
    assert np.std(spread) == pytest.approx(elastic, rel=0.15)


def test_the_elastic_displacement_is_smooth_and_depends_on_its_seed_alone():
    line = np.zeros((3, 200))
    line[0] = np.linspace(-15, 15, 200)
    first, same, other = (Warp.of(SEED, Morph(elastic_mm=1, elastic_grid_mm=10, seed=s)) for s in (1, 1, 2))
    moved = first._elastic(line, first.nodes)
    np.testing.assert_array_equal(moved, same._elastic(line, same.nodes))
    assert np.abs(moved - other._elastic(line, other.nodes)).max() > 0.2
    assert np.abs(np.diff(moved)).max() / (30 / 199) < 0.6  # mm per mm: nothing folds


def test_elastic_changes_the_shape_and_hardly_the_volume():
    plain, bent = (
        Warp.of(SEED, Morph(elastic_mm=mm, elastic_grid_mm=8, seed=3)).sample(offsets(20000), 0.0, ())["distance"]
        for mm in (0.0, 1.2)
    )
    assert 0.03 < ((plain < 0) != (bent < 0)).sum() / (plain < 0).sum() < 0.6
    assert (bent < 0).sum() == pytest.approx((plain < 0).sum(), rel=0.2)


def test_fine_texture_survives_resampling():
    """Between voxels, cubic splines keep most of what linear interpolation would smooth away."""
    from dataclasses import replace

    noise = grain(SEED.share.shape, (1, 1, 1), 0.5, 0)
    rough = replace(SEED, light=noise.astype(np.float32), share=np.ones_like(SEED.share))
    points = offsets(4000, 5.0)
    found = Warp.of(rough, Morph()).sample(points, 0.0, ("light",))
    inside = found["distance"] < -1
    assert np.std(found["light"][inside]) > 0.8  # linear interpolation: 0.65


def test_tissue_beyond_the_crop_counts_as_far_away():
    warp = Warp.of(SEED, Morph())
    far = np.array([[60.0], [0.0], [0.0]])
    assert warp.sample(far, 0.0, ("share",))["share"] == 0
    assert warp.sample(far, 0.0, ())["distance"] == pytest.approx(60 - 7, abs=4)


def test_reach_holds_the_whole_lesion():
    grid = Affine.from_spacing((1, 1, 1))
    assert grid.spacing == (1, 1, 1)
    for morph in (Morph(scale=1.7), Morph(growth_mm=3), Morph(stretch=(1, 1, 2)), Morph(elastic_mm=2, seed=4)):
        warp = Warp.of(SEED, morph)
        way = np.random.default_rng(1).standard_normal((3, 3000))
        shell = way / np.linalg.norm(way, axis=0) * (warp.reach_mm + 0.5)
        assert warp.sample(shell, morph.growth_mm, ())["distance"].min() > 0
