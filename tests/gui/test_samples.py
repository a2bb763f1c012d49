"""Sample data: complete, reproducible, and made beside the viewer when asked for from a menu."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from napari_medsynth.widgets import preferences, samples
from napari_medsynth.widgets.layers import labels_of, volume_of


@pytest.fixture(scope="module")
def made():
    return {"thorax": samples.thorax(), "healthy": samples.healthy_thorax()}


def test_a_chest_with_tumors_has_three_layers_on_one_grid(made):
    layers = [Layer.create(*data) for data in made["thorax"]]
    assert [layer.name for layer in layers] == ["thorax", "thorax labels", "thorax instances"]
    assert len({layer.data.shape for layer in layers}) == 1
    assert labels_of(layers[2]).values() == (1, 2)


def test_a_healthy_chest_has_no_tumor(made):
    layers = [Layer.create(*data) for data in made["healthy"]]
    assert [layer.name for layer in layers] == ["thorax-healthy", "thorax-healthy labels"]
    table = labels_of(layers[1]).table
    assert not set(table.values_of(tissue="lesion")) & set(labels_of(layers[1]).values())


@pytest.fixture(scope="module")
def torsos():
    return {make.__name__: make() for make in (samples.abdomen, samples.lumbar_spine, samples.nephrectomy)}


@pytest.mark.parametrize("sample", ["abdomen", "lumbar_spine", "nephrectomy"])
def test_a_torso_is_a_ct_with_named_structures_on_one_grid(torsos, sample):
    image, labels = (Layer.create(*data) for data in torsos[sample])
    assert [image.name, labels.name] == [sample.replace("_", "-"), f"{sample.replace('_', '-')} labels"]
    assert image.data.shape == labels.data.shape
    assert volume_of(image).modality == "CT"
    assert set(labels.features["name"]) >= {"L1", "L2", "L3", "L4", "L5"}
    assert (labels.features["volume_mL"] > 0).all()


def test_after_a_nephrectomy_only_the_right_kidney_is_left(torsos):
    def kidneys(sample):
        return {name for name in torsos[sample][1][1]["features"]["name"] if "kidney" in name}

    assert {name.partition("_")[0] for name in kidneys("abdomen")} == {"left", "right"}
    assert {name.partition("_")[0] for name in kidneys("nephrectomy")} == {"right"}


def test_a_new_chest_is_added_beside_what_is_there(qtbot, viewer, made, monkeypatch):
    monkeypatch.setattr(samples, "_thorax", lambda seed, tumors: made["healthy"])
    for expected in (2, 4):
        samples.new_healthy_thorax(viewer)
        qtbot.waitUntil(lambda expected=expected: len(viewer.layers) == expected)
    assert [layer.name for layer in viewer.layers][2:] == ["thorax-healthy 2", "thorax-healthy labels 2"]


class TestPreferences:
    def test_they_start_with_what_the_manifest_says(self, plugin_settings, medsynth_plugin):
        assert preferences.default_seed() == 0
        assert preferences.library_folder().name == "medsynth-seeds"

    def test_what_the_user_sets_is_used(self, plugin_settings, medsynth_plugin, tmp_path):
        from napari.settings import get_plugin_settings

        settings = get_plugin_settings("napari-medsynth")
        settings.tumors.default_seed = 7
        settings.tumors.library_folder = str(tmp_path)
        assert preferences.default_seed() == 7
        assert preferences.library_folder() == tmp_path

    def test_without_napari_knowing_the_plugin_there_are_defaults(self, plugin_settings, npe2pm):
        assert preferences.default_seed() == 0


def test_the_seed_of_the_preferences_makes_the_sample(monkeypatch, made):
    monkeypatch.setattr(samples, "default_seed", lambda: 3)
    assert not np.array_equal(samples.thorax()[0][0], made["thorax"][0][0])
