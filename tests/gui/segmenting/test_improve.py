"""The closed loop: a corrected result goes to rendering, to the library of lesions, and into the training cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_case
from napari_medsynth.widgets.layers import with_history
from napari_medsynth.widgets.segmenting import opening

from .conftest import SOON, TABLE, add_image, add_labels, grey, wait_for


def by(path, step="segment"):
    """The record of a result of a model."""
    return Record(step, 1, {"model": str(path)}, {}, {})


class TestTrainingCases:
    def test_image_and_corrected_labels_become_a_case(self, qtbot, viewer, panel, scan, truth, tmp_path):
        image, labels = add_image(viewer, scan), add_labels(viewer, truth, "result")
        with_history(labels, [by(tmp_path / "model.safetensors")])
        labels.data_setitem((np.array([5]), np.array([0]), np.array([0])), 9)
        panel.improve.choose_labels(labels)
        assert panel.improve.image.currentData() is image
        panel.improve.add.click()
        wait_for(qtbot, panel)
        case = read_case(tmp_path / "cases" / "scan")
        assert case.labels.array[5, 0, 0] == 9
        assert case.labels.table == TABLE
        assert case.image.same_grid(scan)
        assert case.history == (by(tmp_path / "model.safetensors"),)
        assert "holds 1 case now" in panel.improve.told.text()

    @pytest.mark.parametrize("orientation", ["LPS", "RAI"])
    def test_a_case_has_the_orientation_of_its_file(self, qtbot, viewer, panel, orientation, tmp_path):
        affine = Affine.from_spacing((1.0, 2.0, 3.0), origin=(4, 5, 6), orientation=orientation)
        classes = np.zeros((6, 7, 8), dtype=np.uint8)
        classes[1, 2, 3] = 1
        add_image(viewer, Volume(grey(classes, np.random.default_rng(0)), affine, "MR"))
        panel.improve.choose_labels(add_labels(viewer, LabelMap(classes * 3, affine, TABLE)))
        panel.improve.add.click()
        wait_for(qtbot, panel)
        case = read_case(tmp_path / "cases" / "scan")
        assert case.image.affine.orientation == orientation
        np.testing.assert_array_equal(case.labels.array, classes * 3)

    def test_no_case_is_ever_replaced(self, qtbot, viewer, panel, scan, truth, tmp_path):
        add_image(viewer, scan)
        panel.improve.choose_labels(add_labels(viewer, truth))
        panel.improve.add.click()
        wait_for(qtbot, panel)
        assert "already" in panel.improve.add.toolTip()
        panel.improve.name.setText("../scan")
        assert "letters" in panel.improve.add.toolTip()
        panel.improve.name.setText("scan2")
        panel.improve.add.click()
        wait_for(qtbot, panel)
        assert sorted(path.name for path in (tmp_path / "cases").iterdir()) == ["scan", "scan2"]

    def test_an_empty_result_is_no_case(self, qtbot, viewer, panel, scan, tmp_path):
        add_image(viewer, scan)
        panel.improve.choose_labels(add_labels(viewer, LabelMap(np.zeros(scan.shape, np.uint8), scan.affine)))
        panel.improve.add.click()
        wait_for(qtbot, panel)
        assert "is empty" in panel.improve.told.text()
        assert not (tmp_path / "cases").exists()

    def test_the_folder_goes_to_the_train_panel(self, qtbot, viewer, panel, scan, truth, tmp_path, monkeypatch):
        taken = []
        monkeypatch.setattr(opening, "open_panel", lambda _, name: _Panel(name, taken))
        assert "no case yet" in panel.improve.train.toolTip()
        add_image(viewer, scan)
        panel.improve.choose_labels(add_labels(viewer, truth))
        panel.improve.add.click()
        wait_for(qtbot, panel)
        panel.improve.train.click()
        assert taken == [("Train", tmp_path / "cases")]


class TestOtherPanels:
    def test_why_it_cannot_be_done(self, qtbot, viewer, panel, scan, truth):
        improve = panel.improve
        assert "no labels layer" in improve.render_button.toolTip()
        improve.choose_labels(add_labels(viewer, LabelMap(truth.array, truth.affine, LabelTable())))
        assert improve.render_button.isEnabled()
        assert "no image" in improve.add.toolTip()
        add_image(viewer, scan)
        assert "lesion" in improve.extract.toolTip()
        improve.render_button.click()
        qtbot.waitUntil(lambda: "no window" in improve.told.text(), timeout=SOON)

    def test_the_preset_is_that_which_the_model_learned_from(self, models, viewer, truth):
        from napari_medsynth.widgets.segmenting.cases import preset_of

        labels = add_labels(viewer, truth)
        assert preset_of(labels) == ""
        with_history(labels, [by(models / "tiny.safetensors"), by(models / "tiny.safetensors", "other")])
        assert preset_of(labels) == "spine-t2"
        with_history(labels, [by(Path("moved.safetensors"))])
        assert preset_of(labels) == ""


class _Panel:
    def __init__(self, name, taken):
        self._name, self._taken = name, taken

    def choose_folder(self, folder):
        self._taken.append((self._name, folder))
