"""The table of labels: what is missing stands out, what is typed is told."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_medsynth.rendering.naming import named_labels
from napari_medsynth.rendering.presets import preset
from napari_medsynth.widgets.rendering.label_rows import LabelRows
from napari_medsynth.widgets.rendering.label_tab import LabelTab

from .conftest import add, head, named

T1, CT = preset("brain-t1").prior, preset("abdomen-ct").prior
COLUMNS = {"value": 0, "name": 1, "tissue": 2, "intensity": 3}


@pytest.fixture
def tab(qtbot):
    made = LabelTab()
    qtbot.addWidget(made)
    return made


def text(tab, line, column):
    return tab.table.item(line, COLUMNS[column]).text()


def rows(viewer, prior=T1, tissues=None, drawn=()):
    labels, tissues = named(head()), tissues or {}
    layer = viewer.layers[0] if viewer.layers else add(viewer, labels)
    return LabelRows().of(named_labels(labels, None, None, tissues.items()), layer, prior, tissues, drawn)


def test_every_value_present_has_a_line_with_its_colour(viewer, tab):
    shown = rows(viewer, drawn=[(0, 0.0, 0.0), (2, 110.04, 8.0)])
    tab.show_rows(shown, sorted(T1.classes))
    assert [text(tab, n, "value") for n in range(7)] == ["2", "3", "4", "24", "41", "42", "43"]
    assert [text(tab, 0, name) for name in COLUMNS] == ["2", "left white matter", "white matter", "110 ± 8"]
    assert shown[0].colour == pytest.approx(tuple(viewer.layers[0].get_color(2)[:3]))
    assert tab.missing == ()


def test_what_has_no_class_is_marked(viewer, tab):
    tab.show_rows(rows(viewer, CT), sorted(CT.classes))
    assert {row.value for row in tab.missing} == {2, 3, 4, 24, 41, 42, 43} - set(_classes(CT, rows(viewer, CT)))
    line = [row.value for row in tab.table.rows].index(tab.missing[0].value)
    assert text(tab, line, "intensity") == "no class"
    assert "double-click its tissue" in tab.table.item(line, 0).toolTip()


def _classes(prior, shown):
    return [row.value for row in shown if row.tissue in prior.classes]


def test_a_tissue_is_chosen_from_the_classes_or_typed(qtbot, viewer, tab):
    tab.show_rows(rows(viewer), sorted(T1.classes))
    tab.show()
    item = tab.table.item(1, COLUMNS["tissue"])
    tab.table.editItem(item)
    editor = tab.table.findChild(QComboBox)
    assert [editor.itemText(n) for n in range(editor.count())] == sorted(T1.classes)
    with qtbot.waitSignal(tab.changed):
        editor.setEditText("white matter")
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert tab.tissues == {3: "white matter"}
    shown = rows(viewer, tissues=tab.tissues)
    assert (shown[1].tissue, shown[1].entry, shown[1].chosen) == ("white matter", "white matter", True)


def test_one_from_the_list_is_taken_at_once(qtbot, viewer, tab):
    tab.show_rows(rows(viewer), sorted(T1.classes))
    tab.show()
    tab.table.editItem(tab.table.item(1, COLUMNS["tissue"]))
    editor = tab.table.findChild(QComboBox)
    with qtbot.waitSignal(tab.changed):
        editor.setCurrentText("csf")
        editor.activated.emit(editor.currentIndex())
    assert tab.tissues == {3: "csf"}


def test_return_ends_the_editor_once(qtbot, qtlog, viewer, tab):
    tab.show_rows(rows(viewer), sorted(T1.classes))
    tab.show()
    tab.table.editItem(tab.table.item(1, COLUMNS["tissue"]))
    editor = tab.table.findChild(QComboBox)
    with qtbot.waitSignal(tab.changed):
        qtbot.keyClicks(editor, "csf")
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.wait(50)
    assert [record.message for record in qtlog.records] == []  # Qt complains if it is ended twice


def test_only_the_tissue_can_be_edited(viewer, tab):
    tab.show_rows(rows(viewer), [])
    editable = [bool(tab.table.item(0, n).flags() & Qt.ItemFlag.ItemIsEditable) for n in range(4)]
    assert editable == [False, False, True, False]


def test_emptying_a_tissue_takes_the_choice_back(viewer, tab):
    tab.tissues = {3: "csf"}
    tab.show_rows(rows(viewer, tissues=tab.tissues), [])
    tab.table.item(1, COLUMNS["tissue"]).setText(" ")
    assert tab.tissues == {}


def test_choices_are_saved_and_loaded(tab, tmp_path):
    assert not tab.save.isEnabled()
    tab.tissues = {3: "csf"}
    assert tab.save.isEnabled()
    tab._save_to(tmp_path / "tissues.yaml")
    tab.reset.click()
    assert tab.tissues == {}
    tab.load_from(tmp_path / "tissues.yaml")
    assert tab.tissues == {3: "csf"}


def test_a_bad_file_is_told_in_one_line(tab, tmp_path):
    (tmp_path / "bad.yaml").write_text("tissues: 3")
    told = []
    tab.failed.connect(told.append)
    tab._try(tab.load_from, tmp_path / "bad.yaml")
    assert "expected 'tissues'" in str(told[0])
