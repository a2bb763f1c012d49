"""Range and gamma."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.rendering.intensity import Adjustment, Intensity
from napari_medsynth.rendering.lattice import Lattice

LATTICE = Lattice((4, 4, 4), (1.0, 1.0, 1.0))
IMAGE = torch.tensor([-20.0, 0.0, 100.0, 250.0, 300.0, 420.0])


def drawn(**changes):
    return {"clip": [0.0, 300.0], "normalise": True, "gamma": 1.0, "invert": False, **changes}


def adjusted(params, image=IMAGE):
    part = image.clone()
    Adjustment(params, float(image.min()), float(image.max()))(part)
    return part.tolist()


def test_the_exponents_logarithm_is_normal_with_half_a_unit():
    rng = np.random.default_rng(3)
    logs = np.log([Intensity().draw(LATTICE, rng)["gamma"] for _ in range(2000)])
    assert logs.mean() == pytest.approx(0, abs=0.04)
    assert logs.std() == pytest.approx(0.5, abs=0.03)


def test_it_never_turns_the_range_around_unless_asked():
    rng = np.random.default_rng(3)
    assert not any(Intensity().draw(LATTICE, rng)["invert"] for _ in range(100))
    assert all(Intensity(invert=1).draw(LATTICE, rng)["invert"] for _ in range(100))


def test_values_are_clipped_and_brought_to_one():
    assert adjusted(drawn()) == pytest.approx([0, 0, 1 / 3, 5 / 6, 1, 1])


def test_without_clipping_the_whole_range_is_brought_to_one():
    assert adjusted(drawn(clip=None)) == pytest.approx([(v + 20) / 440 for v in IMAGE.tolist()])


def test_an_image_inside_the_clip_reaches_zero_and_one():
    assert adjusted(drawn(), torch.tensor([50.0, 150.0, 250.0])) == pytest.approx([0, 0.5, 1])


def test_gamma_is_a_power_and_keeps_the_ends():
    found = adjusted(drawn(gamma=1.7))
    assert found == pytest.approx([0, 0, (1 / 3) ** 1.7, (5 / 6) ** 1.7, 1, 1], abs=1e-6)


def test_bright_becomes_dark():
    assert adjusted(drawn(invert=True)) == pytest.approx([1, 1, 2 / 3, 1 / 6, 0, 0], abs=1e-6)


def test_the_range_can_stay():
    assert adjusted(drawn(normalise=False)) == [0, 0, 100, 250, 300, 300]
    assert adjusted(drawn(normalise=False, clip=None)) == IMAGE.tolist()


def test_gamma_bends_a_range_that_stays():
    found = adjusted(drawn(normalise=False, gamma=2.0))
    assert found == pytest.approx([0, 0, 300 / 9, 300 * 25 / 36, 300, 300], rel=1e-5)


def test_an_image_of_one_value_is_zero_and_not_nan():
    assert adjusted(drawn(gamma=0.7), torch.full((3,), 80.0)) == [0, 0, 0]
    assert adjusted(drawn(normalise=False), torch.full((3,), 80.0)) == [80, 80, 80]


def test_an_interval_says_its_low_end_first():
    with pytest.raises(ConfigError, match=r"Intensity\.clip is \(300\.0, 0\.0\)"):
        Intensity(clip=(300, 0))
    assert Intensity(clip=None).clip is None
