"""In a real window: keys, clicks and views of a person, and the voxels afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import Qt

from napari_medsynth.core.case import Case
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.datasets.offers import recipes_on_offer
from napari_medsynth.widgets.phantom.made import made_small
from napari_medsynth.widgets.phantom.panel import PhantomPanel
from napari_medsynth.widgets.phantom.sizing import FINE, QUICK

from .conftest import SOON, at_rest

pytestmark = pytest.mark.gui


@pytest.fixture
def window(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    panel = PhantomPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Phantom")
    for part in panel.form.settings.row("image_size"):
        part.value = 32
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=SOON)
    at_rest(qtbot, panel)
    yield viewer, panel
    at_rest(qtbot, panel)


def test_keys_draw_a_new_body_and_make_it(window, qtbot):
    viewer, panel = window
    before, seed = viewer.layers[1].data.copy(), panel.form.seed.value()
    with qtbot.waitActive(panel.window(), timeout=SOON):
        panel.window().activateWindow()
    panel.create.setFocus()
    qtbot.keyClick(panel.create, Qt.Key.Key_R)
    at_rest(qtbot, panel)
    assert panel.form.seed.value() != seed
    assert not np.array_equal(viewer.layers[1].data, before)
    qtbot.keyClick(panel.create, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    at_rest(qtbot, panel)
    case = panel.form.step()(Case(id="phantom"), seed=panel.form.seed.value())
    np.testing.assert_array_equal(viewer.layers["classic-normal_complete"].data, case.image.array)
    np.testing.assert_array_equal(viewer.layers["classic-normal_complete labels"].data, case.labels.array)


def test_a_slider_that_is_dragged_is_followed(window, qtbot):
    viewer, panel = window
    seen = []
    viewer.layers[0].events.data.connect(lambda: seen.append(viewer.layers[0].data))
    slider = panel.form.settings.row("size_noise")
    for step in range(20):
        slider.value = 0.1 + 0.01 * step
        qtbot.wait(10)
    at_rest(qtbot, panel)
    assert 2 <= len(seen) <= 20
    assert len(viewer.layers) == 2


@pytest.mark.parametrize(("name", "order", "ndisplay"), [("Coronal", (1, 0, 2), 2), ("3D", (0, 1, 2), 3)])
def test_views_show_the_patient_from_the_front_with_the_head_up(window, qtbot, name, order, ndisplay):
    viewer, panel = window
    panel.form.settings.row("size_noise").value = 0
    panel.form.settings.row("position_noise").value = 0
    at_rest(qtbot, panel)
    next(view for view in panel.views if view.text() == name).click()
    assert (viewer.dims.order, viewer.dims.ndisplay) == (order, ndisplay)
    viewer.dims.set_point(1, 0)
    viewer.layers[0].visible = False
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    lung, liver = _place_of(picture, (0.45, 0.70, 0.90)), _place_of(picture, (0.55, 0.25, 0.15))
    other = _place_of(picture, (0.35, 0.55, 0.85))
    assert lung[0] < liver[0]  # rows grow downwards
    assert liver[1] < other[1]  # the patient's right is on our left
    assert lung[1] < other[1]


def test_closing_the_dock_leaves_the_viewer_as_it_was(window, qtbot):
    viewer, panel = window
    panel.window().findChild(QtViewerDockWidget, "Phantom").destroyOnClose()
    qtbot.waitUntil(lambda: not viewer.layers, timeout=SOON)
    viewer.dims.ndisplay = 3


def test_other_panels_find_its_recipe(window):
    viewer, panel = window
    assert list(recipes_on_offer(viewer).values()) == [panel.recipe()]


def _place_of(picture, colour):
    """Middle of what is shown in about this hue, in rows and columns."""
    share = np.asarray(colour) / np.max(colour)
    bright = picture.max(axis=-1)
    near = (np.abs(picture / np.maximum(bright, 1)[..., None] - share).max(axis=-1) < 0.06) & (bright > 30)
    assert near.any()
    return np.argwhere(near).mean(axis=0)


def test_finer_voxels_leave_the_slice_that_a_person_looks_at(window):
    viewer, panel = window
    step = Phantom(anatomy="torso", image_size=(128, 128, 64), scenario="normal_complete")
    coarse, fine = (made_small(step, 0, voxels) for voxels in (QUICK, FINE))
    panel.preview.show(coarse)
    before = np.array([-7.0, -3.5, -2.8])
    viewer.dims.set_point(range(3), before)
    for made in (fine, coarse) * 2:
        panel.preview.show(made)
        assert np.all(np.abs(viewer.dims.point - before) < coarse.case.image.spacing)
