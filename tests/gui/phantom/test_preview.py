"""The preview's layers: replaced as a pair, and never a person's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.widgets.phantom.made import made_small
from napari_medsynth.widgets.phantom.preview import Preview
from napari_medsynth.widgets.previews import is_preview

from .conftest import SMALL


@pytest.fixture
def preview(viewer):
    return Preview(viewer)


def body(seed=0, **changes):
    return made_small(replace(SMALL, **changes), seed)


def test_a_body_is_shown_where_it_lies(viewer, preview):
    made = body()
    preview.show(made)
    image, labels = viewer.layers
    assert is_preview(image)
    assert is_preview(labels)
    np.testing.assert_array_equal(image.data, made.case.image.array)
    np.testing.assert_array_equal(labels.data, made.case.labels.array)
    np.testing.assert_allclose(image.scale, made.case.image.spacing)
    assert list(labels.features["name"])[:2] == ["left_lung", "right_lung"]


def test_the_next_body_replaces_the_voxels_of_the_same_layers(viewer, preview):
    preview.show(body(0))
    before = tuple(viewer.layers)
    made = body(1, image_size=(20, 18, 22), region="thorax")
    preview.show(made)
    assert tuple(viewer.layers) == before
    for layer, grid in zip(viewer.layers, (made.case.image, made.case.labels), strict=True):
        np.testing.assert_array_equal(layer.data, grid.array)
        np.testing.assert_allclose(layer.scale, grid.spacing)
    np.testing.assert_allclose(
        np.diff(viewer.layers[0].extent.world, axis=0)[0], (np.array([20, 18, 22]) - 1) * grid.spacing
    )


def test_a_persons_layers_of_the_same_name_stay(viewer, preview):
    own = np.arange(60.0).reshape(3, 4, 5)
    mine = viewer.add_image(own, name="image (preview)")
    preview.show(body())
    preview.show(body(1))
    assert [layer.name for layer in viewer.layers] == ["image (preview)", "image (preview) 2", "labels (preview)"]
    assert mine.data is own
    assert viewer.layers.selection.active is mine
    preview.remove()
    assert list(viewer.layers) == [mine]


def test_how_a_person_shows_it_stays_until_the_anatomy_changes(viewer, preview):
    preview.show(body())
    image, labels = viewer.layers
    image.contrast_limits, labels.opacity = (10, 90), 0.9
    preview.show(body(1))
    assert tuple(image.contrast_limits) == (10, 90)
    assert labels.opacity == 0.9
    preview.show(body(1, anatomy="torso"))
    assert tuple(image.contrast_limits) == (-160, 240)
    assert "liver" in set(labels.features["name"])
    assert labels.get_color(1)[3] == pytest.approx(1)


def test_a_preview_that_a_person_deleted_comes_back_whole(viewer, preview):
    preview.show(body())
    del viewer.layers[0]
    preview.show(body(1))
    assert len(viewer.layers) == 2
    assert all(is_preview(layer) for layer in viewer.layers)


class TestView:
    def test_another_region_is_brought_into_view(self, viewer, preview):
        preview.show(body())
        zoom = viewer.scene.camera.zoom
        preview.show(body(region="lumbar spine"))
        assert viewer.scene.camera.zoom > 1.2 * zoom
        middle = viewer.layers[0].extent.world.mean(axis=0)
        assert abs(viewer.dims.point[0] - middle[0]) <= viewer.layers[0].scale[0]

    def test_another_size_of_the_same_region_leaves_the_view(self, viewer, preview):
        preview.show(body())
        viewer.scene.camera.zoom = 3.0
        preview.show(body(image_size=(30, 30, 30)))
        assert viewer.scene.camera.zoom == 3.0

    def test_a_view_upon_other_layers_is_left(self, viewer, preview):
        viewer.add_image(np.zeros((30, 40, 50)))
        preview.show(body())
        viewer.scene.camera.zoom = 3.0
        preview.show(body(region="lumbar spine"))
        assert viewer.scene.camera.zoom == 3.0
