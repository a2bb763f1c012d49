"""What the form asks for: scenarios, structures, seed, and settings that begin with the anatomy's own."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.scenarios import builtin_scenarios
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.phantom.body_form import BodyForm


@pytest.fixture
def form(qtbot):
    made = BodyForm()
    qtbot.addWidget(made)
    return made


def pick(form, text):
    """Choose an entry of the scenario list as a person does."""
    index = form.scenario.findText(text)
    form.scenario.setCurrentIndex(index)
    form.scenario.activated.emit(index)


def items(form):
    return [form.structures.list.item(n) for n in range(form.structures.list.count())]


def test_it_begins_with_a_whole_body_of_the_steps_defaults(form):
    assert form.step() == Phantom(scenario="normal_complete")


def test_every_setting_of_the_step_can_be_chosen(form):
    settings = form.settings
    settings.row("anatomy").value = "torso"
    settings.row("region").value = "abdomen"
    for part, size in zip(settings.row("image_size"), (40, 50, 60), strict=True):
        part.value = size
    settings.row("size_noise").value = 0.1
    for name, value in (("blur", 1.0), ("bias_field", 0.25), ("noise", 30)):
        settings.row(name)[0].value, settings.row(name)[1].value = True, value
    pick(form, "left nephrectomy")
    assert form.step() == Phantom(
        anatomy="torso",
        region="abdomen",
        image_size=(40, 50, 60),
        size_noise=0.1,
        blur=1.0,
        bias_field=0.25,
        noise=30.0,
        scenario="left_nephrectomy",
    )


@pytest.mark.parametrize("name", ["blur", "bias_field", "noise"])
@pytest.mark.parametrize("anatomy", ["classic", "torso"])
def test_an_artefact_begins_with_the_anatomys_own_once_it_is_ticked(form, anatomy, name):
    form.settings.row("anatomy").value = anatomy
    assert getattr(form.step(), name) is None
    form.settings.row(name)[0].value = True
    assert getattr(form.step(), name) == pytest.approx(catalogue(anatomy).artefacts[name])


def test_spacing_begins_with_what_fills_the_image(form):
    form.settings.row("region").value = "thorax"
    form.settings.row("image_size")[0].value = 96
    filling = form.step().frame.spacing
    form.settings.row("spacing")[0].value = True
    assert form.step().spacing == pytest.approx(filling)


class TestScenarios:
    def test_all_are_offered_with_what_they_mean(self, form):
        offered = {form.scenario.itemData(n): form.scenario.itemData(n, Qt.ItemDataRole.ToolTipRole) for n in range(30)}
        for scenario in builtin_scenarios():
            assert scenario.description in offered[scenario.name]
        assert "mixed" in offered

    def test_those_of_a_file_take_their_place(self, form, qtbot, tmp_path, monkeypatch):
        path = tmp_path / "own.yaml"
        path.write_text("scenarios:\n  - {name: only a heart, present: [heart]}\n")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
        with qtbot.waitSignal(form.changed):
            pick(form, "Load scenarios from a file…")
        pick(form, "only a heart")
        assert form.step() == Phantom(scenario="only a heart", scenarios=path)
        assert form.scenario.findData("left_nephrectomy") == -1

    @pytest.mark.parametrize("chosen", ["", "bad.yaml"])
    def test_a_file_that_cannot_be_used_changes_nothing(self, form, tmp_path, monkeypatch, chosen):
        (tmp_path / "bad.yaml").write_text("scenarios: 3\n")
        told, path = [], str(tmp_path / chosen) if chosen else ""
        form.failed.connect(told.append)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (path, ""))
        pick(form, "splenectomy")
        pick(form, "Load scenarios from a file…")
        assert form.step() == Phantom(scenario="splenectomy")
        assert ["bad.yaml" in line for line in told] == [True] * bool(chosen)


class TestStructures:
    def test_they_show_what_the_body_has(self, form):
        form.show_present(["heart", "L3"])
        ticked = [item.text() for item in items(form) if item.checkState() == Qt.CheckState.Checked]
        assert ticked == ["heart", "L3"]
        assert form.step().present is None

    def test_by_hand_they_take_the_place_of_the_scenario(self, form, qtbot):
        form.structures.by_hand.setChecked(True)
        assert len(form.step().present) == 13
        with qtbot.waitSignal(form.changed):
            items(form)[3].setCheckState(Qt.CheckState.Unchecked)
        assert set(form.step().present) == {s.name for s in catalogue("classic").targets} - {"liver"}
        assert not form.scenario.isEnabled()
        assert "by hand" in form.scenario.toolTip()
        form.structures.by_hand.setChecked(False)
        assert form.step().present is None
        assert form.scenario.isEnabled()

    def test_they_cannot_be_ticked_before(self, form):
        assert not any(item.flags() & Qt.ItemFlag.ItemIsEnabled for item in items(form))
        assert "Choose by hand" in form.structures.groups.toolTip()

    def test_a_group_is_taken_away_and_put_back(self, form):
        form.structures.by_hand.setChecked(True)
        everything = form.step().present
        spine = next(a for a in form.structures.groups.menu().actions() if a.text() == "spine")
        spine.trigger()
        assert set(everything) - set(form.step().present) == {"L1", "L2", "L3", "L4", "L5"}
        spine.trigger()
        assert form.step().present == everything

    def test_another_anatomy_has_its_own(self, form):
        form.settings.row("anatomy").value = "torso"
        assert [item.text().replace(" ", "_") for item in items(form)] == [s.name for s in catalogue("torso").targets]


def test_a_new_body_has_another_seed(form, qtbot):
    before = form.seed.value()
    with qtbot.waitSignal(form.changed):
        form.new_body.click()
    assert form.seed.value() != before


def test_what_cannot_be_used_is_shown(form):
    form.settings.row("spacing")[0].value = True
    assert form.settings.error == ""
    with pytest.raises(ConfigError, match="image_size"):
        type(form.step())(image_size=(4, 4, 4))
