"""In a real window: a dataset is made by a process of its own, stopped, gone on with, and looked through."""

from __future__ import annotations

import json
import time

import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget

from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.verify import verify
from napari_medsynth.widgets.datasets.making import Making
from napari_medsynth.widgets.datasets.panel import DatasetPanel
from processes import is_alive

from .conftest import RECIPE, SOON, at_rest

pytestmark = pytest.mark.gui


@pytest.fixture
def window(make_napari_viewer, qtbot):
    """Viewer and panel; nothing runs any more when it is over."""
    viewer = make_napari_viewer(show=True)
    panel = DatasetPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Dataset")
    gone = []
    panel.destroyed.connect(lambda: gone.append(True))
    yield viewer, panel
    if not gone:
        panel.making.cancel()
        qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)


def ask(panel, folder, count):
    panel.make.recipe.show_text(RECIPE)
    panel.make.form.set(Making(count=count, seed=3, workers=1))
    panel.make.folder.setText(str(folder))
    panel.make.look_at_folder()


def test_a_dataset_is_made_stopped_gone_on_with_and_looked_through(window, qtbot, dataset, tmp_path):
    viewer, panel = window
    tab, folder = panel.make, tmp_path / "phantoms"
    ask(panel, folder, 80)
    tab.make.click()
    assert tab.is_making
    assert tab.make.toolTip() == "Not now: one is being made"
    qtbot.waitUntil(lambda: any((folder / ".unfinished").glob("[!.]*.h5")), timeout=SOON)
    panel.making._button.click()
    qtbot.waitUntil(lambda: not tab.is_making, timeout=SOON)
    assert tab.make.text().startswith("Resume (")
    assert tab.make.text().endswith(" of 80 done)")
    assert "kept" in tab.told.text()
    tab.make.click()
    qtbot.waitUntil(lambda: not tab.is_making, timeout=SOON)
    assert verify(folder) == []
    with Split.open(folder / "train.h5") as made, Split.open(dataset / "train.h5") as known:
        assert made.checksums[: len(known)] == known.checksums
    assert tab.state.text() == "A finished dataset of 80 cases is there."
    tab.look.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=SOON)
    assert panel.tabs.currentIndex() == 1
    assert panel.browse.report.isEnabled()


def test_progress_is_shown_and_the_event_loop_goes_on(window, qtbot, tmp_path):
    _, panel = window
    ask(panel, tmp_path / "phantoms", 5000)
    seen, gaps, last = [], [], time.perf_counter()
    panel.make.start()

    def watch():
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
        if panel.making._bar.value() > 0:
            seen.append((panel.making._bar.value(), panel.making._bar.maximum(), panel.making._label.text()))
        return len(seen) > 20

    qtbot.waitUntil(watch, timeout=SOON)
    panel.making.cancel()
    value, total, text = seen[-1]
    assert 0 < value < total == 5000
    assert text.startswith("Making 5000 cases: ")
    assert "cases/s" in text
    assert sorted(gaps)[len(gaps) // 2] < 1  # the median look came soon after the one before


def test_an_error_of_the_command_is_shown_in_the_panel(window, qtbot, tmp_path):
    _, panel = window
    ask(panel, tmp_path / "phantoms", 3)
    panel.make.recipe.show_text("seed: 3\nsteps:\n- insert_tumors: {kinds: [solid]}")
    panel.make.start()
    qtbot.waitUntil(lambda: not panel.make.is_making, timeout=SOON)
    assert "case 0 could not be made" in panel.make.told.text()
    assert panel.make.make.isEnabled()


def test_a_recipe_is_taken_from_an_open_panel(window):
    from napari_medsynth.widgets.phantom.panel import PhantomPanel

    viewer, panel = window
    phantom = PhantomPanel(viewer)
    viewer.window.add_dock_widget(phantom, name="Phantom")
    panel.make.take_from.fill()
    action = panel.make.take_from.menu().actions()[0]
    assert action.text() == "Phantom panel"
    action.trigger()
    assert panel.make.recipe.recipe == phantom.recipe()


def test_closing_the_dock_stops_what_is_made_and_takes_the_previews_away(window, qtbot, dataset, tmp_path):
    viewer, panel = window
    panel.look_through(dataset)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=SOON)
    ask(panel, tmp_path / "phantoms", 5000)
    panel.make.start()
    qtbot.waitUntil(lambda: any((tmp_path / "phantoms" / ".unfinished").glob("[!.]*.h5")), timeout=SOON)
    writer = json.loads((tmp_path / "phantoms" / ".unfinished" / "lock").read_text())["pid"]
    panel.window().findChild(QtViewerDockWidget, "Dataset").destroyOnClose()
    qtbot.waitUntil(lambda: len(viewer.layers) == 0, timeout=SOON)
    qtbot.waitUntil(lambda: not is_alive(writer), timeout=SOON)
    assert (tmp_path / "phantoms" / ".unfinished" / "plan.json").is_file()
    assert not (tmp_path / "phantoms" / ".unfinished" / "lock").exists()  # it was asked to end, not killed
