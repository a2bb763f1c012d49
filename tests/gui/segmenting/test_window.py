"""In a real window: keys, the panels that the closed loop opens, the size, and closing."""

from __future__ import annotations

import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import QThreadPool

from napari_medsynth.widgets.layers import labels_of, with_history
from napari_medsynth.widgets.preferences import PLUGIN

from .conftest import SOON, add_image, add_labels, wait_for
from .test_improve import by

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("medsynth_plugin", "preferences", "measured_here")]


@pytest.fixture
def window(make_napari_viewer, qtbot, scan, truth):
    viewer = make_napari_viewer(show=True)
    add_image(viewer, scan)
    expert = add_labels(viewer, truth)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
    wait_for(qtbot, panel)
    yield viewer, panel, expert
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


def opened(viewer, name):
    return viewer.window.dock_widgets[f"{name} ({PLUGIN})"]


def test_a_result_goes_to_the_other_panels_and_all_fit_a_laptop(window, qtbot, models, tmp_path):
    """One window for the whole loop: Extract, training cases, Train, Render."""
    viewer, panel, expert = window
    hint = panel.minimumSizeHint()
    assert hint.width() <= 420
    assert hint.height() <= 600
    add_labels(viewer, labels_of(expert), "other")
    with_history(expert, [by(models / "tiny.safetensors")])
    panel.improve.choose_labels(expert)

    panel.improve.extract.click()
    tumors = opened(viewer, "Tumors")
    assert tumors.tabs.currentIndex() == 0
    assert tumors.extract.image.currentData() is viewer.layers["scan"]
    assert tumors.extract.labels.currentData() is expert

    panel.improve.add.click()
    wait_for(qtbot, panel)
    panel.improve.train.click()
    train = opened(viewer, "Train")
    assert train.new.data.path == tmp_path / "cases"
    qtbot.waitUntil(lambda: not train.new.data.is_busy, timeout=SOON)

    panel.improve.render_button.click()  # a failure is synthesised
    qtbot.waitUntil(lambda: f"Render ({PLUGIN})" in viewer.window.dock_widgets, timeout=SOON)
    render = opened(viewer, "Render")
    assert render.layer is expert
    assert render.form.contrast.preset.name == "spine-t2"
    qtbot.waitUntil(lambda: not (render.view.previewer.is_busy or render.reader.is_busy), timeout=SOON)
    qtbot.waitUntil(lambda: not render.view.draws.is_under_way, timeout=SOON)


def test_closing_the_dock_takes_the_overlay_away(window, qtbot):
    viewer, panel, expert = window
    add_labels(viewer, labels_of(expert), "result")
    panel.compare.choose(viewer.layers["result"])
    panel.compare.start()
    wait_for(qtbot, panel)
    assert len(viewer.layers) == 4
    panel.window().findChild(QtViewerDockWidget, f"Segment ({PLUGIN})").destroyOnClose()
    qtbot.waitUntil(lambda: [layer.name for layer in viewer.layers] == ["scan", "expert", "result"], timeout=SOON)
