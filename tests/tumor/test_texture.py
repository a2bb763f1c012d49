"""Noise: made with the width that is asked for, and measured as it was made."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.tumor.texture import grain, noise_level

SHAPE = (24, 64, 64)


@pytest.mark.parametrize("length", [0.0, 0.6, 1.5, (0.0, 0.5, 1.2)])
def test_grain_has_unit_spread_and_no_mean(length):
    noise = grain(SHAPE, (1.0, 1.0, 1.0), length, 5)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert abs(noise.mean()) < 0.05


def test_grain_is_as_wide_in_mm_on_any_grid():
    fine = grain((20, 80, 80), (1.0, 0.5, 0.5), 1.0, 1)
    coarse = grain((20, 80, 80), (1.0, 1.0, 1.0), 1.0, 1)
    by_mm = [np.mean(fine[..., 2:] * fine[..., :-2]), np.mean(coarse[..., 1:] * coarse[..., :-1])]
    assert by_mm[0] == pytest.approx(by_mm[1], abs=0.06)


def test_the_same_seed_gives_the_same_grain_and_another_seed_another():
    first, same, other = (grain(SHAPE, (1, 1, 1), 0.7, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("hu", [8.0, 25.0, 60.0])
def test_noise_is_measured_as_it_was_made(hu):
    image = (-850 + hu * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    found = noise_level(image)
    assert found.hu == pytest.approx(hu, rel=0.1)
    assert max(found.width) < 0.4


def test_structure_is_not_taken_for_noise():
    image = (-850 + 15 * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    image[:, 20:40, 20:40] += 900
    image[:, :, 50:53] += 400
    assert noise_level(image).hu == pytest.approx(15, rel=0.2)


def test_noise_is_as_wide_along_each_axis_as_it_was_made():
    image = 20 * grain(SHAPE, (1, 1, 1), (1.0, 0.0, 0.5), 2)
    slices, rows, columns = noise_level(image).width
    assert slices > 0.7 > columns > rows


def test_too_few_voxels_hold_no_noise():
    assert noise_level(np.ones((3, 3, 3), dtype=np.float32), np.zeros((3, 3, 3), dtype=bool)).hu == 0
