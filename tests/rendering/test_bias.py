"""The bias field."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.box import Box
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.rendering.bias import BiasField, log_field
from napari_medsynth.rendering.lattice import Lattice

CPU = torch.device("cpu")
CUBE = Lattice((40, 80, 160), (1.0, 1.0, 1.0))


def field(params, lattice=CUBE, window=None):
    made = log_field(params, lattice, CPU, window)
    return made.slab(0, made.shape[0])[0].numpy()


def test_its_strength_is_drawn_up_to_the_published_one():
    rng = np.random.default_rng(3)
    stds = [BiasField().draw(CUBE, rng)["std"] for _ in range(400)]
    assert 0 <= min(stds) < 0.02
    assert 0.68 < max(stds) <= 0.7


def test_it_happens_in_nineteen_of_twenty_images():
    happens = [BiasField().decide(CUBE, seed) is not None for seed in range(600)]
    assert np.mean(happens) == pytest.approx(0.95, abs=0.03)


def test_there_is_a_node_for_every_forty_voxels_and_two_at_least():
    rng = np.random.default_rng(3)
    assert BiasField().draw(CUBE, rng)["nodes"] == [2, 2, 4]
    assert BiasField().draw(Lattice((1, 256, 200), (1.0, 1.0, 1.0)), rng)["nodes"] == [1, 7, 5]


def test_it_has_the_drawn_standard_deviation_at_its_nodes():
    lattice = Lattice((20, 20, 20), (1.0, 1.0, 1.0))
    values = field({"std": 0.4, "nodes": [20, 20, 20], "seed": 5}, lattice)
    assert values.std() == pytest.approx(0.4, rel=0.03)
    assert values.mean() == pytest.approx(0, abs=0.02)


def test_it_is_linear_between_nodes():
    lattice = Lattice((1, 1, 9), (1.0, 1.0, 1.0))
    values = field({"std": 1.0, "nodes": [1, 1, 3], "seed": 5}, lattice)[0, 0]
    assert np.diff(values, 2)[[0, 1, 2, 4, 5, 6]] == pytest.approx(0, abs=1e-6)
    assert abs(np.diff(values, 2)[3]) > 1e-3


def test_a_window_sees_the_field_as_it_is_there():
    params = BiasField().draw(CUBE, np.random.default_rng(3))
    box = Box((3, 10, 50), (7, 40, 90))
    assert np.array_equal(field(params, window=box), field(params)[box.slices])


def test_an_interval_says_its_low_end_first():
    with pytest.raises(ConfigError, match=r"BiasField\.std is \(0\.7, 0\.1\)"):
        BiasField(std=(0.7, 0.1))
