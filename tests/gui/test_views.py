"""Coronal and sagittal slices stand upright; axial slices and 3D views are not mirrored."""

from __future__ import annotations

import pytest

from napari_medsynth.widgets.layers import image_layer_data
from napari_medsynth.widgets.views import keep_upright


@pytest.mark.parametrize(
    ("order", "ndisplay", "vertical"),
    [((0, 1, 2), 2, "down"), ((1, 0, 2), 2, "up"), ((2, 0, 1), 2, "up"), ((1, 0, 2), 3, "down")],
)
@pytest.mark.parametrize("first", [True, False], ids=["layer first", "layer later"])
def test_the_head_is_up_where_z_is_vertical(viewer, ct, order, ndisplay, vertical, first):
    data, kwargs, _ = image_layer_data(ct, name="scan")
    if first:
        viewer.add_image(data, **kwargs)
    keep_upright(viewer)
    if not first:
        viewer.add_image(data, **kwargs)
    viewer.dims.order = order
    viewer.dims.ndisplay = ndisplay
    assert viewer.scene.camera.orientation2d == (vertical, "right")
    viewer.dims.ndisplay, viewer.dims.order = 2, (0, 1, 2)
    assert viewer.scene.camera.orientation2d == ("down", "right")


def test_pictures_without_a_z_axis_are_left_alone(viewer):
    import numpy as np

    viewer.add_image(np.zeros((3, 4, 5)))
    keep_upright(viewer)
    viewer.dims.order = (1, 0, 2)
    assert viewer.scene.camera.orientation2d == ("down", "right")
