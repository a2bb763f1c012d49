"""Coronal and sagittal slices stand upright; axial slices and 3D views are not mirrored."""

from __future__ import annotations

from itertools import permutations

import numpy as np
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


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_patient_in_3d_is_not_mirrored(viewer, ct, order):
    """To the right, up and towards us is right-handed, and so is RAS: axes on the screen must be as in the patient."""
    data, kwargs, _ = image_layer_data(ct, name="scan")
    viewer.add_image(data, **kwargs)
    keep_upright(viewer)
    viewer.dims.ndisplay = 3
    viewer.dims.order = order
    depth, vertical, horizontal = viewer.scene.camera.orientation
    signs = {"towards": 1, "away": -1, "up": 1, "down": -1, "right": 1, "left": -1}
    on_screen = np.zeros((3, 3))  # of each axis of the array: how it runs to the right, up and towards us
    on_screen[order[0], 2], on_screen[order[1], 1], on_screen[order[2], 0] = (
        signs[depth],
        signs[vertical],
        signs[horizontal],
    )
    in_patient = np.array([[0, 0, 1], [0, -1, 0], [-1, 0, 0]])  # "SPL" in RAS
    assert np.linalg.det(on_screen) == pytest.approx(np.linalg.det(in_patient))


def test_pictures_without_a_z_axis_are_left_alone(viewer):
    viewer.add_image(np.zeros((3, 4, 5)))
    keep_upright(viewer)
    viewer.dims.order = (1, 0, 2)
    assert viewer.scene.camera.orientation2d == ("down", "right")
    viewer.dims.ndisplay = 3
    assert viewer.scene.camera.orientation[0] == "towards"
