"""In a real window: a model is trained for seconds by the real command, and handed to the Segment panel."""

from __future__ import annotations

import time

import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget

from napari_medsynth.core.labels import LabelMap
from napari_medsynth.learning.model_file import read_card
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data
from napari_medsynth.widgets.training.panel import TrainPanel

from .conftest import FAKE, QUICK_MS, SOON, at_rest, begin, end_processes, reach

pytestmark = pytest.mark.gui


@pytest.fixture
def window(make_napari_viewer, qtbot, body, medsynth_plugin, tmp_path):
    """Viewer with two different bodies, and the panel."""
    viewer = make_napari_viewer(show=True)
    labels, _ = body
    for name, array in (("one", labels.array), ("two", np.roll(labels.array, 2, axis=1))):
        data, how, _ = labels_layer_data(LabelMap(array, labels.affine, labels.table), name=name)
        viewer.add_labels(data, **how)
    _, panel = viewer.window.add_plugin_dock_widget("napari-medsynth", "Train")
    assert isinstance(panel, TrainPanel)
    panel.new.form.folder.setText(str(tmp_path / "models"))
    panel.keeper._timer.setInterval(4 * QUICK_MS)
    gone = []
    panel.destroyed.connect(lambda: gone.append(True))
    yield viewer, panel
    if not gone:
        panel.keeper.close()
        qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)
    end_processes()


def ask(qtbot, panel):
    """Ask for as little as can be."""
    for layer in panel.new.data.layers._layers:
        panel.new.data.layers.tick(layer)
    panel.new.form.patch.setText("32")
    panel.new.form.fit.row("batch_size").value = 1
    qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)


@pytest.mark.usefixtures("measured_here")
def test_a_model_is_trained_and_used(window, qtbot, body):
    viewer, panel = window
    ask(qtbot, panel)
    gaps, last, view = [], time.perf_counter(), panel.runs.view
    begin(qtbot, panel, "tiny", epochs=2)

    def ended():
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
        return view.seen.state in ("finished", "failed")

    qtbot.waitUntil(ended, timeout=120_000)
    assert view.seen.state == "finished", view.told.text()
    qtbot.waitUntil(lambda: len(view.curves.points("loss")) == 2, timeout=SOON)
    assert len(view.curves.points("val_dice")) == 2
    assert view.dice.text().startswith("Best: epoch ")
    assert "organ" in view.dice.text()
    assert [path.name for path in view.samples.paths] == ["epoch_0001.png", "epoch_0002.png"]
    qtbot.waitUntil(lambda: view.samples.picture.height() > 50, timeout=SOON)
    assert [entry.name for entry in read_card(view.seen.run.best).labels] == ["organ", "lesion"]
    assert sorted(gaps)[len(gaps) // 2] < 1  # the median look came soon after the one before
    view.use.click()
    use(qtbot, viewer, view.seen.run.best, body)


def use(qtbot, viewer, model, body):
    """Segment an image with it, and read the Dice of the result: the other half of what a stranger does."""
    labels, image = body
    data, how, _ = image_layer_data(image, name="scan")
    viewer.add_image(data, **how)
    panel = viewer.window.dock_widgets["Segment (napari-medsynth)"]
    parts = (panel.bar, panel.segment.models, panel.segment.fit)
    qtbot.waitUntil(lambda: not any(part.is_busy for part in parts), timeout=SOON)
    assert panel.segment.models.model.path == model
    assert panel.segment.run.isEnabled(), panel.segment.run.toolTip()
    panel.segment.run.click()
    qtbot.waitUntil(lambda: not panel.bar.is_busy, timeout=120_000)
    assert panel.segment._problem == ""
    assert "Compare" in panel.segment.told.text()
    result = viewer.layers["scan tiny"]
    assert result.data.shape == labels.shape
    assert panel.compare.found.currentText() == panel.improve.labels.currentText() == "scan tiny"
    assert panel.improve.image.currentText() == "scan"
    panel.compare.truth.setCurrentText("one")
    panel.compare.compare.click()
    qtbot.waitUntil(lambda: not panel.bar.is_busy, timeout=SOON)
    assert [line.cells[0] for line in panel.compare.table.lines] == ["organ", "lesion"]
    assert "Mean Dice" in panel.compare.told.text()


def test_it_fits_a_laptop_in_both_themes(window, qtbot):
    viewer, panel = window
    panel.keeper.program = FAKE
    ask(qtbot, panel)
    begin(qtbot, panel, "long", epochs=200)
    curves = panel.runs.view.curves
    qtbot.waitUntil(lambda: len(curves.points("loss")) > 1, timeout=SOON)
    grounds = set()
    for theme in ("dark", "light"):
        viewer.theme = theme
        hint = panel.minimumSizeHint()
        assert hint.width() <= 420
        assert hint.height() <= 600
        grounds.add(curves._plots[0].backgroundBrush().color().name())
    assert len(grounds) == 2
    reach(qtbot, panel, "running")


def test_closing_the_dock_lets_it_train_on(window, qtbot):
    viewer, panel = window
    panel.keeper.program = FAKE
    ask(qtbot, panel)
    begin(qtbot, panel, "long", epochs=300)
    run, gone = panel.runs.view.seen.run, []
    panel.destroyed.connect(lambda: gone.append(True))
    panel.window().findChild(QtViewerDockWidget, "Train (napari-medsynth)").destroyOnClose()
    qtbot.waitUntil(lambda: bool(gone), timeout=SOON)
    done = len(run.log())
    qtbot.waitUntil(lambda: len(run.log()) > done, timeout=SOON)
    assert run.state() == "running"
    viewer.theme = "light"  # nobody listens any more
    viewer.layers["one"].refresh()
