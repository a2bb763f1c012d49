"""The preview's layer: where the slice is, in place of the last one, and never a person's own."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.widgets.previews import is_preview
from napari_medsynth.widgets.rendering.preview import Preview

from .conftest import add, head

RAMP = np.linspace(0, 1, 40 * 32, dtype=np.float32).reshape(1, 40, 32)


@pytest.fixture
def under(viewer):
    return add(viewer, head())


@pytest.fixture
def preview(viewer):
    return Preview(viewer)


def test_a_slice_lies_where_that_slice_of_the_labels_lies(viewer, preview, under):
    preview.show(RAMP, (7, 0, 0), under)
    layer = preview.layer
    assert is_preview(layer)
    np.testing.assert_allclose(layer.data_to_world((0, 3, 4)), under.data_to_world((7, 3, 4)))
    assert layer.units == under.units
    assert layer.axis_labels == under.axis_labels


def test_so_it_does_over_a_layer_that_was_scaled_by_an_affine(viewer, preview):
    under = viewer.add_labels(np.ones((4, 5, 6), np.uint8), scale=(2, 1, 1), affine=np.diag([3, 3, 3, 1.0]))
    preview.show(np.zeros((4, 1, 6), np.float32), (0, 2, 0), under)
    np.testing.assert_allclose(preview.layer.data_to_world((1, 0, 5)), under.data_to_world((1, 2, 5)))


def test_the_next_slice_takes_its_place_in_the_same_layer(viewer, preview, under):
    preview.show(RAMP, (7, 0, 0), under)
    layer = preview.layer
    viewer.dims.set_point(0, under.data_to_world((9, 0, 0))[0])
    before = viewer.dims.point
    preview.show(RAMP[:, ::2].copy(), (9, 0, 0), under)
    preview.show(np.zeros((24, 1, 32), np.float32), (0, 5, 0), under)
    assert preview.layer is layer
    assert viewer.dims.point == before
    np.testing.assert_allclose(layer.data_to_world((1, 0, 0)), under.data_to_world((1, 5, 0)))


def test_its_window_follows_until_a_person_sets_one(preview, under):
    preview.show(RAMP, (7, 0, 0), under)
    assert preview.layer.contrast_limits == pytest.approx([0.005, 0.998], abs=0.01)
    preview.show(2 * RAMP, (7, 0, 0), under)
    assert preview.layer.contrast_limits[1] == pytest.approx(2, rel=0.01)
    preview.layer.contrast_limits = (0.2, 0.4)
    preview.show(RAMP, (7, 0, 0), under)
    assert tuple(preview.layer.contrast_limits) == (0.2, 0.4)


def test_ct_is_shown_in_its_window(preview, under):
    preview.show(1000 * RAMP, (7, 0, 0), under, "CT")
    assert tuple(preview.layer.contrast_limits) == (-160, 240)


def test_a_persons_layers_stay_and_stay_selected(viewer, preview, under):
    mine = viewer.add_image(np.zeros((3, 4, 5)), name="render (preview)")
    preview.show(RAMP, (0, 0, 0), under)
    assert viewer.layers.selection.active is mine
    assert preview.layer.name == "render (preview) 2"
    preview.remove()
    assert list(viewer.layers) == [under, mine]


def test_one_that_a_person_deleted_comes_back(viewer, preview, under):
    preview.show(RAMP, (0, 0, 0), under)
    viewer.layers.remove(preview.layer)
    preview.show(RAMP, (0, 0, 0), under)
    assert preview.layer in viewer.layers
