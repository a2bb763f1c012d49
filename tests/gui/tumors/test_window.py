"""In a real window: the mouse and the keys of a person, and the voxels afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_medsynth.core.progress import finish
from napari_medsynth.widgets.layers import image_layer_data
from napari_medsynth.widgets.tumors import panel as panel_module
from napari_medsynth.widgets.tumors.made import PREFIX
from napari_medsynth.widgets.tumors.panel import TumorsPanel
from napari_medsynth.widgets.tumors.scatter import survey

from .conftest import MIDDLE

pytestmark = pytest.mark.gui

SOON = 30_000  # ms; generous, for two busy cores drawing without a graphics card


class Canvas:
    """The canvas as a person sees it: places of the scan, clicked and dragged to."""

    def __init__(self, qtbot, viewer, layer):
        self.qtbot, self.viewer, self.layer = qtbot, viewer, layer
        self.widget = viewer.window._qt_viewer.canvas.native

    def at(self, index):
        """Where in the widget a place of the scan is, in slices whose axes are (z, y, x)."""
        world = np.asarray(self.layer.data_to_world(index))
        camera = self.viewer.scene.camera
        away = (world[-2:] - np.asarray(camera.center[-2:])) * camera.zoom
        middle = np.array([self.widget.height(), self.widget.width()]) / 2
        down, right = middle + away
        return QPoint(round(right), round(down))

    def click(self, index):
        self.qtbot.mouseClick(self.widget, Qt.MouseButton.LeftButton, pos=self.at(index))

    def drag(self, start, stop):
        self.qtbot.mousePress(self.widget, Qt.MouseButton.LeftButton, pos=self.at(start))
        for share in (0.3, 0.6, 1.0):
            between = np.asarray(start) * (1 - share) + np.asarray(stop) * share
            self.qtbot.wait(50)  # napari passes over moves that follow each other too soon
            self.move(between)
        self.qtbot.wait(50)
        self.qtbot.mouseRelease(self.widget, Qt.MouseButton.LeftButton, pos=self.at(stop))

    def move(self, index):
        place, left = QPointF(self.at(index)), Qt.MouseButton.LeftButton
        where = QPointF(self.widget.mapToGlobal(self.at(index)))
        event = QMouseEvent(QEvent.Type.MouseMove, place, where, left, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.widget, event)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        self.qtbot.keyClick(self.widget, key, modifier)


@pytest.fixture
def window(make_napari_viewer, qtbot, scan, lung, library, monkeypatch):
    """Viewer, Place tab and canvas, at the middle slice of the scan, with a made lesion to place."""
    monkeypatch.setattr(panel_module, "library_folder", lambda: library.folder)
    viewer = make_napari_viewer(show=True)
    data, how, _ = image_layer_data(scan, name="scan")
    layer = viewer.add_image(data, **how)
    panel = TumorsPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Tumors")
    tab = panel.place
    qtbot.waitUntil(lambda: tab.desk.placer.organ is not None and not panel.bar.is_busy, timeout=SOON)
    tab.desk.placer.take_survey(finish(survey(tab.desk.placer.case, lung)))
    tab.seeds.select(PREFIX + "solid")
    qtbot.waitUntil(lambda: tab.desk.is_placing, timeout=SOON)
    viewer.dims.set_point(0, layer.data_to_world(MIDDLE)[0])
    yield viewer, tab, Canvas(qtbot, viewer, layer)
    qtbot.waitUntil(lambda: not panel.bar.is_busy, timeout=SOON)


def test_click_drag_enter_undo_and_redo(window, scan):
    viewer, tab, canvas = window
    ghost = tab.desk.placer.ghost
    centre = tuple(viewer.scene.camera.center)
    canvas.click((12, 25, 40))
    assert ghost.centre == (12, 25, 40)
    canvas.drag((12, 25, 40), (12, 33, 30))
    assert ghost.centre == (12, 33, 30)
    assert tuple(viewer.scene.camera.center) == centre  # the drag was the ghost's, not the camera's
    canvas.press(Qt.Key.Key_Return)
    image, instances = tab.desk.placer.outputs.layers
    where = instances.data == 1
    assert where.any()
    np.testing.assert_allclose(np.argwhere(where).mean(axis=0), (12, 33, 30), atol=1.5)
    assert np.median(image.data[where]) > -200 > -700 > np.median(scan.array[where])
    canvas.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(image.data, scan.array)
    canvas.press(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert (image.data != scan.array).any()


def test_a_drag_beside_the_ghost_pans(window):
    viewer, tab, canvas = window
    canvas.click((12, 40, 40))
    before = tuple(viewer.scene.camera.center)
    canvas.drag((12, 15, 15), (12, 20, 22))
    assert tuple(viewer.scene.camera.center) != before
    assert tab.desk.placer.ghost.centre == (12, 40, 40)


def test_arrows_nudge_r_redraws_and_escape_stops(window):
    viewer, tab, canvas = window
    canvas.click((12, 30, 30))
    canvas.press(Qt.Key.Key_Right)
    canvas.press(Qt.Key.Key_Up)
    canvas.press(Qt.Key.Key_PageUp)
    assert tab.desk.placer.ghost.centre == (13, 29, 31)
    number = tab.number.value()
    canvas.press(Qt.Key.Key_R)
    assert tab.number.value() == number + 1
    canvas.press(Qt.Key.Key_Escape)
    assert not tab.desk.is_placing
    assert [layer.name for layer in viewer.layers] == ["scan"]


def test_slices_of_other_axes_and_3d(window):
    viewer, tab, canvas = window
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, tab.desk.placer.layer.data_to_world(MIDDLE)[1])
    viewer.reset_view()
    canvas.qtbot.wait(50)
    tab.desk.placer.place(MIDDLE)
    viewer.dims.ndisplay = 3
    canvas.qtbot.mouseClick(canvas.widget, Qt.MouseButton.LeftButton, pos=canvas.widget.rect().center())
    assert tab.desk.placer.ghost.centre == pytest.approx(MIDDLE, abs=3)
    shown = next(layer for layer in viewer.layers if layer.name == "lesion (contour)")
    body = np.count_nonzero(shown.data)
    viewer.dims.ndisplay = 2
    assert 0 < np.count_nonzero(shown.data) < body


def test_closing_the_dock_gives_everything_back(window, qtbot):
    viewer, tab, canvas = window
    canvas.click((12, 30, 30))
    desk = tab.desk
    tab.window().findChild(QtViewerDockWidget, "Tumors").destroyOnClose()
    qtbot.waitUntil(lambda: not desk.is_placing, timeout=SOON)
    assert [layer.name for layer in viewer.layers] == ["scan"]


def test_keys_reach_the_ghost_although_a_labels_layer_was_selected(window):
    """A labels layer has uses of its own for Enter and Ctrl+Z; picking a seed, and each click, selects the scan."""
    viewer, tab, canvas = window
    labels = viewer.add_labels(np.zeros(viewer.layers["scan"].data.shape, np.uint8), scale=viewer.layers["scan"].scale)
    viewer.layers.selection.active = labels
    canvas.click((12, 25, 40))
    canvas.press(Qt.Key.Key_Return)
    assert len(tab.desk.placer.session.placed) == 1
    viewer.layers.selection.active = labels
    tab.desk.start()
    canvas.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(tab.desk.placer.session.placed) == 0
