"""Bias field, noise and whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.rng import stream
from napari_medsynth.phantom import artefacts
from napari_medsynth.phantom.artefacts import Scanner, chunk_slices

HU = (-1024.0, 3071.0)


def scanner(bias=0.0, noise=0.0, limits=HU, dtype=np.int16):
    return Scanner(bias, noise, limits, dtype)


def taken(scanner, values, params):
    image = np.empty(values.shape, scanner.dtype)
    scanner.take(values, params, image)
    return image


def params(seed=0):
    return artefacts.draw(stream(seed))


def flat(value=100, shape=(40, 90, 80)):
    return np.full(shape, value, dtype=np.float32)


def test_without_artefacts_the_values_are_rounded():
    values = np.array([[[-3000.0, -0.6, 0.4, 1.6, 9999.0]]], dtype=np.float32)
    assert taken(scanner(), values, params()).ravel().tolist() == [-1024, -1, 0, 2, 3071]


def test_noise_is_normal_with_the_asked_deviation():
    found = taken(scanner(noise=20), flat(1000, (60, 100, 100)), params()).astype(float) - 1000
    assert abs(found.mean()) < 0.1
    assert found.std() == pytest.approx(20, rel=0.01)
    for share, beyond in ((0.3173, 1), (0.0455, 2), (0.0027, 3)):
        assert np.mean(np.abs(found) > 20 * beyond) == pytest.approx(share, rel=0.12)
    assert np.abs(found).max() > 80
    assert abs(np.mean((found / 20) ** 3)) < 0.02
    assert np.mean((found / 20) ** 4) == pytest.approx(3, rel=0.02)


def test_noise_is_white():
    found = taken(scanner(noise=20), flat(1000, (60, 100, 100)), params()).astype(float) - 1000
    for axis in range(3):
        ahead, behind = np.take(found, range(1, 60), axis), np.take(found, range(59), axis)
        assert abs(np.corrcoef(ahead.ravel(), behind.ravel())[0, 1]) < 0.01


def test_noise_does_not_repeat_from_chunk_to_chunk():
    found = taken(scanner(noise=20), flat(0, (64, 128, 128)), params())
    slices = chunk_slices(found.shape)
    assert slices < 64
    assert not np.array_equal(found[:slices], found[slices : 2 * slices])


def test_another_seed_is_other_noise_and_the_same_seed_the_same():
    first, again, other = (taken(scanner(noise=5), flat(), params(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.mean(first == other) < 0.2


@given(st.integers(0, 2**32), st.floats(0.01, 0.9))
def test_the_bias_field_changes_no_voxel_by_more_than_asked(seed, strength):
    found = taken(scanner(bias=strength), flat(1000, (20, 24, 28)), params(seed)) / 1000 - 1
    assert np.abs(found).max() <= strength * 1.02 + 0.001
    assert np.abs(found).max() > strength * 0.9 - 0.001, "and some by that much"


def test_the_bias_field_is_smooth():
    found = taken(scanner(bias=0.3), flat(1000, (60, 60, 60)), params()).astype(float) / 1000
    for axis in range(3):
        assert np.abs(np.diff(found, axis=axis)).max() < 0.3 * 6 / 60


def test_a_strength_changes_the_field_but_not_its_form():
    weak, strong = (taken(scanner(bias=b), flat(10_000 / 4, (20, 20, 20)), params()) / 2500 - 1 for b in (0.1, 0.2))
    assert np.allclose(2 * weak, strong, atol=0.002)


def test_an_image_that_is_taken_in_parts_is_the_image_taken_at_once():
    values = np.random.default_rng(0).normal(100, 50, (50, 128, 128)).astype(np.float32)
    slices, image = chunk_slices(values.shape), np.empty(values.shape, np.int16)
    for start in range(0, 50, 2 * slices):
        scanner(0.3, 10).take(values[start : start + 2 * slices], params(), image, start)
    assert np.array_equal(image, taken(scanner(0.3, 10), values, params()))


@given(st.tuples(*[st.integers(1, 600)] * 3))
def test_chunks_follow_from_the_shape_and_are_not_tiny(shape):
    slices = chunk_slices(shape)
    assert 1 <= slices <= shape[0]
    assert slices == shape[0] or slices * shape[1] * shape[2] >= 1 << 16


@pytest.mark.parametrize("shape", [(1, 5, 7), (300, 30, 40), (3, 700, 701)])
def test_any_shape_can_be_taken(shape):
    image = taken(scanner(0.1, 3.0, (0.0, 255.0), np.uint8), flat(200, shape), params())
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert 3 < image.std() < 40
