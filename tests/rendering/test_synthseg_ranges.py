"""Render() draws what SynthSeg draws: thousands of draws against the ranges that its generator publishes.

The numbers are the defaults of ``brain_generator.py``, ``model_inputs.py``, ``labels_to_image_model.py`` and lab2im's
``layers.py`` in github.com/BBillot/SynthSeg at 66342c1, whose label maps have voxels of 1 mm.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from napari_medsynth import Case, LabelMap
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.rng import stream
from napari_medsynth.core.schemes import scheme
from napari_medsynth.rendering import Render

DRAWS = 3000
#: Cubes in which brain structures lie side by side: sided ones (2 and 41 …), neutral ones (14, 16) and background.
VALUES = (0, 2, 41, 3, 42, 17, 53, 14, 16, 24, 10, 49)


@pytest.fixture(scope="module")
def case():
    blocks = np.resize(np.array(VALUES, np.uint8), (8, 8, 8))
    labels = np.kron(blocks, np.ones((5, 5, 5), np.uint8))
    return Case(id="brain", labels=LabelMap(labels, Affine.from_spacing((1.0, 1.0, 1.0))))


@pytest.fixture(scope="module")
def drawn(case):
    step = Render(preset="synthseg")
    return [step.draw(case, stream(11, index, step.name)) for index in range(DRAWS)]


@pytest.fixture(scope="module")
def channels(drawn):
    return [params["channels"][0] for params in drawn]


def is_uniform(values, low, high):
    """Values lie in the range, reach both its ends, and no test can tell them from a uniform distribution."""
    values = np.asarray(values, float).ravel()
    margin = 20 * (high - low) / values.size
    assert low <= values.min() <= low + margin
    assert high - margin <= values.max() <= high
    assert stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-3


def happens(hits, probability):
    """As often as a coin of this probability would, within four standard deviations."""
    share, count = np.mean(hits), len(hits)
    assert abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / count), share


def test_every_image_is_warped(drawn):
    assert all(params["warp"] for params in drawn)


def test_each_axis_is_scaled_by_a_fifth_at_most(drawn):
    is_uniform([params["warp"]["scaling"] for params in drawn], 0.8, 1.2)


def test_each_axis_turns_by_15_degrees_at_most(drawn):
    is_uniform([params["warp"]["rotation"] for params in drawn], -15, 15)


def test_six_shears_are_up_to_0_012(drawn):
    shears = np.array([params["warp"]["shearing"] for params in drawn])
    assert shears.shape == (DRAWS, 6)
    is_uniform(shears, -0.012, 0.012)


def test_nothing_is_shifted(drawn):
    assert not np.any([params["warp"]["translation"] for params in drawn])


def test_axes_draw_apart(drawn):
    """Scaling, rotation and shears of different axes have nothing to do with one another."""
    rows = np.array([np.r_[p["warp"]["scaling"], p["warp"]["rotation"], p["warp"]["shearing"]] for p in drawn])
    between = np.corrcoef(rows.T) - np.eye(rows.shape[1])
    assert np.abs(between).max() < 5 / np.sqrt(DRAWS)


def test_velocities_have_a_deviation_of_up_to_4_mm_on_a_twenty_fifth_of_the_voxels(drawn):
    elastic = [params["warp"]["elastic"] for params in drawn]
    is_uniform([e["std"] for e in elastic], 0, 4)
    assert {tuple(e["nodes"]) for e in elastic} == {(2, 2, 2)}  # ceil(0.04 × 40)
    assert all(e["integrate"] for e in elastic)
    assert len({e["seed"] for e in elastic}) == DRAWS


def test_a_brain_of_256_voxels_has_11_nodes_an_axis():
    labels = np.zeros((256, 256, 256), np.uint8)
    labels[100:150, 100:150, 100:150] = 2
    case = Case(id="brain", labels=LabelMap(labels))
    params = Render().draw(case, stream(1))
    assert params["warp"]["elastic"]["nodes"] == [11, 11, 11]  # ceil(0.04 × 256)
    drawn = [Render(warp={}).warp.decide(_lattice(256), seed)["elastic"]["std"] for seed in range(400)]
    is_uniform(drawn, 0, 4)


def _lattice(size):
    from napari_medsynth.rendering.lattice import Lattice

    return Lattice((size,) * 3, (1.0, 1.0, 1.0))


def test_every_second_image_is_mirrored_and_sided_labels_are_swapped(drawn):
    happens([params["flip"] is not None for params in drawn], 0.5)
    flips = [params["flip"] for params in drawn if params["flip"]]
    assert {flip["axis"] for flip in flips} == {2}
    pairs = {tuple(pair) for pair in flips[0]["swap"]}
    assert {(2, 41), (3, 42), (17, 53), (10, 49)} <= pairs
    assert not {14, 16, 24} & {value for pair in pairs for value in pair}


def test_means_are_25_to_225_and_deviations_5_to_25(channels):
    for value in (2, 14):
        drawn = np.array([row[1:] for c in channels for row in c["intensities"] if row[0] == value])
        is_uniform(drawn[:, 0], 25, 225)
        is_uniform(drawn[:, 1], 5, 25)
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 5 / np.sqrt(DRAWS)


def test_structures_have_intensities_of_their_own_and_the_two_sides_the_same(channels):
    means = np.array([[row[1] for row in c["intensities"]] for c in channels])
    at = {int(row[0]): n for n, row in enumerate(channels[0]["intensities"])}
    assert set(at) == set(VALUES)
    for left, right in ((2, 41), (3, 42), (17, 53), (10, 49)):
        assert np.array_equal(means[:, at[left]], means[:, at[right]])
    apart = [at[value] for value in (2, 3, 17, 14, 16, 24, 10)]
    between = np.corrcoef(means[:, apart].T) - np.eye(len(apart))
    assert np.abs(between).max() < 5 / np.sqrt(DRAWS)


def test_background_is_black_in_5_and_dark_in_25_percent(channels):
    drawn = np.array([c["intensities"][0] for c in channels])
    assert not drawn[:, 0].any()
    mean, std = drawn[:, 1], drawn[:, 2]
    black = (mean == 0) & (std == 0)
    dark = (mean < 15) & ~black
    happens(black, 0.05)
    happens(dark, 0.25)
    is_uniform(mean[dark], 0, 15)
    is_uniform(std[dark], 0, 5)
    is_uniform(mean[~black & ~dark], 25, 225)
    is_uniform(std[~black & ~dark], 5, 25)


def test_95_percent_have_a_bias_field_of_up_to_0_7(channels):
    happens([c["bias_field"] is not None for c in channels], 0.95)
    fields = [c["bias_field"] for c in channels if c["bias_field"]]
    is_uniform([field["std"] for field in fields], 0, 0.7)
    assert len({field["seed"] for field in fields}) == len(fields)


def test_the_bias_field_of_a_brain_of_256_voxels_has_7_nodes_an_axis():
    field = Render(bias_field={}).bias_field.draw(_lattice(256), stream(0))
    assert field["nodes"] == [7, 7, 7]  # ceil(0.025 × 256)


def test_images_are_clipped_at_300_and_brought_to_0_to_1(channels):
    assert all(c["intensity"]["clip"] == [0, 300] and c["intensity"]["normalise"] for c in channels)
    assert not any(c["intensity"]["invert"] for c in channels)


def test_the_logarithm_of_gamma_is_normal_with_a_deviation_of_one_half(channels):
    gamma = np.log([c["intensity"]["gamma"] for c in channels])
    assert stats.kstest(gamma, "norm", (0, 0.5)).pvalue > 1e-3
    assert gamma.std() == pytest.approx(0.5, rel=0.05)


def test_there_is_no_texture_and_no_artefact(channels):
    off = set(channels[0]) - {"preset", "intensities", "bias_field", "intensity", "resolution"}
    assert {"texture", "noise", "motion", "ghosting", "spikes", "gibbs"} <= off
    assert not any(c[name] for c in channels for name in off)


@pytest.fixture(scope="module")
def voxels(channels):
    return np.array([c["resolution"]["voxel"] for c in channels])


def test_one_axis_is_coarse_in_most_images_all_in_a_tenth_none_in_a_twentieth(voxels):
    kinds = Counter(int(n) for n in (voxels > 1).sum(axis=1))
    assert set(kinds) == {0, 1, 3}
    for count, share in ((0, 0.05), (3, 0.95 * 0.1), (1, 0.95 * 0.9)):
        happens([(voxel > 1).sum() == count for voxel in voxels], share)


def test_the_coarse_axis_is_any_of_the_three_and_up_to_8_mm(voxels):
    single = voxels[(voxels > 1).sum(axis=1) == 1]
    for axis in range(3):
        happens(single[:, axis] > 1, 1 / 3)
    is_uniform(single.max(axis=1), 1, 8)


def test_three_coarse_axes_are_up_to_4_mm_each(voxels):
    several = voxels[(voxels > 1).all(axis=1)]
    is_uniform(several, 1, 4)
    assert np.abs(np.corrcoef(several.T) - np.eye(3)).max() < 5 / np.sqrt(len(several))


def test_slices_are_between_the_label_maps_voxels_and_the_scans(channels, voxels):
    thickness = np.array([c["resolution"]["thickness"] for c in channels])
    coarse = voxels > 1
    is_uniform((thickness[coarse] - 1) / (voxels[coarse] - 1), 0, 1)
    assert (thickness[~coarse] == 1).all()


def test_a_voxel_sees_three_quarters_of_a_slice_and_half_a_voxel_where_nothing_is_coarse(channels, voxels):
    """Sigma is 0.75 · min(voxel, thickness), 0.5 for axes as they are, both times U(1 / 1.03, 1.03)."""
    resolutions = [c["resolution"] for c in channels]
    sigma, thickness = (np.array([r[name] for r in resolutions]) for name in ("sigma", "thickness"))
    expected = np.where(voxels > 1, 0.75 * np.minimum(voxels, thickness), 0.5)
    is_uniform(sigma / expected, 1 / 1.03, 1.03)


def test_the_preset_is_what_the_classes_draw_by_themselves(case):
    """Warp(), Flip(), BiasField(), Intensity() and Resolution() without settings are SynthSeg's."""
    named = {name: {} for name in ("warp", "flip", "bias_field", "intensity", "resolution")}
    ours, own = Render(preset="synthseg"), Render(preset="synthseg", **named)
    for seed in range(20):
        assert ours.draw(case, stream(seed)) == own.draw(case, stream(seed))


def test_a_given_contrast_is_random_as_often_as_asked_for_means_and_deviations_apart(case):
    """SynthSeg's mix of prior and random contrast: half the images have random means, and half random deviations."""
    step = Render(preset="brain-t1", random_contrast=0.5)
    plain = Render(preset="brain-t1")
    means, stds = [], []
    for index in range(600):
        mixed, own = (s.draw(case, stream(5, index))["channels"][0]["intensities"] for s in (step, plain))
        differ = np.array([a for a in mixed if a[0] == 2]) != np.array([b for b in own if b[0] == 2])
        means.append(differ[0, 1])
        stds.append(differ[0, 2])
    happens(means, 0.5)
    happens(stds, 0.5)
    assert abs(np.corrcoef(means, stds)[0, 1]) < 5 / np.sqrt(600)


def test_the_published_names_are_those_of_freesurfer():
    assert scheme("freesurfer")[2].side == "left"
    assert scheme("freesurfer")[41].side == "right"
