"""Noise has the distribution that its name says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.artefacts.noise import Noise
from napari_medsynth.rendering.lattice import Lattice

SHAPE = (40, 64, 64)
LATTICE = Lattice(SHAPE, (1.0, 1.0, 1.0))
SIGMA = 0.03


def noisy(level, seed=1, **settings):
    noise = Noise(std=(SIGMA, SIGMA), **settings)
    return noise.apply(torch.full(SHAPE, float(level)), noise.draw(LATTICE, stream(seed)), LATTICE).numpy()


def test_gaussian_noise_is_normal_of_its_standard_deviation_around_the_image():
    found = noisy(0.4) - 0.4
    assert found.std() == pytest.approx(SIGMA, rel=0.01)
    assert abs(found.mean()) < 4 * SIGMA / math.sqrt(found.size)
    assert stats.kstest(found.ravel()[::17], "norm", (0, SIGMA)).pvalue > 1e-3


def test_parts_that_are_made_side_by_side_differ():
    lattice = Lattice((6, 700, 800), (1.0, 1.0, 1.0))  # a slice is a part
    noise = Noise(std=(SIGMA, SIGMA))
    found = noise.apply(torch.zeros(lattice.shape), noise.draw(lattice, stream(1)), lattice).reshape(6, -1).numpy()
    alike = np.corrcoef(found)
    assert np.abs(alike - np.eye(6)).max() < 0.01


def test_neighbouring_voxels_have_nothing_in_common():
    found = noisy(0.4) - 0.4
    for axis in range(3):
        for far in (1, 32):
            near = np.roll(found, far, axis)
            assert abs(np.mean(found * near)) < 5 * SIGMA**2 / math.sqrt(found.size)


def test_rician_noise_without_signal_has_the_mean_of_rayleigh():
    found = noisy(0, kind="rician")
    assert found.mean() == pytest.approx(SIGMA * math.sqrt(math.pi / 2), rel=0.005)
    assert found.std() == pytest.approx(SIGMA * math.sqrt(2 - math.pi / 2), rel=0.01)


@pytest.mark.parametrize("level", [0.0, 0.03, 0.1, 0.5])
def test_rician_noise_is_that_of_scipy_at_any_level(level):
    found = noisy(level, kind="rician").ravel()[::17]
    assert stats.kstest(found, "rice", (level / SIGMA, 0, SIGMA)).pvalue > 1e-3


@pytest.mark.parametrize("coils", [1, 2, 4, 32])
@pytest.mark.parametrize("level", [0.0, 0.05, 0.4])
def test_noise_of_several_coils_is_non_central_chi(coils, level):
    """The square over sigma² has 2n degrees of freedom (Constantinides 1997)."""
    found = noisy(level, kind="chi", coils=coils).ravel()[::17]
    square = (found / SIGMA) ** 2
    assert stats.kstest(square, "ncx2", (2 * coils, (level / SIGMA) ** 2)).pvalue > 1e-3


def test_the_background_of_many_coils_is_as_bright_as_published():
    """Constantinides 1997: sigma sqrt(pi/2) (2n-1)!! / (2^(n-1) (n-1)!), which is 2.74 sigma for four coils."""
    assert noisy(0, kind="chi", coils=4).mean() / SIGMA == pytest.approx(2.742, abs=0.01)


def test_where_signal_is_strong_all_kinds_are_alike():
    spread = [noisy(2.0, kind=kind).std() for kind in ("gaussian", "rician", "chi")]
    assert spread == pytest.approx([SIGMA] * 3, rel=0.02)


def test_parallel_imaging_makes_it_stronger_in_the_middle_along_the_phase_axis():
    noise = Noise(std=(SIGMA, SIGMA), g_factor=3.0)
    params = {**noise.draw(LATTICE, stream(1)), "swap": False}
    found = noise.apply(torch.zeros(SHAPE), params, LATTICE).numpy()
    assert found[:, 31:33].std() == pytest.approx(3 * SIGMA, rel=0.03)
    assert found[:, [0, 63]].std() == pytest.approx(SIGMA, rel=0.03)
    assert found[:, :, [0, 63]].std() == pytest.approx(found.std(), rel=0.03)


@pytest.mark.parametrize("kind", ["gaussian", "rician", "chi"])
def test_the_phase_axis_may_be_the_first_one(kind):
    lattice = Lattice((90, 128, 128), (1.0, 4.0, 1.0))
    noise = Noise(std=(SIGMA, SIGMA), g_factor=2.0, kind=kind)
    params = {**noise.draw(lattice, stream(1)), "swap": False}
    found = noise.apply(torch.full(lattice.shape, 1.0), params, lattice).numpy()
    assert found[44:46].std() == pytest.approx(2 * SIGMA, rel=0.03)
    assert found[[0, 89]].std() == pytest.approx(SIGMA, rel=0.03)


def test_in_ct_the_noise_is_added_in_hounsfield_units():
    noise = Noise(std=(12.0, 12.0))
    image = torch.full(SHAPE, 50.0)
    image[:, :, :10] = -1000
    found = noise.apply(image.clone(), noise.draw(LATTICE, stream(1)), LATTICE) - image
    assert float(found.std()) == pytest.approx(12, rel=0.01)
    assert float(found[:, :, :10].mean()) == pytest.approx(0, abs=0.5)


def test_the_standard_deviation_is_drawn_between_its_ends():
    noise = Noise(std=(0.02, 0.04))
    stds = [noise.draw(LATTICE, stream(n))["std"] for n in range(300)]
    assert 0.02 <= min(stds) < 0.021
    assert 0.039 < max(stds) <= 0.04


def test_the_low_end_comes_first():
    with pytest.raises(ConfigError, match=r"Noise.std is \(0.2, 0.1\); expected the low end first"):
        Noise(std=(0.2, 0.1))
