"""Which slice is looked at, in every plane, at every scale, beside layers of more dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.widgets.rendering.where import Where, looked_at

SHAPE = (10, 20, 30)


@pytest.fixture
def layer(viewer):
    return viewer.add_labels(np.zeros(SHAPE, np.uint8), scale=(3, 2, 1), translate=(100, 0, -50))


@pytest.mark.parametrize(("order", "axis"), [((0, 1, 2), 0), ((1, 0, 2), 1), ((2, 0, 1), 2), ((1, 2, 0), 1)])
def test_the_plane_and_the_slider_say_which(viewer, layer, order, axis):
    viewer.dims.order = order
    index = SHAPE[axis] // 3
    viewer.dims.set_point(axis, layer.translate[axis] + layer.scale[axis] * index)
    assert looked_at(viewer, layer, SHAPE) == Where(axis, index)


def test_beside_the_layer_there_is_none(viewer, layer):
    viewer.add_image(np.zeros((200, 4, 4)))
    viewer.dims.set_point(0, 60)
    assert looked_at(viewer, layer, SHAPE) is None


def test_in_3d_there_is_none(viewer, layer):
    viewer.dims.ndisplay = 3
    assert looked_at(viewer, layer, SHAPE) is None


def test_a_layer_of_more_dimensions_does_not_matter(viewer, layer):
    viewer.add_image(np.zeros((5, 2, 2, 2)))
    viewer.dims.set_point(1, 100 + 3 * 4)
    assert looked_at(viewer, layer, SHAPE) == Where(0, 4)


def test_a_2d_layer_is_its_only_slice(viewer):
    flat = viewer.add_labels(np.zeros((20, 30), np.uint8))
    assert looked_at(viewer, flat, (20, 30)) == Where(0, 0)


def test_the_box_around_a_slice_ends_with_the_array():
    assert Where(1, 1).box(SHAPE).shape == (10, 1, 30)
    assert Where(1, 1).box(SHAPE, 5).slices == (slice(0, 10), slice(0, 7), slice(0, 30))
