"""Noise on the device where an image is made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.noise import fill_normal
from napari_medsynth.rendering.random import NormalNoise, fill_on_device, normal_nodes

CPU = torch.device("cpu")


def test_noise_of_a_cpu_is_that_of_the_core():
    out, expected = torch.empty(3, 5, 7), np.empty((3, 5, 7), dtype=np.float32)
    NormalNoise(7, CPU).fill(4, out, torch.empty(200, dtype=torch.int32))
    fill_normal(expected, 7, 4)
    assert np.array_equal(out.numpy(), expected)


def test_nodes_are_the_same_numbers_on_every_device():
    expected = np.empty((1, 2, 3, 4), dtype=np.float32)
    fill_normal(expected, 5)
    assert np.array_equal(normal_nodes(5, (1, 2, 3, 4), CPU).numpy(), expected)


def test_a_device_makes_the_same_noise_again_and_other_noise_for_other_parts():
    first, again, other = (torch.empty(50_000) for _ in range(3))
    fill_on_device(7, 1, first)
    fill_on_device(7, 1, again)
    fill_on_device(7, 2, other)
    assert torch.equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.02
    assert float(first.std()) == pytest.approx(1, abs=0.02)


def test_noise_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    fill_on_device(7, 1, torch.empty(10))
    NormalNoise(7, CPU).fill(0, torch.empty(10), torch.empty(10, dtype=torch.int32))
    assert torch.equal(before, torch.get_rng_state())
