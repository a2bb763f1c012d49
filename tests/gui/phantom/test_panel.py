"""The panel on a viewer's model: what changes is previewed, what is made is what the core makes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_medsynth.core.case import Case
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.widgets.layers import history_of
from napari_medsynth.widgets.phantom import made as made_module
from napari_medsynth.widgets.phantom import panel as panel_module
from napari_medsynth.widgets.phantom.panel import PhantomPanel
from napari_medsynth.widgets.phantom.sizing import FINE, coarse
from napari_medsynth.widgets.previews import is_preview

from .conftest import SOON, at_rest


def own_layers(viewer):
    return [layer for layer in viewer.layers if not is_preview(layer)]


def small(panel, shape=(24, 20, 16)):
    for part, size in zip(panel.form.settings.row("image_size"), shape, strict=True):
        part.value = size


def expected(panel):
    return panel.form.step()(Case(id="phantom"), seed=panel.form.seed.value())


class TestPreview:
    def test_in_an_empty_viewer_a_body_is_there_at_once(self, viewer, panel):
        assert [layer.name for layer in viewer.layers] == ["image (preview)", "labels (preview)"]
        assert panel.told.text() == "normal complete: 13 of 13 structures"

    def test_beside_other_layers_it_waits_for_a_change(self, qtbot, viewer):
        mine = viewer.add_image(np.zeros((3, 4, 5)))
        panel = PhantomPanel(viewer)
        qtbot.wait(50)
        at_rest(qtbot, panel)
        assert list(viewer.layers) == [mine]
        panel.form.seed.setValue(3)
        qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=SOON)
        at_rest(qtbot, panel)
        panel.deleteLater()
        qtbot.waitUntil(lambda: list(viewer.layers) == [mine], timeout=SOON)

    @pytest.mark.parametrize("name", ["position_noise", "size_noise", "intensity_noise"])
    def test_a_slider_changes_it_to_the_body_that_will_be_made(self, qtbot, viewer, panel, name):
        before = viewer.layers[0].data.copy()
        panel.form.settings.row(name).value = 0.01
        at_rest(qtbot, panel)
        assert not np.array_equal(viewer.layers[0].data, before)
        body = coarse(panel.form.step(), FINE)(Case(id="phantom"), seed=panel.form.seed.value())
        np.testing.assert_array_equal(viewer.layers[0].data, body.image.array)
        np.testing.assert_array_equal(viewer.layers[1].data, body.labels.array)

    def test_the_torso_is_shown_in_its_own_window(self, qtbot, viewer, panel):
        panel.form.settings.row("anatomy").value = "torso"
        at_rest(qtbot, panel)
        assert tuple(viewer.layers[0].contrast_limits) == (-160, 240)
        assert len(viewer.layers) == 2

    def test_without_it_nothing_is_shown(self, qtbot, viewer, panel):
        panel.live.setChecked(False)
        panel.form.seed.setValue(8)
        at_rest(qtbot, panel)
        assert not viewer.layers
        panel.live.setChecked(True)
        qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=SOON)

    def test_closing_the_panel_takes_it_away(self, qtbot, viewer, panel):
        panel.deleteLater()
        qtbot.waitUntil(lambda: not viewer.layers, timeout=SOON)


class TestCreate:
    @pytest.mark.parametrize("anatomy", ["classic", "torso"])
    def test_it_makes_what_the_core_makes(self, qtbot, viewer, panel, anatomy):
        panel.form.settings.row("anatomy").value = anatomy
        small(panel)
        panel.form.seed.setValue(21)
        panel.create.click()
        at_rest(qtbot, panel)
        image, labels = viewer.layers
        case = expected(panel)
        np.testing.assert_array_equal(image.data, case.image.array)
        np.testing.assert_array_equal(labels.data, case.labels.array)
        assert image.data.dtype == case.image.array.dtype
        assert history_of(labels) == case.history
        assert [image.name, labels.name] == [f"{anatomy}-normal_complete", f"{anatomy}-normal_complete labels"]

    def test_another_one_leaves_the_first_as_it_is(self, qtbot, viewer, panel):
        small(panel)
        for _ in range(2):
            panel.create.click()
            at_rest(qtbot, panel)
        assert len({layer.name for layer in viewer.layers}) == 4
        first = viewer.layers[0].data
        panel.form.seed.setValue(5)
        at_rest(qtbot, panel)
        assert viewer.layers[0].data is first
        assert [is_preview(layer) for layer in viewer.layers] == [False] * 4 + [True] * 2

    def test_cancel_leaves_the_layers_as_they_were(self, qtbot, viewer, panel, monkeypatch):
        gate, real = threading.Event(), made_module._made

        def slow(step, seed):
            gate.wait(SOON / 1000)
            return real(step, seed)

        before = list(viewer.layers)
        monkeypatch.setattr(made_module, "_made", slow)
        panel.create.click()
        assert panel.bar.is_busy
        assert panel.create.toolTip() == "Not now: a body is being made"
        panel.bar.cancel()
        gate.set()
        at_rest(qtbot, panel)
        assert list(viewer.layers) == before
        assert panel.create.isEnabled()

    def test_what_is_too_large_is_refused_and_the_button_says_why(self, qtbot, viewer, panel, monkeypatch):
        monkeypatch.setattr(panel_module, "budget", lambda: 1_000_000)
        small(panel, (64, 64, 64))
        assert not panel.create.isEnabled()
        assert "64 × 64 × 64 voxels take 4.2 MB" in panel.create.toolTip()
        assert "at most 1.0 MB" in panel.told.text()
        panel.make()
        at_rest(qtbot, panel)
        assert not own_layers(viewer)
        panel.live.setChecked(False)
        small(panel)
        assert panel.create.isEnabled()
        assert not panel.told.text()

    def test_why_it_is_refused_is_not_talked_over_by_a_preview_under_way(self, qtbot, panel, monkeypatch):
        small(panel, (40, 40, 40))
        qtbot.waitUntil(lambda: panel.previewer.is_busy, timeout=SOON)
        monkeypatch.setattr(panel_module, "budget", lambda: 1_000_000)
        small(panel, (64, 64, 64))
        at_rest(qtbot, panel)
        assert "at most 1.0 MB" in panel.told.text()


def test_copies_are_of_what_is_shown(qtbot, panel):
    small(panel)
    panel.form.seed.setValue(4)
    texts = {}
    for kind, action in panel.copy.actions_by_kind.items():
        action.trigger()
        texts[kind] = QApplication.clipboard().text()
    assert Recipe.from_yaml(texts["Recipe"]) == panel.recipe()
    assert panel.recipe() == Recipe(steps=(panel.form.step(),), seed=4)
    assert texts["Recipe"] in texts["Command"]
    assert "seed=4" in texts["Python"]
    at_rest(qtbot, panel)


def test_a_structure_that_is_unticked_is_gone_from_the_preview(qtbot, viewer, panel):
    liver = (
        panel.form.step().frame and next(v for v in viewer.layers[1].features.itertuples() if v.name == "liver").index
    )
    assert (viewer.layers[1].data == liver).any()
    panel.form.structures.by_hand.setChecked(True)
    panel.form.structures._tick(lambda name: name != "liver")
    panel.form.structures.changed.emit()
    at_rest(qtbot, panel)
    assert not (viewer.layers[1].data == liver).any()
    assert panel.told.text() == "custom: 12 of 13 structures"


def test_the_views_wait_for_something_to_look_at(qtbot, viewer, panel):
    assert all(view.isEnabled() for view in panel.views)
    panel.live.setChecked(False)
    panel.reset_choices()
    assert not any(view.isEnabled() for view in panel.views)
    assert "nothing" in panel.views[0].toolTip()
