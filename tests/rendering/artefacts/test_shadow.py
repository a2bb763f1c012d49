"""Shadows lie below what attenuates, enhancement below what does not."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from napari_medsynth.rendering.artefacts.shadow import Shadow
from napari_medsynth.rendering.lattice import Lattice

LATTICE = Lattice((1, 200, 300), (0.2, 0.2, 0.2))
Y, X = (np.arange(n)[:, None] if n == 200 else np.arange(n) for n in (200, 300))


def taken(image, strength=1.0, shadows=(), lattice=LATTICE):
    params = {"strength": strength, "shadows": [list(s) for s in shadows], "white": None}
    before = torch.from_numpy(np.broadcast_to(image, lattice.shape).astype(np.float32).copy())
    return (Shadow.apply(before.clone(), params, lattice) / before.clamp(min=1e-6)).numpy()


def tissue():
    return np.full((200, 300), 0.4)


def test_even_tissue_stays_as_it_is():
    np.testing.assert_allclose(taken(tissue()), 1, atol=1e-5)


def test_layers_across_the_beam_cast_no_shadow():
    image = tissue()
    image[20:50] = 0.9
    np.testing.assert_allclose(taken(image), 1, atol=1e-4)


def test_below_a_calcification_it_is_dark_and_the_calcification_is_not():
    image = tissue()
    image[60:68, 100:125] = 1
    found = taken(image)[0]
    assert found[120:, 108:118].max() < 0.3
    assert found[60:68, 100:125].min() > 0.8
    np.testing.assert_allclose(found[:50], 1, atol=0.02)
    np.testing.assert_allclose(found[:, 200:], 1, atol=0.02)


def test_below_a_cyst_it_is_bright_and_below_its_sides_dark():
    image = tissue()
    image[((Y - 80) / 40) ** 2 + ((X - 150) / 40) ** 2 < 1] = 0.03
    found = taken(image)[0]
    assert found[140:, 140:160].min() > 1.3
    assert found[140:, 105:115].mean() < 0.8
    assert found[140:, 185:195].mean() < 0.8
    np.testing.assert_allclose(found[:, 250:], 1, atol=0.05)


def test_uneven_tissue_has_no_calcifications():
    """What is a little brighter than the rest casts no line."""
    grain = np.random.default_rng(3).normal(size=(200, 300))
    uneven = gaussian_filter(grain, 8)
    found = taken(0.4 + 0.1 * uneven / uneven.std())[0]
    assert np.abs(np.diff(found[150])).max() < 0.1


def test_white_is_the_brightest_value_of_a_display():
    image = tissue()
    image[((Y - 80) / 40) ** 2 + ((X - 150) / 40) ** 2 < 1] = 0.03
    for white, brightest in ((0.5, 0.5), (None, 0.6)):
        before = torch.from_numpy(image[None].astype(np.float32))
        found = Shadow.apply(before, {"strength": 1.0, "shadows": [], "white": white}, LATTICE)
        assert float(found[0, 140:, 140:160].max()) >= brightest
        assert white is None or float(found.max()) == white


def test_shadows_have_soft_edges():
    image = tissue()
    image[60:68, 100:125] = 1
    row = taken(image)[0, 150]
    assert np.abs(np.diff(row)).max() < 0.25


def test_a_drawn_shadow_lies_where_it_was_drawn():
    found = taken(tissue(), shadows=[(0.5, 0.4, 0.5, 6.0)])[0]
    assert found[120:, 148:153].max() < 0.1
    assert found[:60].min() > 0.99
    dark = np.flatnonzero(found[150] < np.exp(-1.5))
    assert 25 <= len(dark) <= 45
    assert abs(dark.mean() - 149.5) < 1


def test_in_an_image_wider_than_a_probe_sees_shadows_are_wider():
    """Where the size of pixels is unknown it is read as 1 mm, and 500 of them are no half metre."""
    shadows = [(0.5, 0.4, 0.5, 6.0)]
    np.testing.assert_allclose(
        taken(tissue(), shadows=shadows, lattice=Lattice((1, 200, 300), (1.0, 1.0, 1.0))),
        taken(tissue(), shadows=shadows, lattice=Lattice((1, 200, 300), (1 / 3, 1 / 3, 1 / 3))),
        rtol=1e-4,
    )


def test_a_drawn_shadow_ends_across_the_slices_too():
    lattice = Lattice((60, 60, 60), (1.0, 1.0, 1.0))
    found = taken(np.full((60, 60, 60), 0.4), shadows=[(0.2, 0.3, 0.5, 8.0)], lattice=lattice)
    assert found[12, 50, 30] < 0.1
    assert found[45, 50, 30] > 0.95


def test_strength_is_a_power_of_what_comes_back():
    shadows = [(0.5, 0.4, 0.5, 6.0)]
    full, half = taken(tissue(), 1.0, shadows), taken(tissue(), 0.5, shadows)
    np.testing.assert_allclose(half, np.sqrt(full), atol=0.05)


def test_speckle_alone_casts_hardly_any_shadow():
    image = tissue() * np.random.default_rng(0).rayleigh(0.8, (200, 300))
    found = taken(np.maximum(image, 0.01))
    assert found.std() < 0.12
