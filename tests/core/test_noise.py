"""Normal noise from raw random bits."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.noise import fill_normal, normal_quantiles, random_bits


def filled(shape, seed, part=0):
    out = np.empty(shape, dtype=np.float32)
    fill_normal(out, seed, part)
    return out


def test_quantiles_are_symmetric_rising_and_of_unit_variance():
    table = normal_quantiles().astype(np.float64)
    assert (np.diff(table) > 0).all()
    assert np.array_equal(table, -table[::-1])
    assert np.mean(table**2) == pytest.approx(1, abs=1e-6)
    assert 4 < table[-1] < 4.4


def test_nobody_can_change_the_quantiles_of_the_others():
    with pytest.raises(ValueError, match="read-only"):
        normal_quantiles()[0] = 0


def test_noise_is_normal():
    noise = filled(400_000, seed=3).astype(np.float64)
    assert noise.mean() == pytest.approx(0, abs=0.006)
    assert noise.std() == pytest.approx(1, abs=0.006)
    assert (np.abs(noise) < 1).mean() == pytest.approx(0.6827, abs=0.003)
    assert np.mean(noise**4) == pytest.approx(3, abs=0.05)


def test_the_same_seed_and_part_give_the_same_noise_in_any_shape():
    assert np.array_equal(filled((3, 5, 7), 11), filled(105, 11).reshape(3, 5, 7))
    assert np.array_equal(filled(50, 11)[:13], filled(13, 11))


def test_seeds_and_parts_have_streams_of_their_own():
    first, *others = filled(1000, 11), filled(1000, 12), filled(1000, 11, part=1)
    for other in others:
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.1


def test_bits_stay_what_they_are():
    """The stream of SFC64 is fixed by NumPy: phantoms and renderings of the past come out again."""
    assert random_bits(7, 2, 5).tolist() == [52488, 60302, 15158, 13643, 54556]
