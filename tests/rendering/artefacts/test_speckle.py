"""Speckle is fully developed, keeps brightness, and has the form of the resolution cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from napari_medsynth import Case, LabelMap, Render
from napari_medsynth.core.affine import Affine
from napari_medsynth.rendering.artefacts.shadow import Shadow
from napari_medsynth.rendering.artefacts.speckle import Speckle
from napari_medsynth.rendering.lattice import Lattice

PARAMS = {"strength": 1.0, "axial": 0.4, "lateral": 1.2, "seed": 7, "white": None}
FINE = Lattice((1, 400, 400), (0.1, 0.1, 0.1))


def speckled(lattice=FINE, level=1.0, **changes):
    return Speckle.apply(torch.full(lattice.shape, level), {**PARAMS, **changes}, lattice).numpy()


def width(image, axis):
    """Full width at half maximum of the autocorrelation, in voxels."""
    image = image - image.mean()
    shares = [np.mean(image * np.roll(image, n, axis)) / np.mean(image**2) for n in range(40)]
    return 2 * np.interp(0.5, shares[::-1], range(39, -1, -1))


def test_the_envelope_has_a_rayleigh_distribution():
    """Burckhardt 1978: its mean is 1.91 of its standard deviation."""
    found = speckled(Lattice((1, 1200, 1200), (0.1, 0.1, 0.1)))
    assert found.mean() / found.std() == pytest.approx(1.913, rel=0.03)
    apart = found[0, ::20, ::40].ravel()
    assert stats.kstest(apart, "rayleigh", (0, np.sqrt(2 / np.pi))).pvalue > 1e-3


@pytest.mark.parametrize("strength", [0.2, 0.5, 1.0])
def test_brightness_stays(strength):
    found = speckled(level=3.0, strength=strength, lateral=0.4)
    assert found.mean() == pytest.approx(3, rel=0.02)


def test_a_display_compresses_it():
    spread = [speckled(strength=s).std() for s in (0.1, 0.3, 0.6, 1.0)]
    assert spread == sorted(spread)
    assert spread[0] < 0.1


def test_it_multiplies():
    np.testing.assert_allclose(speckled(level=5.0), 5 * speckled(level=1.0), rtol=1e-5)


def test_it_is_finer_along_the_beam_than_across():
    """The envelope's correlation is about that of the field squared: as wide as the cell."""
    found = speckled(Lattice((1, 800, 800), (0.1, 0.1, 0.1)))[0]
    assert width(found, 0) == pytest.approx(4, rel=0.25)
    assert width(found, 1) == pytest.approx(12, rel=0.25)


def test_neighbouring_slices_are_alike_as_far_as_a_cell_reaches():
    found = speckled(Lattice((30, 60, 60), (0.4, 0.2, 0.4)))
    found = found - found.mean()
    alike = [float(np.mean(found[: 30 - n] * found[n:]) / np.mean(found**2)) for n in (1, 2, 8)]
    assert alike[0] > 0.5 > alike[1] > 0.1
    assert abs(alike[2]) < 0.05


def test_slices_further_apart_than_a_cell_differ_however_they_are_made():
    found = speckled(Lattice((4, 700, 800), (5.0, 0.2, 0.4)))  # each slice is a part of its own
    alike = np.corrcoef(found.reshape(4, -1))
    assert np.abs(alike - np.eye(4)).max() < 0.03


def test_a_cell_is_never_too_small_to_be_seen():
    found = speckled(Lattice((1, 400, 400), (1.0, 1.0, 1.0)))[0]
    assert width(found, 0) == pytest.approx(1.5, rel=0.3)
    assert width(found, 1) == pytest.approx(4.5, rel=0.3)


def test_white_is_the_brightest_value_of_a_display():
    found = speckled(level=100.0, white=255.0)
    assert found.max() == 255
    assert speckled(level=100.0).max() > 300
    assert speckled(level=-100.0, white=255.0).max() == -100  # no signal


def test_breast_ultrasound_lies_within_0_and_255():
    """Though speckle, and what is too bright below fluid, come after everything else."""
    y, x = np.mgrid[:150, :200]
    labels = LabelMap((np.hypot(y - 50, x - 100) < 30).astype(np.uint8), Affine.from_spacing((0.3, 0.3)))
    shadow = Shadow(strength=(1, 1), count=(0, 0))
    for seed in range(4):
        made = Render(preset="breast-us", shadow=shadow)(Case(id="breast", labels=labels), seed=seed).image.array
        assert made.min() >= 0
        assert made.max() <= 255
        assert made.max() > 200


def test_what_is_black_stays_black():
    assert (speckled(level=0.0) == 0).all()
