"""Smooth fields from coarse grids, slab by slab."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from napari_medsynth.core.box import Box
from napari_medsynth.rendering.fields import SmoothField

SHAPES = [((5, 6, 7), (61, 37, 45)), ((1, 4, 3), (1, 40, 31)), ((1, 1, 2), (7, 5, 9)), ((9, 8, 3), (5, 4, 3))]


@pytest.fixture
def threads():
    """Sets how many threads PyTorch uses, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def nodes_of(counts, fields=2):
    return torch.from_numpy(np.random.default_rng(0).standard_normal((fields, *counts)).astype(np.float32))


@pytest.mark.parametrize(("counts", "shape"), SHAPES)
def test_it_is_linear_between_nodes_whose_corners_are_the_corners(counts, shape):
    nodes = nodes_of(counts)
    expected = functional.interpolate(nodes[None], shape, mode="trilinear", align_corners=True)[0]
    found = SmoothField(nodes, shape).slab(0, shape[0])
    assert found.shape == (2, *shape)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("counts", "shape"), SHAPES)
def test_a_slab_of_a_window_has_the_bits_of_the_whole(counts, shape):
    nodes = nodes_of(counts)
    whole = SmoothField(nodes, shape).slab(0, shape[0])
    box = Box(tuple(n // 3 for n in shape), tuple(n // 3 + (n + 1) // 2 for n in shape))
    part = SmoothField(nodes, shape, window=box)
    assert part.shape == box.shape
    for start in range(0, box.shape[0], 2):
        stop = min(start + 2, box.shape[0])
        expected = whole[(slice(None), *box.slices)][:, start:stop]
        assert torch.equal(part.slab(start, stop), expected)


@pytest.mark.parametrize("shape", [(64, 96, 100), (33, 61, 77)])
def test_its_bits_are_the_same_for_any_number_of_threads(shape, threads):
    made = []
    for count in (1, 2, 3, 5):
        threads(count)
        made.append(SmoothField(nodes_of((3, 11, 9)), shape).slab(0, shape[0]))
    assert all(torch.equal(made[0], other) for other in made[1:])


def test_a_slab_can_be_written_into_memory_that_is_there():
    field = SmoothField(nodes_of((3, 4, 5)), (9, 10, 11))
    room = torch.full((2, 4, 10, 11), torch.nan)
    assert field.slab(2, 6, out=room) is room
    assert torch.equal(room, field.slab(2, 6))
