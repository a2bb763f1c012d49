"""Ticks and sliders of the stages: the preset's own until they are touched, a person's from then on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt

from napari_medsynth.rendering.presets import preset, preset_names
from napari_medsynth.rendering.stages import STAGES
from napari_medsynth.rendering.step import Render
from napari_medsynth.widgets.rendering.dials import DIALS, MOST_HU
from napari_medsynth.widgets.rendering.stage_list import StageList

OWN = preset("synthseg")


@pytest.fixture
def stages(qtbot):
    made = StageList()
    qtbot.addWidget(made)
    made.show_preset(OWN)
    return made


@pytest.fixture
def heard(stages):
    calls = []
    stages.changed.connect(lambda: calls.append(stages.settings()))
    return calls


def is_ticked(row):
    return row.tick.checkState() != Qt.CheckState.Unchecked


def test_every_stage_has_a_row():
    assert set(DIALS) == set(STAGES)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_fills_them_with_its_own_settings(stages, name):
    own = preset(name)
    stages.show_preset(own)
    assert stages.settings() == {}
    for stage, row in stages.rows.items():
        assert is_ticked(row) == (stage in own.stages and own.stages[stage].prob > 0)
        if row.slider is not None and stage in own.stages:
            assert row.slider.value() == pytest.approx(row.dial.value(own.stages[stage]), abs=10**-row.dial.digits)
    assert not stages.reset.isEnabled()


def test_what_happens_by_chance_is_ticked_halfway_until_it_is_clicked(stages):
    row = stages.rows["bias_field"]
    assert row.tick.checkState() == Qt.CheckState.PartiallyChecked
    assert "95%" in row.tick.toolTip()
    row.tick.click()
    assert row.tick.checkState() == Qt.CheckState.Checked
    assert row.setting.prob == 1


def test_a_tick_adds_a_stage_with_the_strength_of_its_slider(stages, heard):
    row = stages.rows["motion"]
    row.tick.click()
    strength = row.slider.value()
    assert heard == [{"motion": replace(STAGES["motion"](), prob=1.0, strength=(strength, strength))}]
    row.tick.click()
    assert stages.settings() == {}


def test_unticking_what_the_preset_does_switches_it_off(stages, heard):
    stages.rows["intensity"].tick.click()
    assert heard[-1]["intensity"] == replace(OWN.stages["intensity"], prob=0.0)
    assert "intensity" not in Render(intensity=heard[-1]["intensity"]).stages()
    stages.rows["intensity"].tick.click()
    assert stages.rows["intensity"].is_on


def test_a_slider_makes_it_that_strong_in_every_image(stages, heard):
    stages.rows["bias_field"].slider.setValue(0.9)
    assert heard[-1]["bias_field"] == replace(OWN.stages["bias_field"], prob=1.0, std=(0.9, 0.9))
    stages.rows["ghosting"].slider.setValue(0.7)
    assert is_ticked(stages.rows["ghosting"])
    assert stages.rows["ghosting"].tick.font().bold()
    assert heard[-1]["ghosting"].strength == (0.7, 0.7)


def test_as_preset_takes_all_back(stages, heard):
    stages.rows["warp"].tick.click()
    stages.rows["noise"].slider.setValue(0.1)
    stages.reset.click()
    assert heard[-1] == {}
    assert is_ticked(stages.rows["warp"])
    assert not is_ticked(stages.rows["noise"])


def test_another_preset_takes_back_what_was_for_the_last_one(stages):
    stages.rows["motion"].tick.click()
    stages.show_preset(preset("brain-t1"))
    assert stages.settings() == {}


def test_noise_of_ct_is_in_hounsfield_units(stages):
    stages.show_preset(preset("abdomen-ct"))
    assert stages.rows["noise"].slider.maximum() == MOST_HU
    stages.rows["noise"].slider.setValue(12)
    assert stages.rows["noise"].setting.std == (12, 12)
    stages.show_preset(OWN)
    assert stages.rows["noise"].slider.maximum() < 1


def test_every_dial_gives_settings_that_the_step_takes(stages):
    for row in stages.rows.values():
        if row.slider is not None:
            for end in (row.slider.minimum(), row.slider.maximum()):
                row.slider.setValue(end)
                Render(**stages.settings())
