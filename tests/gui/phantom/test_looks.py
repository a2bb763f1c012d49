"""How the layers of a body look: names, colours, window, volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Layer

from napari_medsynth.core.case import Case
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.widgets.layers import history_of, labels_of, volume_of
from napari_medsynth.widgets.phantom.looks import SOFT_TISSUE, phantom_layers

from .conftest import SMALL


def made(anatomy):
    case = replace(SMALL, anatomy=anatomy)(Case(id="phantom"), seed=1)
    return case, [Layer.create(*data) for data in phantom_layers(case, catalogue(anatomy))]


@pytest.mark.parametrize("anatomy", ["classic", "torso"])
def test_layers_hold_the_case_in_millimetres_with_its_history(anatomy):
    case, (image, labels) = made(anatomy)
    assert [image.name, labels.name] == ["phantom", "phantom labels"]
    for layer in (image, labels):
        assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
        assert layer.axis_labels == ("z", "y", "x")
        np.testing.assert_allclose(layer.scale, case.image.spacing)
        assert history_of(layer) == case.history
    assert volume_of(image).same_grid(case.image)
    np.testing.assert_array_equal(labels_of(labels).array, case.labels.array)
    assert labels_of(labels).table == case.labels.table


@pytest.mark.parametrize(("anatomy", "window"), [("classic", (0, 255)), ("torso", SOFT_TISSUE)])
def test_the_window_suits_the_anatomy(anatomy, window):
    _, (image, _) = made(anatomy)
    assert tuple(image.contrast_limits) == window


def test_structures_have_the_colours_of_the_catalogue_and_context_has_none():
    case, (_, labels) = made("classic")
    for structure in catalogue("classic").structures:
        colour = labels.get_color(structure.label.value)
        if structure.target:
            np.testing.assert_allclose(colour, (*structure.label.colour, 1), atol=1e-6)
        else:
            assert colour is None or colour[3] == 0
    assert case.labels.table.values_of(name="body")


@pytest.mark.parametrize("anatomy", ["classic", "torso"])
def test_each_structure_has_its_volume(anatomy):
    case, (_, labels) = made(anatomy)
    features = labels.features
    assert tuple(features["index"]) == case.labels.values()
    for value, name, volume in zip(features["index"], features["name"], features["volume_mL"], strict=True):
        assert name == case.labels.table[value].name
        assert volume == pytest.approx((case.labels.array == value).sum() * case.labels.voxel_ml, abs=1e-3)
