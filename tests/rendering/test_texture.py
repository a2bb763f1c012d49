"""What is drawn for the variation inside classes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.texture import Texture

LATTICE = Lattice((4, 4, 4), (1.0, 1.0, 1.0))


def test_widths_are_drawn_from_their_ranges():
    rng = np.random.default_rng(3)
    params = [Texture(fwhm=(2, 3), partial_volume=(0.5, 1)).draw(LATTICE, rng) for _ in range(200)]
    assert 2 <= min(p["fwhm"] for p in params) < 2.05
    assert 2.95 < max(p["fwhm"] for p in params) <= 3
    assert 0.5 <= min(p["partial_volume"] for p in params) <= max(p["partial_volume"] for p in params) <= 1
    assert len({p["seed"] for p in params}) == 200


def test_classes_do_not_mix_unless_asked():
    assert Texture().draw(LATTICE, np.random.default_rng(3))["partial_volume"] == 0


@pytest.mark.parametrize("name", ["share", "fwhm", "partial_volume"])
def test_an_interval_says_its_low_end_first(name):
    with pytest.raises(ConfigError, match=rf"Texture\.{name} is \(0\.9, 0\.2\)"):
        Texture(**{name: (0.9, 0.2)})
