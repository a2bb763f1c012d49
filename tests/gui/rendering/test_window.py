"""In a real window: keys, sliders and clicks of a person, and the voxels afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import Qt

from napari_medsynth.core.case import Case
from napari_medsynth.widgets.layers import labels_of
from napari_medsynth.widgets.rendering.panel import RenderPanel

from .conftest import SOON, add, at_rest, head, named, preview_of

pytestmark = pytest.mark.gui


@pytest.fixture
def window(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    add(viewer, named(head()))
    panel = RenderPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Render")
    panel.form.contrast.choose("brain-t1")
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)
    at_rest(qtbot, panel)
    gone = []
    panel.destroyed.connect(lambda: gone.append(True))
    yield viewer, panel
    if not gone:
        at_rest(qtbot, panel)
        qtbot.waitUntil(lambda: not panel.view.draws.is_under_way, timeout=SOON)


def test_keys_roll_the_dice_and_make_the_image(window, qtbot):
    viewer, panel = window
    before, seed = preview_of(viewer).data.copy(), panel.form.seed.value()
    with qtbot.waitActive(panel.window(), timeout=SOON):
        panel.window().activateWindow()
    panel.apply.setFocus()
    qtbot.keyClick(panel.apply, Qt.Key.Key_R)
    at_rest(qtbot, panel)
    assert panel.form.seed.value() != seed
    assert not np.array_equal(preview_of(viewer).data, before)
    qtbot.keyClick(panel.apply, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    at_rest(qtbot, panel)
    case = panel.form.step()(Case(id="labels", labels=labels_of(panel.layer)), seed=panel.form.seed.value())
    np.testing.assert_array_equal(viewer.layers["head brain-t1"].data, case.image.array)


def test_a_slider_that_is_dragged_is_followed(window, qtbot):
    viewer, panel = window
    seen = []
    preview_of(viewer).events.data.connect(lambda: seen.append(1))
    for step in range(20):
        panel.form.contrast.slider.setValue(0.05 * step)
        qtbot.wait(10)
    at_rest(qtbot, panel)
    assert 2 <= len(seen) <= 20


def test_a_click_on_a_picture_takes_its_seed(window, qtbot):
    _, panel = window
    qtbot.waitUntil(lambda: not panel.view.draws.is_under_way, timeout=SOON)
    assert not any(button.icon().isNull() for button in panel.view.draws.buttons)
    qtbot.mouseClick(panel.view.draws.buttons[3], Qt.MouseButton.LeftButton)
    assert panel.form.seed.value() == panel.view.draws.seeds[3]
    assert panel.view.draws.seeds[3] == 4


def test_new_labels_are_offered_and_the_choice_stays(window):
    viewer, panel = window
    add(viewer, head(), "other")
    assert [panel.form.layers.itemText(n) for n in range(panel.form.layers.count())] == ["other", "head"]
    assert panel.layer.name == "head"
    viewer.layers["head"].name = "mine"
    assert panel.form.layers.currentText() == "mine"


def test_it_fits_a_laptop(window):
    _, panel = window
    hint = panel.minimumSizeHint()
    assert hint.width() <= 420
    assert hint.height() <= 600


def test_closing_the_dock_takes_the_preview_away(window, qtbot):
    viewer, panel = window
    qtbot.waitUntil(lambda: not panel.view.draws.is_under_way, timeout=SOON)
    panel.window().findChild(QtViewerDockWidget, "Render").destroyOnClose()
    qtbot.waitUntil(lambda: [layer.name for layer in viewer.layers] == ["head"], timeout=SOON)
    viewer.dims.ndisplay = 3
