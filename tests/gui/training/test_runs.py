"""A run from Start to its end, as the panel shows it; the process that trains is a fake."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_medsynth.core.progress import Progress
from napari_medsynth.io import read_case
from napari_medsynth.learning.run import Run
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.widgets.layers import labels_of, volume_of
from napari_medsynth.widgets.training.keeper import is_alive
from napari_medsynth.widgets.training.order import Order
from napari_medsynth.widgets.training.watch import Look

from .conftest import SOON, begin, close, end_processes, reach


def test_a_run_begins_is_followed_and_ends(qtbot, panel, layers, tmp_path):
    begin(qtbot, panel, "first", epochs=3)
    view = panel.runs.view
    assert panel.tabs.currentIndex() == 1
    seen = reach(qtbot, panel, "finished")
    assert [entry["epoch"] for entry in seen.log] == [1, 2, 3]
    qtbot.waitUntil(lambda: len(view.curves.points("loss")) == 3, timeout=SOON)
    assert view.curves.points("val_dice") == [(1, 0.5), (2, pytest.approx(2 / 3)), (3, 0.75)]
    assert view.state.text() == "first: Finished"
    assert "epoch 3 of 3" in view.told.text()
    assert view.dice.text().splitlines() == ["Best: epoch 3, validation Dice 0.750", "organ 0.75"]
    assert [path.name for path in view.samples.paths] == [f"epoch_{n:04d}.png" for n in (1, 2, 3)]
    assert view.samples.epoch.text() == "epoch 3"
    qtbot.waitUntil(lambda: panel.runs.list.rowCount() == 1, timeout=SOON)
    qtbot.waitUntil(lambda: panel.runs.list.item(0, 1).text() == "finished", timeout=SOON)
    assert [panel.runs.list.item(0, n).text() for n in (0, 2, 3)] == ["first", "3", "0.750"]
    qtbot.waitUntil(lambda: view.resume.toolTip() == "Not now: it has come to its end", timeout=SOON)


def test_layers_are_written_as_they_are_with_the_names_given(qtbot, panel, layers, tmp_path):
    panel.new.data.structures.item(0, 1).setText("my organ")
    begin(qtbot, panel, "first", epochs=1)
    case = read_case(tmp_path / "models" / "first" / "data" / "case-001")
    np.testing.assert_array_equal(case.labels.array, labels_of(layers[0]).array)
    np.testing.assert_array_equal(case.image.array, volume_of(layers[1]).array)
    assert [(entry.value, entry.name, entry.tissue) for entry in case.labels.table] == [
        (1, "my organ", "soft tissue"),
        (7, "lesion", "lesion"),
    ]
    assert case.labels.same_grid(case.image)


def test_stop_keeps_the_best_and_resume_goes_on(qtbot, panel):
    begin(qtbot, panel, "long", epochs=100)
    view = panel.runs.view
    qtbot.waitUntil(lambda: len(view.seen.log) >= 2, timeout=SOON)
    view.stop.click()
    seen = reach(qtbot, panel, "stopped")
    done = len(seen.log)
    assert 2 <= done < 100
    assert view.state.text() == "long: Stopped; the best model is kept"
    assert seen.run.best.is_file()
    qtbot.waitUntil(view.resume.isEnabled, timeout=SOON)
    view.resume.click()
    reach(qtbot, panel, "running")
    qtbot.waitUntil(lambda: len(view.seen.log) > done + 1, timeout=SOON)
    assert [entry["epoch"] for entry in view.seen.log] == list(range(1, len(view.seen.log) + 1))


def test_one_that_is_stopped_while_it_starts_is_no_failure(qtbot, panel):
    panel.new.form.name.setText("late")
    panel.new.start.click()
    reach(qtbot, panel, "starting")
    panel.runs.view.stop.click()
    reach(qtbot, panel, "stopped")
    assert panel.runs.view.told.text() == "it was stopped before it began"


def test_while_it_is_asked_to_stop_it_says_so(qtbot, panel, monkeypatch):
    begin(qtbot, panel, "long", epochs=200)
    view = panel.runs.view
    monkeypatch.setattr("napari_medsynth.widgets.training.keeper.stop_run", lambda run: None)  # it has not heard yet
    view.stop.click()
    reach(qtbot, panel, "stopping")
    assert view.stop.text() == "Stopping…"
    assert view.stop.toolTip() == "Not now: it is about to end"


def test_closing_the_panel_lets_it_train_on_and_a_new_one_finds_it(qtbot, panel, open_panel):
    begin(qtbot, panel, "long", epochs=200)
    run = panel.runs.view.seen.run
    close(qtbot, panel)
    before = len(run.log())
    other = open_panel()
    seen = reach(qtbot, other, "running")
    assert seen.run == run
    assert other.tabs.currentIndex() == 1
    qtbot.waitUntil(lambda: len(other.runs.view.seen.log) > before + 1, timeout=SOON)
    qtbot.waitUntil(lambda: len(other.runs.view.curves.points("loss")) > before, timeout=SOON)
    other.runs.view.stop.click()
    reach(qtbot, other, "stopped")


def test_one_that_was_killed_is_interrupted_and_goes_on(qtbot, panel):
    begin(qtbot, panel, "long", epochs=100)
    view = panel.runs.view
    qtbot.waitUntil(lambda: len(view.seen.log) >= 1, timeout=SOON)
    os.kill(view.seen.about["process"]["pid"], signal.SIGKILL)
    done = len(reach(qtbot, panel, "interrupted").log)
    assert view.state.text() == "long: Interrupted"
    assert "ended from outside" in view.told.text()
    qtbot.waitUntil(view.resume.isEnabled, timeout=SOON)
    view.resume.click()
    reach(qtbot, panel, "running")
    qtbot.waitUntil(lambda: len(view.seen.log) > done, timeout=SOON)


@pytest.mark.parametrize(
    ("name", "message", "epochs"),
    [("fails", "the loss of a batch made of case-001 is nan", 1), ("dumb", "data has no labels", 0)],
    ids=["in an epoch", "before it began"],
)
def test_why_it_failed_is_one_line(qtbot, panel, name, message, epochs):
    begin(qtbot, panel, name)
    seen = reach(qtbot, panel, "failed")
    view = panel.runs.view
    assert view.state.text() == f"{name}: Failed"
    assert view.told.text().startswith(message)
    assert "\n" not in view.told.text()
    assert len(seen.log) == epochs
    assert not view.stop.isEnabled()
    assert view.use.isEnabled() == bool(epochs)


def test_a_start_that_failed_before_it_began_is_no_obstacle(qtbot, panel):
    begin(qtbot, panel, "dumb")
    reach(qtbot, panel, "failed")
    qtbot.waitUntil(lambda: not is_alive(panel.runs.view.seen.run), timeout=SOON)
    panel.new.update_state()
    assert panel.new.start.isEnabled()


def test_a_name_that_is_taken_is_an_obstacle(qtbot, panel):
    begin(qtbot, panel, "first", epochs=1)
    reach(qtbot, panel, "finished")
    panel.new.update_state()
    assert panel.new.start.toolTip() == "Not now: a model called first is there already; choose another name"


def test_delete_asks_and_leaves_nothing(qtbot, panel, tmp_path, monkeypatch):
    begin(qtbot, panel, "first", epochs=1)
    reach(qtbot, panel, "finished")
    view, asked = panel.runs.view, []
    qtbot.waitUntil(view.delete.isEnabled, timeout=SOON)
    monkeypatch.setattr(panel.runs, "confirm", lambda question: asked.append(question))
    view.delete.click()
    assert "first" in asked[0]
    assert (tmp_path / "models" / "first").is_dir()
    monkeypatch.setattr(panel.runs, "confirm", lambda question: True)
    view.delete.click()
    qtbot.waitUntil(lambda: not list((tmp_path / "models").iterdir()), timeout=SOON)
    qtbot.waitUntil(lambda: panel.runs.list.rowCount() == 0 and view.seen is None, timeout=SOON)


def test_a_run_can_be_copied_and_comes_out_the_same(qtbot, panel, tmp_path):
    panel.new.data.structures.tick(1, False)
    begin(qtbot, panel, "first", epochs=1)
    reach(qtbot, panel, "finished")
    run = Run(tmp_path / "models" / "first")
    order = Order.of(run)
    assert order.settings.relabel == ((7, 7),)
    assert order.settings == TrainSettings.from_json(run.about()["settings"])
    copy = panel.runs.view.copy
    for kind, word in (
        ("Command", "medsynth train --config"),
        ("Python", "TrainSettings.from_json("),
        ("Config", "epochs: 1"),
    ):
        copy.actions_by_kind[kind].trigger()
        assert word in QApplication.clipboard().text()
    compile(copy.text_of("Python"), "copied", "exec")


def test_the_slider_goes_back_through_the_epochs_and_stays_there(qtbot, panel):
    begin(qtbot, panel, "long", epochs=200)
    samples = panel.runs.view.samples
    qtbot.waitUntil(lambda: len(samples.paths) >= 3, timeout=SOON)
    samples.slider.setValue(0)
    known = len(samples.paths)
    qtbot.waitUntil(lambda: len(samples.paths) > known, timeout=SOON)
    assert samples.epoch.text() == "epoch 1"
    samples.slider.setValue(samples.slider.maximum())
    known = len(samples.paths)
    qtbot.waitUntil(lambda: len(samples.paths) > known, timeout=SOON)
    assert samples.epoch.text() == f"epoch {len(samples.paths)}"


class TestLook:
    """What a run says of itself before and beyond its first epoch."""

    ABOUT: ClassVar = {"labels": [], "updated": 1000.0, "settings": {"fit": {"epochs": 4}}}

    def seen(self, tmp_path, **changes):
        told = Progress(5, 40, "epoch 1/4 · loss 1.000")
        return Look(Run(tmp_path / "one"), **{"state": "running", "about": self.ABOUT, "progress": told, **changes})

    def test_time_left_is_known_in_the_first_epoch(self, tmp_path):
        seen = self.seen(tmp_path, at=1010.0)
        assert (seen.seconds, seen.seconds_left) == (10, pytest.approx(70))
        assert self.seen(tmp_path, at=1001.0).seconds_left is None

    def test_the_clock_begins_with_the_training(self, tmp_path):
        reading = {key: value for key, value in self.ABOUT.items() if key != "labels"}
        assert self.seen(tmp_path, about=reading, at=1010.0).seconds == 0

    def test_one_that_was_not_validated_has_no_best(self, panel, tmp_path):
        entry = {"epoch": 3, "loss": 1.0, "val_dice": None, "dice": {"organ": None}, "seconds": 9.0, "best": True}
        panel.runs.view.show_look(self.seen(tmp_path, log=(entry,)))
        assert panel.runs.view.dice.text() == "Kept: epoch 3; with one patient there was nothing to validate on"


def test_nothing_that_was_started_is_left(qtbot, panel):
    begin(qtbot, panel, "long", epochs=200)
    assert len(end_processes()) == 1
    reach(qtbot, panel, "interrupted")
