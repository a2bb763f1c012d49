"""The panel on a viewer's model with a labels layer, and a fake process that trains."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data
from napari_medsynth.widgets.training import keeper
from napari_medsynth.widgets.training.panel import TrainPanel
from processes import is_alive

SOON = 60_000  # ms; generous, for two busy cores
QUICK_MS = 50  #: between two looks at a run; a person's eyes need no more than two a second
FAKE = (sys.executable, str(Path(__file__).with_name("fake_train.py")))


@pytest.fixture
def body():
    """An organ (1) with a lesion (7), and a scan of it: 24×28×26 voxels of 2 mm."""
    grid = np.indices((24, 28, 26)) - np.array([12, 14, 13])[:, None, None, None]
    far = np.sqrt((grid**2).sum(axis=0))
    array = np.where(far < 4, 7, np.where(far < 9, 1, 0)).astype(np.uint8)
    table = LabelTable((Label(1, "organ", "soft tissue"), Label(7, "lesion", "lesion")))
    affine = Affine.from_spacing((2, 2, 2))
    return LabelMap(array, affine, table), Volume((array * 20).astype(np.int16), affine, "MR")


@pytest.fixture
def layers(viewer, body):
    """The body as two layers of the viewer: labels, image."""
    labels, image = body
    data, how, _ = image_layer_data(image, name="scan")
    shown = viewer.add_image(data, **how)
    data, how, _ = labels_layer_data(labels, name="scan labels")
    return viewer.add_labels(data, **how), shown


@pytest.fixture
def open_panel(qtbot, viewer, tmp_path):
    """Open a panel on ``tmp_path / "models"`` whose process is the fake; it is closed, and what it started ended."""
    opened = []

    def make():
        panel = TrainPanel(viewer)
        panel.keeper.program = FAKE
        panel.keeper._timer.setInterval(QUICK_MS)
        panel.new.form.folder.setText(str(tmp_path / "models"))
        gone = []
        panel.destroyed.connect(lambda: gone.append(True))
        opened.append((panel, gone))
        qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)
        return panel

    yield make
    for panel, gone in opened:
        if not gone:
            close(qtbot, panel)
    end_processes()
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


@pytest.fixture
def panel(layers, open_panel):
    """A panel with the body's layers to train on."""
    return open_panel()


def at_rest(panel):
    """Whether nothing is being counted, written or listed."""
    return not (panel.bar.is_busy or panel.new.data.is_busy or panel.keeper.is_busy)


def close(qtbot, panel):
    gone = []
    panel.destroyed.connect(lambda: gone.append(True))
    panel.keeper.close()
    qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)
    panel.deleteLater()
    qtbot.waitUntil(lambda: bool(gone), timeout=SOON)


def end_processes():
    """End what panels started; returns their numbers."""
    for process, _ in keeper._started.values():
        process.kill()
        process.wait()
    numbers = [process.pid for process, _ in keeper._started.values()]
    keeper._started.clear()
    assert not any(is_alive(number) for number in numbers)
    return numbers


def begin(qtbot, panel, name, epochs=4):
    """Ask for a run, press Start, and wait until its process says that it runs, or has ended."""
    panel.new.form.name.setText(name)
    panel.new.form.amount.setValue(epochs)
    panel.new.form.steps.setValue(1)
    assert panel.new.start.isEnabled(), panel.new.start.toolTip()
    panel.new.start.click()
    reach(qtbot, panel, "running", "finished", "failed")


def reach(qtbot, panel, *states):
    """Wait until the run that is shown stands so."""
    view = panel.runs.view
    qtbot.waitUntil(lambda: view.seen is not None and view.seen.state in states, timeout=SOON)
    return view.seen
