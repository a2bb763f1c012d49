"""The New tab: what is found, what is asked, and what stands in the way."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medsynth.core.case import Case
from napari_medsynth.io import write_case
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.widgets.training.devices import Device, devices, parsed

from .conftest import SOON, at_rest


@pytest.fixture
def new(panel):
    return panel.new


def settled(qtbot, panel):
    qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)
    return panel.new


class TestLayers:
    def test_the_layer_on_top_is_ticked_with_its_image_and_counted(self, new, layers):
        assert new.data.pairs() == [layers]
        assert new.data.counted.text().startswith(
            "1 case · 1 patient · 1 with labels · 1 with image and labels · 2 structures"
        )
        assert [(e.value, e.name) for e in new.data.structures.table] == [(1, "organ"), (7, "lesion")]
        assert new.start.isEnabled()

    def test_one_patient_leaves_nothing_to_validate_on_and_that_is_said(self, new):
        assert "nothing to validate on" in new.data.counted.text()

    def test_the_same_labels_twice_are_refused_by_name(self, qtbot, panel, viewer, layers):
        """Half of them would be validated on what the others taught."""
        twin = viewer.add_labels(layers[0].data.copy(), scale=layers[0].scale, name="twin")
        panel.reset_choices()
        panel.new.data.layers.tick(twin)
        settled(qtbot, panel)
        assert "layers 'twin' and 'scan labels' hold the same labels" in panel.new.start.toolTip()
        panel.new.data.layers.tick(layers[0], False)
        assert settled(qtbot, panel).start.isEnabled()

    def test_the_name_on_offer_is_that_of_the_scan(self, new):
        assert new.form.name.placeholderText() == "scan synthetic"

    def test_what_is_painted_is_counted_anew(self, qtbot, panel, layers):
        layers[0].data_setitem((np.array([0]), np.array([0]), np.array([0])), 3)
        qtbot.waitUntil(lambda: 3 in panel.new.data.structures.wanted, timeout=SOON)

    def test_a_new_layer_is_offered_and_what_was_ticked_stays_so(self, qtbot, panel, viewer, layers):
        other = viewer.add_labels(np.zeros((4, 5, 6), np.uint8), name="empty")
        panel.reset_choices()
        assert panel.new.data.pairs() == [layers]
        panel.new.data.layers.tick(layers[0], False)
        panel.new.data.layers.tick(other)
        settled(qtbot, panel)
        assert panel.new.start.toolTip() == "Not now: all labels are empty; paint a structure first"

    def test_real_images_are_needed_for_b(self, qtbot, panel, layers):
        panel.new.data.layers.choose_image(layers[0], None)
        settled(qtbot, panel)
        assert panel.new.start.isEnabled()
        panel.new.form.choose_source("real")
        assert "images with label maps" in panel.new.start.toolTip()
        assert panel.new.told.text().startswith("None of 1 case has what this model learns from")

    def test_without_layers_it_says_what_is_needed(self, open_panel):
        panel = open_panel()
        assert panel.new.start.toolTip() == "Not now: open a labels layer, or make a phantom"


class TestFolder:
    @pytest.fixture
    def cases(self, tmp_path, body):
        labels, image = body
        for number in range(3):
            case = Case(id=f"p{number}", image=image if number else None, labels=labels)
            write_case(case, tmp_path / "cases" / case.id)
        return tmp_path / "cases"

    def test_its_cases_patients_and_structures_are_counted(self, qtbot, panel, cases):
        panel.new.data.train_on(cases)
        new = settled(qtbot, panel)
        assert new.data.counted.text() == (
            "3 cases · 3 patients · 3 with labels · 2 with image and labels · 2 structures"
        )
        order = new.order()
        assert (order.data, order.layout, order.test) == (cases, "auto", 0.2)
        assert new.form.name.placeholderText() == "cases synthetic"
        new.copy.actions_by_kind["Command"].trigger()
        assert f"--data-dir {cases}" in new.copy.text_of("Command")

    def test_another_panel_can_hand_it_over(self, qtbot, panel, cases):
        panel.tabs.setCurrentIndex(1)
        panel.choose_folder(cases)
        assert panel.tabs.currentIndex() == 0
        assert settled(qtbot, panel).data.path == cases

    def test_one_without_cases_is_named(self, qtbot, panel, tmp_path):
        (tmp_path / "nothing").mkdir()
        panel.new.data.train_on(tmp_path / "nothing")
        new = settled(qtbot, panel)
        assert str(tmp_path / "nothing") in new.data.counted.text()
        assert not new.start.isEnabled()

    def test_names_of_files_cannot_be_changed_and_a_scheme_gives_them(self, qtbot, panel, tmp_path, body):
        labels, _ = body
        plain = replace(labels, table=type(labels.table)())
        write_case(Case(id="p0", labels=plain), tmp_path / "plain" / "p0")
        data = panel.new.data
        data.train_on(tmp_path / "plain")
        settled(qtbot, panel)
        assert [entry.name for entry in data.structures.table] == ["label 1", "label 7"]
        assert not data.structures.item(0, 1).flags() & Qt.ItemFlag.ItemIsEditable
        data.scheme.setCurrentText("spider")
        settled(qtbot, panel)
        assert "label 1" not in [entry.name for entry in data.structures.table]
        assert panel.new.order().settings.scheme == "spider"


class TestSettings:
    def test_what_is_chosen_is_what_is_trained(self, new):
        form = new.form
        form.choose_source("mixed")
        form.render.setCurrentText("brain-t1")
        form.size.setCurrentText("medium")
        form.kind.setCurrentText("3D patches")
        form.spacing.setText("1.5")
        form.patch.setText("32, 48, 64")
        form.amount.setValue(7)
        form.unit.setCurrentText("minutes")
        form.seed.setValue(11)
        form.lr.setText("0.01")
        settings = new.order().settings
        assert (settings.source, settings.render.preset) == ("mixed", "brain-t1")
        assert (settings.network.name, settings.network.base_features) == ("unet", 16)
        assert (settings.inputs.kind, settings.inputs.spacing) == ("patches", (1.5, 1.5, 1.5))
        assert settings.inputs.patch == (32, 48, 64)
        assert (settings.fit.minutes, settings.fit.seed, settings.fit.lr) == (7, 11, 0.01)
        assert TrainSettings.from_json(settings.to_json()) == settings

    def test_structures_that_are_not_ticked_become_background(self, new):
        assert new.order().settings.relabel == ()
        new.data.structures.tick(1, False)
        assert new.order().settings.relabel == ((7, 7),)
        new.data.none.click()
        assert new.start.toolTip() == "Not now: tick a structure first"

    @pytest.mark.parametrize(
        ("row", "text", "told"),
        [
            ("spacing", "wide", "voxel size is 'wide'; expected numbers"),
            ("spacing", "1 1 1", "voxel size has 3 numbers; expected 1 or 2"),
            ("name", "../up", "name is '../up'; expected letters"),
            ("folder", " ", "folder of models is empty"),
        ],
    )
    def test_what_cannot_be_used_is_said(self, new, row, text, told):
        getattr(new.form, row).setText(text)
        assert told in new.start.toolTip()

    def test_rendering_as_in_a_render_panel_needs_one(self, new):
        new.form.render.setCurrentIndex(new.form.render.count() - 1)
        assert "no Render panel is open" in new.start.toolTip()

    def test_what_does_not_apply_is_hidden(self, new):
        rows = new.form.rows
        assert rows.isRowVisible(new.form.render)
        new.form.choose_source("real")
        assert not rows.isRowVisible(new.form.render)
        new.form.kind.setCurrentText("3D patches")
        assert not rows.isRowVisible(new.form.plane)

    def test_layers_are_in_no_folder_yet_so_that_only_the_config_is_copied(self, new):
        assert "source: synthetic" in new.copy.text_of("Config")
        new.copy._update()
        assert not new.copy.actions_by_kind["Command"].isEnabled()


def test_devices_are_listed_with_their_free_memory(qtbot, new):
    assert devices()[-1].name == "cpu"
    assert parsed("NVIDIA H200, 142000, 143771\nnonsense\n") == (
        Device("cuda", "NVIDIA H200", 142000 * 1024**2, 143771 * 1024**2),
    )
    qtbot.waitUntil(lambda: new.form.device.count() > 1, timeout=SOON)
    assert "GiB free" in new.form.device.itemText(0)


def test_opening_the_panel_loads_nothing_heavy():
    script = """
import sys
from qtpy.QtWidgets import QApplication
from napari.components import ViewerModel
app = QApplication([])
from napari_medsynth.widgets.training.panel import TrainPanel
panel = TrainPanel(ViewerModel())
print([name for name in ("torch", "lightning", "monai", "pyqtgraph", "sklearn") if name in sys.modules], flush=True)
import os
os._exit(0)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
