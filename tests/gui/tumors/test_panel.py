"""The panel's widgets on a viewer's model, without OpenGL."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt, QThreadPool

from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.widgets.layers import labels_layer_data
from napari_medsynth.widgets.tumors import panel as panel_module
from napari_medsynth.widgets.tumors.made import PREFIX
from napari_medsynth.widgets.tumors.panel import TumorsPanel

from .conftest import MIDDLE

SOON = 20_000  # ms; generous, for two busy cores


@pytest.fixture
def folder(library, monkeypatch):
    monkeypatch.setattr(panel_module, "library_folder", lambda: library.folder)
    return library.folder


@pytest.fixture
def organ_layer(viewer, layer, lung):
    named = LabelMap(lung.array, lung.affine, LabelTable((Label(1, "lung", "lung"),)))
    data, how, _ = labels_layer_data(named, name="organs")
    return viewer.add_labels(data, **how)


@pytest.fixture
def lesions_layer(viewer, layer, scan):
    array = np.zeros(scan.shape, np.uint8)
    array[10:14, 20:28, 20:28] = 2
    array[10:14, 40:46, 40:46] = 2
    array[0:2] = 1
    labels = LabelMap(array, scan.affine, LabelTable((Label(1, "neck"), Label(2, "nodule"))))
    data, how, _ = labels_layer_data(labels, name="lesions")
    return viewer.add_labels(data, **how)


@pytest.fixture
def panel(qtbot, viewer, folder):
    made = TumorsPanel(viewer)  # not given to qtbot, which would delete it before what runs has ended
    gone = []
    made.destroyed.connect(lambda: gone.append(True))
    yield made
    if not gone:
        qtbot.waitUntil(lambda: not made.bar.is_busy, timeout=SOON)
        made.deleteLater()
    qtbot.waitUntil(lambda: bool(gone) and not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


@pytest.fixture
def placing(qtbot, viewer, layer, organ_layer, panel):
    """The Place tab with the lung known and a seed chosen."""
    tab = panel.place
    panel.reset_choices()
    inside = [tab.organ.itemText(n) for n in range(tab.organ.count())].index("organs: lung")
    tab.organ.setCurrentIndex(inside)
    qtbot.waitUntil(lambda: tab.desk.placer.host is not None and not panel.bar.is_busy, timeout=SOON)
    tab.seeds.select(PREFIX + "solid")
    qtbot.waitUntil(lambda: tab.desk.is_placing, timeout=SOON)
    return tab


def at_rest(qtbot, tab):
    qtbot.waitUntil(lambda: tab.desk.placer.is_settled, timeout=SOON)


class TestPlace:
    def test_buttons_say_why_they_are_disabled(self, qtbot, viewer, panel, scan):
        tab = panel.place
        assert not tab.place.isEnabled()
        assert tab.place.toolTip() == "Not now: open a 3D image first"
        viewer.add_image(scan.array, name="late", contrast_limits=(-1000, 200))
        panel.reset_choices()
        assert tab.place.toolTip() == "Not now: pick a seed first"
        assert tab.undo.toolTip() == "Not now: nothing to undo"

    def test_a_seed_is_placed_undone_and_redone(self, qtbot, placing, scan):
        placing.desk.placer.place(MIDDLE)
        at_rest(qtbot, placing)
        placing.place.click()
        assert placing.table.rowCount() == 1
        placing.undo.click()
        assert placing.table.rowCount() == 0
        np.testing.assert_array_equal(placing.desk.placer.outputs.image.data, scan.array)
        placing.redo.click()
        assert placing.table.rowCount() == 1

    def test_sliders_shape_the_ghost_and_show_how_it_is_shaped(self, qtbot, placing):
        placer = placing.desk.placer
        placer.place(MIDDLE)
        placing.form.hu.setValue(-120)
        placing.form.size_mm.setValue(20.0)
        placing.form.edge.setValue(2.0)
        placing.form.rotation[0].setValue(45)
        assert placer.ghost.morph.hu_shift == -120
        assert placer.ghost.morph.scale * placer.ghost.source.seed.info.diameter_mm == pytest.approx(20, abs=0.1)
        assert placer.ghost.blend.edge_mm == 2.0
        assert placer.ghost.morph.rotation_deg == (45, 0, 0)
        placing.reset.click()
        assert (placing.form.hu.value(), placing.form.edge.value()) == (0, 0)

    def test_r_draws_the_next_seed_number(self, placing):
        placing.desk.placer.place(MIDDLE)
        before, number = placing.desk.placer.ghost.morph, placing.number.value()
        placing.new_shape.click()
        assert placing.number.value() == number + 1
        assert placing.desk.placer.ghost.morph != before

    def test_scatter_places_in_the_background_and_tells(self, qtbot, panel, placing):
        placing.count.setValue(2)
        placing.scatter.click()
        assert placing.undo.toolTip() == "Not now: lesions are being scattered"
        qtbot.waitUntil(lambda: not placing.desk.busy, timeout=SOON)
        assert placing.told.text().startswith("Placed 2 of 2.")
        assert placing.table.rowCount() == 2

    def test_scatter_that_is_cancelled_changes_nothing(self, qtbot, viewer, panel, placing):
        placing.count.setValue(200)
        placing.scatter.click()
        panel.bar.cancel()
        qtbot.waitUntil(lambda: not placing.desk.busy, timeout=SOON)
        assert placing.desk.placer.session.placed == ()
        assert placing.desk.placer.outputs.layers == ()

    def test_delete_takes_the_selected_lesion_out_and_selecting_looks_at_it(self, qtbot, viewer, placing, scan):
        for index in ((6, 30, 32), MIDDLE):
            placing.desk.placer.place(index)
            placing.place.click()
        placing.table.selectRow(0)
        assert placing.desk.placer.layer.world_to_data(viewer.dims.point)[0] == pytest.approx(6, abs=1)
        placing.delete.click()
        assert [p.entry.instance for p in placing.desk.placer.session.placed] == [2]
        assert placing.table.rowCount() == 1

    def test_a_library_seed_goes_in_with_its_checksum(self, qtbot, placing, library):
        seed = library.infos[0]
        placing.seeds.select(seed.id)
        qtbot.waitUntil(lambda: placing.desk.placer.ghost.source.name == seed.id, timeout=SOON)
        placing.desk.placer.place(MIDDLE)
        placing.place.click()
        entry = placing.desk.placer.session.placed[0].entry
        assert (entry.seed_id, entry.sha256) == (seed.id, seed.sha256)

    def test_a_damaged_seed_is_told(self, qtbot, placing, library):
        seed = library.infos[0]
        (library.folder / f"{seed.id}_image.nii.gz").write_bytes(b"no longer an image")
        placing.seeds.select(seed.id)
        qtbot.waitUntil(lambda: seed.id in placing.told.text(), timeout=SOON)

    def test_the_warning_is_shown(self, qtbot, placing):
        placing.desk.placer.place((12, 30, 59))
        at_rest(qtbot, placing)
        assert placing.told.text().startswith("⚠ less than 95%")

    def test_stop_puts_the_ghost_away(self, viewer, placing):
        placing.desk.placer.place(MIDDLE)
        placing.stop.click()
        assert not placing.desk.is_placing
        assert not [layer for layer in viewer.layers if "lesion" in layer.name]
        assert placing.seeds.selected == ()

    def test_layers_made_here_are_not_offered_as_scans(self, panel, placing):
        placing.desk.placer.place(MIDDLE)
        placing.place.click()
        panel.reset_choices()
        assert [placing.image.itemText(n) for n in range(placing.image.count())] == ["scan"]

    def test_copies_python_and_says_why_there_is_no_recipe(self, placing):
        placing.desk.placer.place(MIDDLE)
        placing.place.click()
        assert '"insert_tumors"' in placing.copy.text_of("Python")
        placing.copy.menu().aboutToShow.emit()
        recipe = placing.copy.actions_by_kind["Recipe"]
        assert not recipe.isEnabled()
        assert "by hand" in recipe.toolTip()


class TestExtract:
    @pytest.fixture
    def tab(self, qtbot, lesions_layer, panel):
        panel.reset_choices()
        qtbot.waitUntil(lambda: panel.extract.values.count() == 2, timeout=SOON)
        return panel.extract

    def test_values_are_offered_by_name_and_lesions_are_ticked(self, tab):
        items = [tab.values.item(n) for n in range(2)]
        assert [item.text() for item in items] == ["1  neck", "2  nodule"]
        assert [item.checkState() == Qt.CheckState.Checked for item in items] == [False, True]

    def test_seeds_are_found_and_the_ticked_ones_kept(self, qtbot, tab, panel):
        tab.patient.setText("someone")
        tab.find_button.click()
        qtbot.waitUntil(lambda: len(tab.seeds.keys) == 2, timeout=SOON)
        tab.seeds.check("scan-1", False)
        tab.keep_button.click()
        qtbot.waitUntil(lambda: "1 new in" in tab.told.text(), timeout=SOON)
        kept = next(info for info in panel.shelf.infos if info.id == "scan-2")
        assert (kept.patient, kept.organ, kept.label) == ("someone", "lung", 2)
        assert len(panel.shelf.infos) == 3
        assert "scan-2" in panel.place.seeds.keys

    def test_finding_needs_a_ticked_value(self, tab):
        tab.values.item(1).setCheckState(Qt.CheckState.Unchecked)
        assert tab.find_button.toolTip() == "Not now: tick the label values that are lesions"


class TestLibrary:
    def test_filter_and_figures(self, panel, library):
        tab = panel.library
        assert len(tab.seeds.keys) == 2
        tab.smallest.setValue(8)
        assert len(tab.seeds.keys) == 1
        assert "1 of 2 seeds" in tab.told.text()
        tab.smallest.setValue(0)
        tab.text.setText("nobody")
        assert tab.seeds.keys == ()
        tab.text.clear()
        tab.attachment.setCurrentText("juxta-pleural")
        assert tab.seeds.keys == ()

    def test_remove(self, qtbot, panel, library):
        panel.library.seeds.select(library.infos[0].id)
        panel.library.remove_selected()
        qtbot.waitUntil(lambda: len(panel.library.seeds.keys) == 1, timeout=SOON)

    def test_check_names_the_damaged_seed(self, qtbot, panel, library):
        seed = library.infos[0]
        (library.folder / f"{seed.id}_label.nii.gz").write_bytes(b"no longer labels")
        panel.library.check.click()
        qtbot.waitUntil(lambda: seed.id in panel.library.problems.text(), timeout=SOON)


def test_a_panel_that_goes_away_gives_mouse_keys_and_layers_back(qtbot, viewer, placing, panel):
    ours = [call for call in viewer.mouse_drag_callbacks if "tumors" in call.__module__]
    assert len(ours) == 1
    assert "Enter" in {str(key) for key in viewer.keymap}
    placing.desk.placer.place(MIDDLE)
    desk = placing.desk
    panel.deleteLater()
    qtbot.waitUntil(lambda: not desk.is_placing, timeout=SOON)
    assert ours[0] not in viewer.mouse_drag_callbacks
    assert not viewer.keymap
    assert [layer.name for layer in viewer.layers] == ["scan", "organs"]
    viewer.layers.remove("scan")  # nobody listens any more
