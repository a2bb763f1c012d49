"""The panel on a viewer's model: what changes is previewed, what is made is what the core makes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import write_labels
from napari_medsynth.rendering.step import Render
from napari_medsynth.widgets.layers import history_of, image_layer_data, labels_of
from napari_medsynth.widgets.previews import is_preview
from napari_medsynth.widgets.rendering import panel as panel_module
from napari_medsynth.widgets.rendering.estimating import estimated
from napari_medsynth.widgets.rendering.studio import Studio
from napari_medsynth.widgets.rendering.tissues import tissues_of
from napari_medsynth.widgets.rendering.where import Where

from .conftest import SOON, add, at_rest, head, named, preview_of


def own(viewer):
    return [layer for layer in viewer.layers if not is_preview(layer)]


def expected(panel):
    labels = labels_of(panel.layer)
    return panel.form.step()(Case(id="labels", labels=labels), seed=panel.form.seed.value())


def slice_of(panel, where):
    return Studio(labels_of(panel.layer)).draft(panel.form.step(), panel.form.seed.value(), where).array


class TestPreview:
    def test_the_slice_that_is_looked_at_is_shown_at_once(self, viewer, panel):
        where = Where(0, round(viewer.layers[0].world_to_data(viewer.dims.point)[0]))
        np.testing.assert_array_equal(preview_of(viewer).data, slice_of(panel, where))
        assert panel.told.text().startswith("This seed:")

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_it_follows_the_view_and_its_slider(self, qtbot, viewer, panel, axis):
        viewer.dims.order = (axis, *[n for n in range(3) if n != axis])
        viewer.dims.set_point(axis, panel.layer.data_to_world((9, 9, 9))[axis])
        at_rest(qtbot, panel)
        np.testing.assert_array_equal(preview_of(viewer).data, slice_of(panel, Where(axis, 9)))
        assert preview_of(viewer).visible

    def test_it_follows_the_hand(self, qtbot, viewer, panel):
        seen = []
        preview_of(viewer).events.data.connect(lambda: seen.append(1))
        panel.form.contrast.slider.setValue(0.5)
        at_rest(qtbot, panel)
        panel.form.stages.rows["bias_field"].slider.setValue(0.8)
        at_rest(qtbot, panel)
        panel.form.seed.setValue(11)
        at_rest(qtbot, panel)
        assert len(seen) == 3
        where = Where(0, round(panel.layer.world_to_data(viewer.dims.point)[0]))
        np.testing.assert_array_equal(preview_of(viewer).data, slice_of(panel, where))

    def test_in_3d_it_is_hidden_and_comes_back(self, qtbot, viewer, panel):
        viewer.dims.ndisplay = 3
        assert not preview_of(viewer).visible
        viewer.dims.ndisplay = 2
        qtbot.waitUntil(lambda: preview_of(viewer).visible, timeout=SOON)
        at_rest(qtbot, panel)

    def test_labels_that_are_painted_are_read_again(self, qtbot, viewer, panel):
        before = preview_of(viewer).data.copy()
        index = round(panel.layer.world_to_data(viewer.dims.point)[0])
        panel.layer.data_setitem((np.array([index] * 40), np.arange(40), np.array([3] * 40)), 41)
        at_rest(qtbot, panel)
        qtbot.waitUntil(lambda: not np.array_equal(preview_of(viewer).data, before), timeout=SOON)
        assert panel.reader.studio.labels.array[index, 0, 3] == 41

    def test_a_stroke_that_is_taken_back_is_too(self, qtbot, viewer, panel):
        before = panel.reader.studio
        index = round(panel.layer.world_to_data(viewer.dims.point)[0])
        panel.layer.data_setitem((np.array([index] * 40), np.arange(40), np.array([3] * 40)), 41)
        qtbot.waitUntil(lambda: panel.reader.studio is not before and not panel.reader.is_busy, timeout=SOON)
        panel.layer.undo()
        qtbot.waitUntil(lambda: panel.reader.studio.labels.array[index, 0, 3] == 0, timeout=SOON)
        at_rest(qtbot, panel)

    def test_what_was_not_painted_is_not_made_anew(self, qtbot, panel):
        before = panel.reader.studio
        panel.layer.refresh()
        at_rest(qtbot, panel)
        assert panel.reader.studio is before

    def test_without_it_nothing_is_shown(self, qtbot, viewer, panel):
        panel.live.setChecked(False)
        panel.form.seed.setValue(8)
        at_rest(qtbot, panel)
        assert preview_of(viewer) is None
        panel.live.setChecked(True)
        qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)

    def test_it_goes_with_its_labels_and_with_the_panel(self, qtbot, viewer, panel):
        other = add(viewer, named(head()), "other")
        panel.reset_choices()
        viewer.layers.remove(panel.layer)
        panel.reset_choices()
        assert panel.layer is other
        qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)
        at_rest(qtbot, panel)
        panel.deleteLater()
        qtbot.waitUntil(lambda: list(viewer.layers) == [other], timeout=SOON)

    def test_a_2d_map_is_shown_too(self, qtbot, viewer, open_panel):
        viewer.add_labels(head().array[12])
        panel = open_panel()
        qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)
        at_rest(qtbot, panel)
        assert preview_of(viewer).data.shape == (40, 32)


class TestApply:
    def test_it_makes_what_the_core_makes(self, qtbot, viewer, panel):
        panel.form.contrast.slider.setValue(0.3)
        panel.form.stages.rows["ghosting"].slider.setValue(0.4)
        panel.form.seed.setValue(21)
        panel.apply.click()
        at_rest(qtbot, panel)
        source, image, labels = viewer.layers
        case = expected(panel)
        np.testing.assert_array_equal(image.data, case.image.array)
        np.testing.assert_array_equal(labels.data, case.labels.array)
        assert history_of(image) == history_of(labels) == case.history
        assert [image.name, labels.name] == ["head brain-t1", "head brain-t1 labels"]
        np.testing.assert_allclose(image.translate, source.translate)
        np.testing.assert_allclose(image.scale, source.scale)
        assert image.units == source.units

    def test_a_layer_in_pixels_gets_layers_in_pixels(self, qtbot, viewer, open_panel):
        source = viewer.add_labels(head().array[12])
        panel = open_panel()
        at_rest(qtbot, panel)
        panel.apply.click()
        at_rest(qtbot, panel)
        assert len(own(viewer)) > 1
        assert {layer.units for layer in own(viewer)} == {source.units}

    def test_it_takes_the_labels_as_they_are_by_then(self, qtbot, viewer, panel):
        panel.layer.data[:, :3] = 41  # no event tells of it
        panel.apply.click()
        at_rest(qtbot, panel)
        np.testing.assert_array_equal(viewer.layers[1].data, expected(panel).image.array)

    def test_when_the_shape_is_kept_there_are_no_other_labels(self, qtbot, viewer, panel):
        rows = panel.form.stages.rows
        for name in ("warp", "flip"):
            if rows[name].is_on:
                rows[name].tick.click()
                if rows[name].is_on:
                    rows[name].tick.click()
        panel.apply.click()
        at_rest(qtbot, panel)
        assert [layer.name for layer in viewer.layers] == ["head", "head brain-t1"]

    def test_another_one_leaves_the_first_as_it_is(self, qtbot, viewer, panel):
        labels = panel.layer.data.copy()
        for seed in (1, 2):
            panel.form.seed.setValue(seed)
            panel.apply.click()
            at_rest(qtbot, panel)
        assert len({layer.name for layer in own(viewer)}) == len(own(viewer)) >= 3
        assert not np.array_equal(viewer.layers[1].data, viewer.layers["head brain-t1 2"].data)
        np.testing.assert_array_equal(panel.layer.data, labels)

    def test_cancel_leaves_the_layers_as_they_were(self, qtbot, viewer, panel, monkeypatch):
        gate, real = threading.Event(), Render.applying

        def slow(self, case, params):
            gate.wait(SOON / 1000)
            return real(self, case, params)

        monkeypatch.setattr(Render, "applying", slow)
        panel.apply.click()
        assert panel.bar.is_busy
        assert panel.apply.toolTip() == "Not now: something is being worked out"
        panel.bar.cancel()
        gate.set()
        at_rest(qtbot, panel)
        assert [layer.name for layer in own(viewer)] == ["head"]
        assert panel.apply.isEnabled()

    def test_what_is_too_large_is_refused_and_the_button_says_why(self, qtbot, viewer, panel, monkeypatch):
        monkeypatch.setattr(panel_module, "budget", lambda: 1000)
        panel.form.seed.setValue(3)
        assert not panel.apply.isEnabled()
        assert "24 × 40 × 32 voxels take" in panel.apply.toolTip()
        panel.make()
        at_rest(qtbot, panel)
        assert [layer.name for layer in own(viewer)] == ["head"]

    def test_without_labels_it_says_so(self, viewer, open_panel):
        panel = open_panel()
        assert panel.apply.toolTip() == "Not now: there is no labels layer; open one, or make a phantom"
        assert panel.told.text() == "there is no labels layer; open one, or make a phantom"

    def test_a_map_without_labels_is_refused(self, qtbot, viewer, open_panel):
        viewer.add_labels(np.zeros((4, 5, 6), np.uint8))
        panel = open_panel()
        at_rest(qtbot, panel)
        assert "all background" in panel.apply.toolTip()


class TestTissues:
    def test_labels_without_a_class_are_listed_until_they_have_one(self, qtbot, viewer, open_panel):
        array = head().array.astype(np.uint16)
        array[array == 24] = 900
        layer = add(viewer, LabelMap(array, head().affine))
        panel = open_panel()
        panel.form.contrast.choose("brain-t1")
        at_rest(qtbot, panel)
        assert not panel.apply.isEnabled()
        assert "no intensities for 900 (label 900)" in panel.apply.toolTip()
        assert panel.form.tabs.tabText(1) == "Labels (1 missing)"
        panel.form.labels.table.edited.emit(900, "granite")
        assert "no intensities for 900 (label 900 as granite)" in panel.apply.toolTip()
        panel.form.labels.table.edited.emit(900, "csf")
        at_rest(qtbot, panel)
        assert panel.apply.isEnabled()
        assert panel.form.tabs.tabText(1) == "Labels"
        assert panel.form.step().tissues == ((900, "csf"),)
        assert tissues_of(layer) == {900: "csf"}

    def test_a_far_end_without_a_class_for_them_is_refused_until_the_slider_is_back(self, qtbot, viewer, panel):
        panel.form.contrast.slider.setValue(0.5)
        far = panel.form.contrast.far
        far.showPopup()
        far.hidePopup()
        far.setCurrentIndex(far.findData("spine-t2"))
        at_rest(qtbot, panel)
        assert not panel.apply.isEnabled()
        assert "no intensities in spine-t2 for 2 (left white matter)" in panel.told.text()
        assert "move towards another preset" in panel.told.text()
        assert preview_of(viewer) is None  # what was shown was another contrast
        panel.form.contrast.slider.setValue(0)
        at_rest(qtbot, panel)
        assert panel.apply.isEnabled()
        assert preview_of(viewer) is not None

    def test_they_come_back_with_the_layer(self, qtbot, viewer, panel):
        panel.form.labels.table.edited.emit(3, "csf")
        at_rest(qtbot, panel)
        other = add(viewer, named(head()), "other")
        panel.reset_choices()
        panel.form.layers.setCurrentIndex(panel.form.layers.findData(other))
        at_rest(qtbot, panel)
        assert panel.form.step().tissues == ()
        panel.form.layers.setCurrentIndex(panel.form.layers.findText("head"))
        at_rest(qtbot, panel)
        assert panel.form.step().tissues == ((3, "csf"),)

    def test_the_table_shows_the_intensities_of_the_preview(self, qtbot, panel):
        at_rest(qtbot, panel)
        drawn = {int(v): (mean, std) for v, mean, std in panel._drawn.params["channels"][0]["intensities"]}
        shown = {value: drawn[value] for value in drawn if value}
        table = panel.form.labels.table
        qtbot.waitUntil(lambda: {row.value: row.intensity for row in table.rows} == shown, timeout=SOON)

    def test_while_a_hand_moves_the_table_rests(self, qtbot, panel, monkeypatch):
        qtbot.waitUntil(lambda: panel.form.labels.table.rows[0].intensity is not None, timeout=SOON)
        at_rest(qtbot, panel)
        shown = []
        monkeypatch.setattr(panel.form.labels.table, "_show_row", lambda *row: shown.append(row))
        for step in range(1, 9):
            panel.form.contrast.slider.setValue(step / 10)
        assert shown == []
        qtbot.waitUntil(lambda: bool(shown), timeout=SOON)
        at_rest(qtbot, panel)


class TestEstimate:
    @pytest.fixture
    def image(self, viewer):
        labels = named(head())
        values = {2: 900.0, 41: 900.0, 3: 500.0, 42: 500.0, 4: 100.0, 43: 100.0, 24: 150.0}
        array = np.zeros(labels.shape, np.float32)
        for value, mean in values.items():
            array[labels.array == value] = mean
        array += np.random.default_rng(0).normal(0, 5, array.shape).astype(np.float32)
        data, kwargs, _ = image_layer_data(Volume(array, labels.affine, "MR"), name="scan")
        return viewer.add_image(data, **kwargs)

    def test_a_layer_on_the_same_grid_gives_its_contrast(self, qtbot, viewer, panel, image):
        panel.form.intensities.menu().aboutToShow.emit()
        [action] = panel.form.intensities.from_image.actions()
        assert action.text() == "scan"
        action.trigger()
        at_rest(qtbot, panel)
        assert panel.form.intensities.text() == "from scan (not saved)"
        means = {int(v): mean for v, mean, _ in expected(panel).history[-1].params["channels"][0]["intensities"]}
        assert means[2] > means[3] > means[24] > means[4]

    @pytest.mark.parametrize(("name", "white"), [("abdomen-ct", 900.0), ("brain-t1", 255.0)])
    def test_it_is_on_the_scale_of_the_preset_whatever_the_layer_says(self, viewer, panel, image, name, white):
        found = estimated(image, labels_of(panel.layer), Render(preset=name))
        assert found.classes["white matter"].mean.at(0.5) == pytest.approx(white, abs=8)

    def test_one_that_lies_elsewhere_is_refused_in_one_line(self, qtbot, viewer, panel):
        moved = Volume(np.zeros(head().shape, np.float32), Affine.from_spacing((1.5, 1, 1), origin=(0, 0, 99)))
        data, kwargs, _ = image_layer_data(moved, name="elsewhere")
        panel.estimate(viewer.add_image(data, **kwargs))
        at_rest(qtbot, panel)
        assert "elsewhere" in panel.told.text()
        assert "expected the same grid" in panel.told.text()
        assert "\n" not in panel.told.text()
        assert panel.form.intensities.path is None

    def test_copies_wait_until_it_is_saved(self, qtbot, viewer, panel, image, tmp_path):
        panel.estimate(image)
        at_rest(qtbot, panel)
        panel.copy.menu().aboutToShow.emit()
        recipe = panel.copy.actions_by_kind["Recipe"]
        assert not recipe.isEnabled()
        assert "Save to a file" in recipe.toolTip()
        panel.form.intensities.save(tmp_path / "mine.yaml")
        panel.copy.menu().aboutToShow.emit()
        assert recipe.isEnabled()
        assert str(tmp_path / "mine.yaml") in panel.copy.text_of("Recipe")
        at_rest(qtbot, panel)


def test_copies_are_of_what_is_shown(qtbot, panel):
    panel.form.seed.setValue(4)
    texts = {}
    for kind, action in panel.copy.actions_by_kind.items():
        action.trigger()
        texts[kind] = QApplication.clipboard().text()
    assert Recipe.from_yaml(texts["Recipe"]) == panel.recipe() == Recipe(steps=(panel.form.step(),), seed=4)
    assert texts["Recipe"] in texts["Command"]
    assert "seed=4" in texts["Python"]
    at_rest(qtbot, panel)


def test_a_copy_says_if_its_file_holds_other_labels(qtbot, viewer, open_panel, tmp_path):
    path = tmp_path / "head.nii.gz"
    write_labels(named(head()), path)
    [layer] = viewer.open(path, plugin="napari-medsynth", layer_type="labels")
    panel = open_panel()
    at_rest(qtbot, panel)
    copy = panel.copy.actions_by_kind["Command"]
    with qtbot.waitSignal(panel.copy.copied, timeout=SOON):
        copy.trigger()
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)
    assert "Copied" not in panel.told.text()
    layer.data[5, 5, 5] = 2
    copy.trigger()
    qtbot.waitUntil(lambda: "no longer what head.nii.gz holds" in panel.told.text(), timeout=SOON)


def test_a_file_that_the_viewer_turned_is_copied_as_python_only(qtbot, viewer, open_panel):
    add(viewer, named(head()).reoriented("RAS"))
    panel = open_panel()
    at_rest(qtbot, panel)
    panel.copy.menu().aboutToShow.emit()
    enabled = {kind: action.isEnabled() for kind, action in panel.copy.actions_by_kind.items()}
    assert enabled == {"Recipe": False, "Command": False, "Python": True}


def test_a_rotated_layer_is_refused_in_one_line(qtbot, viewer, open_panel):
    turn = [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]
    viewer.add_labels(head().array, rotate=turn)
    panel = open_panel()
    at_rest(qtbot, panel)
    assert "rotated or sheared" in panel.told.text()
    assert not panel.apply.isEnabled()


def test_an_oblique_scan_is_previewed_where_its_labels_are_shown(qtbot, viewer, open_panel, turned):
    layer = add(viewer, turned(named(head()), 20))
    panel = open_panel()
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)
    at_rest(qtbot, panel)
    index = round(layer.world_to_data(viewer.dims.point)[0])
    np.testing.assert_allclose(preview_of(viewer).data_to_world((0, 2, 3)), layer.data_to_world((index, 2, 3)))
    panel.apply.click()
    at_rest(qtbot, panel)
    np.testing.assert_allclose(viewer.layers[1].data_to_world((1, 2, 3)), layer.data_to_world((1, 2, 3)))


def test_a_part_that_fits_is_offered_to_be_cropped(qtbot, panel):
    crop = panel.form.more.row("crop")
    assert [part.value for part in crop[1]] == [24, 40, 32]
    assert panel.form.step().crop is None
    crop[0].value = True
    assert panel.form.step().crop == (24, 40, 32)
    at_rest(qtbot, panel)


def test_the_strip_stays_after_apply(qtbot, panel, monkeypatch):
    shown = []
    monkeypatch.setattr(panel.view.draws, "show_with", shown.append)
    panel.apply.click()
    at_rest(qtbot, panel)
    assert shown == []
