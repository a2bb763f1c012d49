"""From an image layer and a model to a labels layer: run, cancel, fail; and what does not fit."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.progress import Progress
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, write_volume
from napari_medsynth.widgets.layers import history_of, labels_of
from napari_medsynth.widgets.segmenting import running

from .conftest import SOON, TABLE, add_image, add_labels, wait_for


@pytest.fixture
def ready(qtbot, viewer, panel, models, scan):
    """The panel with the scan and the model."""
    add_image(viewer, scan)
    panel.choose_model(models / "tiny.json")
    wait_for(qtbot, panel)
    return panel


class TestRun:
    @pytest.mark.usefixtures("run_here")
    def test_the_result_is_a_layer_where_the_scan_is(self, qtbot, viewer, ready, scan, models):
        """And the figures, and the way to the next tabs."""
        ready.segment.options.form.row("uncertainty").value = True
        ready.segment.run.click()
        assert not ready.segment.run.isEnabled()
        assert ready.bar.is_busy
        wait_for(qtbot, ready)
        image, uncertainty, result = viewer.layers
        assert [layer.name for layer in viewer.layers] == ["scan", "scan tiny uncertainty", "scan tiny"]
        for layer in (uncertainty, result):
            np.testing.assert_allclose(layer.scale, image.scale)
            np.testing.assert_allclose(layer.translate, image.translate)
            assert layer.units == image.units
            assert layer.axis_labels == image.axis_labels
        case = ready.segment.asked().step()(Case(id="scan", image=scan), seed=0)
        assert case.labels.values() == (3, 9)
        assert (result.data == case.labels.array).mean() > 0.999
        assert labels_of(result).table == TABLE
        assert list(result.features["name"]) == ["disc", "lesion"]
        ml = [(result.data == value).sum() * 3e-3 for value in (3, 9)]
        np.testing.assert_allclose(list(result.features["volume_mL"]), ml, atol=1e-3)
        assert [line.cells for line in ready.segment.table.lines] == [
            ("disc", f"{ml[0]:.2f}"),
            ("lesion", f"{ml[1]:.2f}"),
        ]
        np.testing.assert_allclose(result.get_color(3)[:3], (0.1, 0.7, 0.3), atol=0.01)
        [record] = history_of(result)
        assert record.step == "segment"
        assert str(models / "tiny") in record.config["model"]
        assert not uncertainty.visible  # it would lie over the image
        assert "hidden at first" in ready.segment.told.text()
        assert 0 <= uncertainty.data.min() <= uncertainty.data.max() <= 1
        assert ready.compare.found.currentData() is result
        assert ready.improve.labels.currentData() is result

    def test_cancelled_leaves_all_as_it_was(self, qtbot, viewer, ready, monkeypatch):
        closed = []

        def slow(words):
            try:
                while True:
                    yield Progress(1, 9, "tiles")
            finally:
                closed.append(words)

        monkeypatch.setattr(running, "child", slow)
        ready.segment.start()
        qtbot.waitUntil(lambda: "tiles" in ready.bar._label.text(), timeout=SOON)
        ready.bar.cancel()
        assert ready.bar._button.text() == "Cancelling…"
        wait_for(qtbot, ready)
        assert closed
        assert [layer.name for layer in viewer.layers] == ["scan"]
        assert ready.segment.run.isEnabled()

    @pytest.mark.usefixtures("run_here")
    def test_failed_leaves_all_as_it_was_and_says_why(self, qtbot, viewer, ready, models, tmp_path):
        folder = shutil.copytree(models, tmp_path / "damaged")
        data = bytearray((folder / "tiny.safetensors").read_bytes())
        data[-1] ^= 1
        (folder / "tiny.safetensors").write_bytes(data)
        ready.choose_model(folder / "tiny.safetensors")
        wait_for(qtbot, ready)
        ready.segment.run.click()
        wait_for(qtbot, ready)
        assert "damaged" in ready.segment.told.text()
        assert [layer.name for layer in viewer.layers] == ["scan"]


class TestFit:
    def test_another_modality_may_be_run_anyway(self, qtbot, viewer, ready, scan):
        assert ready.segment.run.isEnabled()
        add_image(viewer, replace(scan, modality="CT"), "ct")
        ready.segment.image.setCurrentIndex(0)
        wait_for(qtbot, ready)
        assert "CT" in ready.segment.told.text()
        assert "CT" in ready.segment.run.toolTip()
        assert not ready.segment.run.isEnabled()
        assert not ready.segment.anyway.isHidden()
        ready.segment.anyway.setChecked(True)
        assert ready.segment.run.isEnabled()

    def test_other_layers_that_come_change_nothing(self, qtbot, viewer, ready, scan, truth):
        add_image(viewer, replace(scan, modality="CT"), "ct")
        ready.segment.image.setCurrentIndex(0)
        wait_for(qtbot, ready)
        ready.segment.anyway.setChecked(True)
        add_labels(viewer, truth)
        assert not ready.segment.fit.is_busy
        assert ready.segment.run.isEnabled()

    def test_another_choice_is_asked_again(self, qtbot, viewer, ready, scan):
        add_image(viewer, replace(scan, modality="CT"), "ct")
        ready.segment.image.setCurrentIndex(0)
        wait_for(qtbot, ready)
        ready.segment.anyway.setChecked(True)
        ready.segment.image.setCurrentIndex(1)
        wait_for(qtbot, ready)
        assert ready.segment.run.isEnabled()
        assert ready.segment.anyway.isHidden()
        ready.segment.image.setCurrentIndex(0)
        wait_for(qtbot, ready)
        assert not ready.segment.run.isEnabled()

    def test_what_cannot_be_is_not_offered(self, qtbot, viewer, ready, models):
        from napari_medsynth.learning.model_file import read_model, write_model

        weights, card = read_model(models / "tiny")
        inputs = {**card.inputs, "kind": "patches", "patch": [32, 32, 32]}
        solid = replace(card, name="solid", inputs=inputs)
        folder = ready.segment.models.folder.parent / "solid"
        ready.choose_model(write_model(folder / "solid", weights, solid))
        viewer.layers.clear()
        add_image(viewer, Volume(np.zeros((32, 32), np.float32), Affine.from_spacing((1, 1)), "MR"), "flat")
        wait_for(qtbot, ready)
        assert not ready.segment.run.isEnabled()
        assert "2D" in ready.segment.told.text()
        assert ready.segment.anyway.isHidden()

    def test_why_it_cannot_run_yet(self, qtbot, viewer, panel, models, scan):
        wait_for(qtbot, panel)
        assert "no image layer" in panel.segment.run.toolTip()
        add_image(viewer, scan)
        wait_for(qtbot, panel)
        assert "no model" in panel.segment.run.toolTip()
        assert "Train panel" in panel.segment.models.told.text()
        layer = viewer.add_image(np.zeros((4, 5, 6)), rotate=(0, 0, 30), name="turned")
        panel.choose_model(models / "tiny")
        panel.segment.image.setCurrentIndex(0)
        wait_for(qtbot, panel)
        assert panel.segment.layer is layer
        assert "rotated" in panel.segment.run.toolTip()

    def test_a_damaged_model_says_so(self, qtbot, viewer, ready, models, tmp_path):
        folder = shutil.copytree(models, tmp_path / "damaged")
        (folder / "tiny.json").write_text("{")
        ready.segment.models.choose_folder(folder)
        wait_for(qtbot, ready)
        ready.segment.models.table.choose(folder / "tiny.safetensors")
        assert "tiny.json" in ready.segment.models.told.text()
        assert not ready.segment.run.isEnabled()
        assert "cannot be used" in ready.segment.run.toolTip()


class TestModels:
    def test_the_folder_is_remembered_and_the_choice_stays(self, qtbot, ready, models, preferences):
        assert preferences["models_folder"] == models
        ready.segment.models.look()
        wait_for(qtbot, ready)
        assert ready.segment.models.model.path == models / "tiny.safetensors"

    def test_texts_are_of_what_is_shown(self, ready, models):
        ready.segment.options.form.row("largest_component").value = True
        recipe = Recipe.from_yaml(ready.segment.copy.text_of("Recipe"))
        assert recipe == ready.recipe()
        assert recipe.steps[0].options.largest_component
        assert recipe.steps[0].model == models / "tiny.safetensors"
        command = ready.segment.copy.text_of("Command")
        assert command.startswith("medsynth segment image.nii.gz --model ")
        compile(ready.segment.copy.text_of("Python"), "copied", "exec")


def test_the_copied_script_gives_the_same_labels(models, scan, tmp_path, monkeypatch):
    from napari_medsynth.segmentation.options import PredictOptions
    from napari_medsynth.segmentation.step import Segment
    from napari_medsynth.widgets.segmenting.asked import Asked
    from napari_medsynth.widgets.segmenting.models import list_models
    from napari_medsynth.widgets.segmenting.snippets import as_python

    monkeypatch.chdir(tmp_path)
    write_volume(scan, tmp_path / "image.nii.gz")
    [model] = list_models(models)
    options = PredictOptions(largest_component=True, uncertainty=True)
    asked = Asked(path=model.path, card=model.card, options=options, device="cpu")
    exec(compile(as_python(asked, "image.nii.gz"), "copied", "exec"), {})
    case = Segment(model=model.path, options=options, device="cpu")(Case(id="scan", image=scan), seed=0)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.nii.gz").array, case.labels.array)
    assert (tmp_path / "uncertainty.nii.gz").is_file()
