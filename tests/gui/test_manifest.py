"""The manifest: valid, whole, and everything in it opens through npe2 and in a real window."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from npe2 import PluginManifest, io_utils
from npe2.manifest.utils import import_python_name

from napari_medsynth.core.case import Case
from napari_medsynth.io import read_case, read_volume, write_case, write_volume
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data

PLUGIN = "napari-medsynth"
MANIFEST = PluginManifest.from_file(str(resources.files("napari_medsynth") / "napari.yaml"))


def test_the_installed_manifest_is_this_one():
    assert PluginManifest.from_distribution(PLUGIN).contributions == MANIFEST.contributions


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda command: command.id)
def test_every_command_can_be_imported(command):
    assert callable(import_python_name(command.python_name))


def test_menu_places_are_ones_that_napari_offers():
    from napari._app_model.constants._menus import is_menu_contributable

    assert all(is_menu_contributable(menu) for menu in MANIFEST.contributions.menus)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "a.v2.nii.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr"])
def test_the_reader_is_offered_for(medsynth_plugin, name):
    assert [r.plugin_name for r in medsynth_plugin.iter_compatible_readers([name])] == [PLUGIN]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.gz"])
def test_the_reader_is_not_offered_for(medsynth_plugin, name):
    assert not list(medsynth_plugin.iter_compatible_readers([name]))


def test_files_and_cases_open_through_npe2(medsynth_plugin, tmp_path, ct, labels):
    write_volume(ct, tmp_path / "scan.nii.gz")
    write_case(Case(id="p1", image=ct, labels=labels), tmp_path / "p1")
    assert [kind for _, _, kind in io_utils.read([tmp_path / "scan.nii.gz"], stack=False)] == ["image"]
    assert [kind for _, _, kind in io_utils.read([tmp_path / "p1"], stack=False)] == ["image", "labels"]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".mha", ".nrrd", ""])
def test_layers_are_written_through_npe2(medsynth_plugin, tmp_path, ct, labels, suffix):
    made = {"image": image_layer_data(ct, name="scan"), "labels": labels_layer_data(labels, name="labels")}
    for kind, data in made.items():
        written = io_utils.write(tmp_path / f"{kind}{suffix}", [data])
        assert written == [str(tmp_path / f"{kind}{suffix or '.nii.gz'}")]
    assert read_volume(tmp_path / f"image{suffix or '.nii.gz'}").same_grid(ct)


def test_image_and_labels_are_written_as_a_case_through_npe2(medsynth_plugin, tmp_path, ct, labels):
    layers = [image_layer_data(ct, name="scan"), labels_layer_data(labels, name="labels")]
    assert io_utils.write(tmp_path / "p1", layers) == [str(tmp_path / "p1")]
    assert read_case(tmp_path / "p1").labels.values() == (1, 7)


@pytest.mark.parametrize("sample", MANIFEST.contributions.sample_data, ids=lambda sample: sample.key)
def test_every_sample_opens(viewer, medsynth_plugin, sample):
    layers = viewer.open_sample(PLUGIN, sample.key)
    assert layers[0].name.startswith(sample.key)
    assert [str(unit) for unit in layers[0].units] == ["millimeter"] * 3


@pytest.mark.gui
@pytest.mark.parametrize("widget", MANIFEST.contributions.widgets, ids=lambda widget: widget.display_name)
def test_every_widget_opens_in_a_window(make_napari_viewer, medsynth_plugin, widget):
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, widget.display_name)
    assert hasattr(panel, "reset_choices")


@pytest.mark.gui
def test_menu_entries_do_what_they_say(make_napari_viewer, medsynth_plugin, qtbot):
    from napari._app_model import get_app_model

    viewer = make_napari_viewer()
    app = get_app_model()
    ids = {item.command.id for item in app.menus.get_menu("napari/file/new_layer") if hasattr(item, "command")}
    assert {f"{PLUGIN}.{name}" for name in ("phantom", "new_thorax", "new_healthy_thorax", "new_abdomen")} <= ids
    assert f"{PLUGIN}/layers" in {getattr(i, "submenu", "") for i in app.menus.get_menu("napari/layers/annotate")}
    app.commands.execute_command(f"{PLUGIN}.new_healthy_thorax").result()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=60_000)
    assert viewer.layers[0].name == "thorax-healthy"


@pytest.mark.gui
def test_a_saved_scan_opens_again_in_a_window(make_napari_viewer, medsynth_plugin, tmp_path, ct):
    write_volume(ct.reoriented("RAS"), tmp_path / "a.nii.gz")
    viewer = make_napari_viewer()
    viewer.open(tmp_path / "a.nii.gz", plugin=PLUGIN)
    assert viewer.layers.save(str(tmp_path / "b.nii.gz")) == [str(tmp_path / "b.nii.gz")]
    np.testing.assert_array_equal(
        read_volume(tmp_path / "b.nii.gz").affine.matrix, read_volume(tmp_path / "a.nii.gz").affine.matrix
    )
    assert viewer.dims.axis_labels == ("z", "y", "x")
