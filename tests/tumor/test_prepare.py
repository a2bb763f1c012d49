"""A seed taken apart: what is lesion, what was around it, and how they make the scan again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.extract import extract_seeds
from napari_medsynth.tumor.prepare import prepare

AIR, TISSUE = -850.0, 40.0


def ball_in_air(wall=False, noise=10.0, radius=6.0, shape=(33, 33, 33), depth=0.0):
    """A blurred ball in the middle; with a wall, it lies against one that fills x ≥ 22, or ``depth`` mm in it."""
    z, y, x = np.indices(shape) - 16.0
    lesion = np.sqrt(z**2 + y**2 + x**2) <= radius
    dense = lesion | (x >= radius - depth) if wall else lesion
    hu = ndimage.gaussian_filter(np.where(dense, TISSUE, AIR), 0.8)
    hu += np.random.default_rng(0).normal(0, noise, shape)
    image = Volume(np.rint(hu).astype(np.int16), Affine.from_spacing((1, 1, 1)), "CT")
    (seed,) = finish(extract_seeds(Case(id="ball", image=image, labels=LabelMap(lesion)), [1], organ="lung"))
    return seed


def test_share_and_light_make_the_lesion_again_in_its_old_surroundings():
    seed = ball_in_air()
    apart = prepare(seed)
    again = apart.light + (1 - apart.share) * apart.ring_hu
    inside = seed.mask.mask(1)
    np.testing.assert_allclose(again[inside], seed.image.array[inside], atol=1)


def test_the_share_is_whole_inside_and_nothing_further_out():
    apart = prepare(ball_in_air())
    assert apart.share[apart.distance < -2].min() > 0.93
    assert apart.share[apart.distance > 3].max() == 0
    rim = apart.share[np.abs(apart.distance) < 0.6]
    assert 0.3 < rim.mean() < 0.7


def test_a_wall_is_not_carried_along():
    seed = ball_in_air(wall=True)
    assert seed.info.attachment == "juxta-pleural"
    apart = prepare(seed)
    wall = (apart.distance > 1) & (seed.image.array > -300)
    assert wall.sum() > 300
    assert apart.share[wall].max() < 0.45
    assert apart.share[wall].mean() < 0.1


def test_a_lesion_that_lies_mostly_in_a_wall_has_the_rim_of_its_airy_side():
    """Most of what surrounds it is wall, and the wall's share is not what a rim looks like."""
    apart = prepare(ball_in_air(wall=True, radius=8.0, depth=11.0))
    beside = (apart.distance > 1) & (apart.distance < 2)
    assert apart.share[beside].max() < 0.5


def test_what_belongs_to_another_lesion_is_not_carried_along():
    labels = np.zeros((33, 33, 33), dtype=np.uint8)
    z, y, x = np.indices(labels.shape) - 16.0
    labels[np.sqrt(z**2 + y**2 + x**2) <= 6] = 1
    labels[(x >= 7) & (x < 12) & (np.abs(y) < 3) & (np.abs(z) < 3)] = 2
    image = np.where(labels == 2, 40, np.full(labels.shape, AIR)).astype(np.int16)
    image[labels == 1] = 40
    case = Case(id="two", image=Volume(image, Affine.from_spacing((1, 1, 1)), "CT"), labels=LabelMap(labels))
    seed = finish(extract_seeds(case, [1, 2], organ="lung"))[0]
    assert (seed.mask.array == 2).any()
    assert prepare(seed).share[seed.mask.array == 2].max() == 0


def test_noise_is_that_of_the_scan_it_comes_from():
    for noise in (8.0, 40.0):
        assert prepare(ball_in_air(noise=noise)).noise_hu == pytest.approx(noise, rel=0.25)


def test_a_lesion_like_its_surroundings_is_told_from_them_by_distance():
    z, y, x = np.indices((33, 33, 33)) - 16.0
    lesion = np.sqrt(z**2 + y**2 + x**2) <= 6
    hu = np.where(lesion, 20, 60).astype(np.int16)  # a metastasis in the liver
    case = Case(id="liver", image=Volume(hu, Affine.from_spacing((1, 1, 1)), "CT"), labels=LabelMap(lesion))
    (seed,) = finish(extract_seeds(case, [1], organ="liver"))
    apart = prepare(seed)
    assert apart.share[lesion_of(seed)].min() == 1
    assert apart.share[apart.distance >= 0.5].max() == 0
    assert np.median((apart.light / np.maximum(apart.share, 1e-3))[lesion_of(seed)]) == 20


def test_a_seed_cut_tightly_has_no_ring_and_stays_whole():
    seed = ball_in_air()
    padded = np.where(seed.mask.mask(1), seed.image.array, -1024).astype(np.int16)
    apart = prepare(replace(seed, image=replace(seed.image, array=padded)))
    assert apart.share[lesion_of(seed)].min() == 1
    assert apart.light[apart.share == 1].min() > -800  # nothing of the padding


def test_the_same_seed_is_taken_apart_once():
    seed = ball_in_air()
    assert prepare(seed) is prepare(seed)


def test_figures_are_those_of_the_mask():
    seed = ball_in_air()
    apart = prepare(seed)
    assert apart.volume_ml == pytest.approx(seed.info.volume_ml)
    np.testing.assert_allclose(apart.centre, Affine.from_spacing((1, 1, 1)).to_world((16, 16, 16)), atol=1e-6)
    assert apart.reach_mm == pytest.approx(6.5, abs=0.1)


def lesion_of(seed):
    return seed.mask.mask(1)
