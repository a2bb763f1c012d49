"""Two label maps against each other: the figures, the overlay, the way to the worst slice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.utils._proxies import PublicOnlyProxy

from napari_medsynth.cli.app import main as medsynth
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import Progress, finish
from napari_medsynth.metrics import scores
from napari_medsynth.widgets.layers import with_history
from napari_medsynth.widgets.previews import is_preview
from napari_medsynth.widgets.segmenting import comparing
from napari_medsynth.widgets.segmenting.comparing import EXTRA, MISSED, OTHER, difference

from .conftest import TABLE, add_labels, wait_for
from .test_improve import by


@pytest.fixture
def found(truth):
    """Like the truth, but a slice of the disc is missed, a corner is extra, and the lesion is called a disc once."""
    array = truth.array.copy()
    array[8, 6:16, 4:14] = 0
    array[2, 1:3, 35:39] = 3
    array[4, 20:26, 26:32] = 3
    return LabelMap(array, truth.affine, TABLE)


def compare(qtbot, panel, found, truth):
    panel.compare.choose(found)
    index = [panel.compare.truth.itemData(n) for n in range(panel.compare.truth.count())].index(truth)
    panel.compare.truth.setCurrentIndex(index)
    panel.compare.compare.click()
    wait_for(qtbot, panel)


def cells(panel):
    return {line.cells[0]: line.cells[1:] for line in panel.compare.table.lines}


class TestDifference:
    def test_missed_extra_and_another_structure(self, truth, found):
        overlay, worst = difference(found.array, truth.array)
        assert [int((overlay == kind).sum()) for kind in (MISSED, EXTRA, OTHER)] == [100, 8, 36]
        assert (overlay[8, 6:16, 4:14] == MISSED).all()
        assert (overlay[2, 1:3, 35:39] == EXTRA).all()
        assert worst[3][0] == 8
        assert worst[9][0] == 4

    def test_the_same_twice_differs_nowhere(self, truth):
        overlay, worst = difference(truth.array, truth.array)
        assert not overlay.any()
        assert worst == {}


def test_the_figures_are_those_of_the_command(truth, found, monkeypatch):
    """The command itself; only the start of a process is left out."""

    def child(words):
        yield Progress(0, 0)
        assert medsynth(words) == 0

    monkeypatch.setattr(comparing, "child", child)
    assert finish(comparing.measuring(found, truth)) == scores(truth, found)


@pytest.mark.usefixtures("measured_here")
class TestPanel:
    def test_the_figures_are_those_of_the_core(self, qtbot, viewer, panel, truth, found):
        expert, result = add_labels(viewer, truth), add_labels(viewer, found, "result")
        compare(qtbot, panel, result, expert)
        disc = 2 * 500 / (600 + 500 + 8 + 36)
        assert cells(panel)["disc"][0] == f"{disc:.3f}"
        assert cells(panel)["lesion"][0] == f"{2 * 72 / (108 + 72):.3f}"
        assert cells(panel)["disc"][2:] == ("1.63", "1.80")
        assert "missed 100, extra 8, of another structure 36" in panel.compare.told.text()

    def test_a_row_leads_to_the_worst_slice(self, qtbot, viewer, panel, truth, found):
        expert, result = add_labels(viewer, truth), add_labels(viewer, found, "result")
        compare(qtbot, panel, result, expert)
        panel.compare.table.choose(9)
        assert round(result.world_to_data(viewer.dims.point)[0]) == 4
        panel.compare.table.choose(3)
        assert round(result.world_to_data(viewer.dims.point)[0]) == 8
        viewer.dims.order = (2, 0, 1)
        panel.compare.table.choose(9)
        assert 26 <= round(result.world_to_data(viewer.dims.point)[2]) < 32

    @pytest.mark.parametrize("orientation", ["SPL", "LPS", "RAS", "oblique"])
    def test_the_overlay_lies_where_the_difference_is(self, qtbot, viewer, panel, truth, turned, orientation):
        """Left is left, whichever way the file's axes run: the missed voxel is at the patient's place of it."""
        affine = Affine.from_spacing((3.0, 1.0, 2.0), orientation="SPL" if orientation == "oblique" else orientation)
        array = np.zeros((10, 12, 14), dtype=np.uint8)
        array[2:4, 3:9, 2:5] = 3
        expert = LabelMap(array, affine, TABLE)
        expert = turned(expert, 20) if orientation == "oblique" else expert
        less = array.copy()
        less[2, 3, 2] = 0
        result = add_labels(viewer, replace(expert, array=less), "result")
        compare(qtbot, panel, result, add_labels(viewer, expert))
        overlay = panel.compare.overlay.layer
        upright = replace(expert, array=(array != less).astype(np.uint8)).reoriented()
        [place] = np.argwhere(upright.array)
        np.testing.assert_array_equal(np.argwhere(overlay.data), [place])
        np.testing.assert_allclose(overlay.data_to_world(place), result.data_to_world(place))
        assert overlay.data[tuple(place)] == MISSED
        assert tuple(overlay.units) == tuple(result.units)

    def test_the_overlay_is_replaced_hidden_and_is_no_choice(self, qtbot, viewer, panel, truth, found):
        expert, result = add_labels(viewer, truth), add_labels(viewer, found, "result")
        compare(qtbot, panel, result, expert)
        compare(qtbot, panel, expert, result)
        [overlay] = [layer for layer in viewer.layers if is_preview(layer)]
        assert overlay.name == "expert differences"
        assert (overlay.data == EXTRA).sum() == 100
        panel.compare.shown.setChecked(False)
        assert not overlay.visible
        boxes = (panel.compare.found, panel.improve.labels)
        assert all(box.itemData(n) is not overlay for box in boxes for n in range(box.count()))

    def test_it_says_when_figures_are_of_yesterday(self, qtbot, viewer, panel, truth, found):
        expert, result = add_labels(viewer, truth), add_labels(viewer, found, "result")
        compare(qtbot, panel, result, expert)
        result.data_setitem((np.array([8]), np.array([7]), np.array([7])), 3)
        assert "compare again" in panel.compare.told.text()

    def test_other_voxels_are_not_compared(self, qtbot, viewer, panel, truth):
        result = add_labels(viewer, truth, "result")
        add_labels(viewer, LabelMap(truth.array[1:], truth.affine), "smaller")
        panel.compare.choose(result)
        assert not panel.compare.compare.isEnabled()
        assert "no other labels layer" in panel.compare.compare.toolTip()
        moved = add_labels(viewer, replace(truth, affine=truth.affine.shifted((2, 0, 0))), "moved")
        compare(qtbot, panel, result, moved)
        assert "only labels of the same voxels" in panel.compare.told.text()
        assert [layer.name for layer in viewer.layers] == ["result", "smaller", "moved"]

    def test_values_of_another_meaning_are_noticed(self, qtbot, viewer, panel, truth):
        result = add_labels(viewer, truth, "result")
        other = add_labels(viewer, LabelMap(truth.array * 2, truth.affine), "other")
        compare(qtbot, panel, result, other)
        assert "do they mean the same structures" in panel.compare.told.text()

    def test_what_the_model_does_not_look_for_is_not_missed(self, qtbot, viewer, panel, truth, found):
        result = add_labels(viewer, found, "result")
        array = truth.array.copy()
        array[0] = 5
        expert = add_labels(viewer, replace(truth, array=array))
        compare(qtbot, panel, result, expert)
        assert set(cells(panel)) == {"disc", "label 5", "lesion"}  # it may be anybody's
        with_history(result, [by("model.safetensors")])
        compare(qtbot, panel, result, expert)
        assert set(cells(panel)) == {"disc", "lesion"}
        assert "missed 100," in panel.compare.told.text()
        assert "1 structure that the model does not look for left out" in panel.compare.told.text()
        assert not panel.compare.overlay.layer.data[0].any()

    def test_a_layer_may_be_chosen_by_its_proxy(self, viewer, panel, truth, found):
        """Plugins are handed proxies of viewer and layers."""
        add_labels(viewer, truth)
        result = add_labels(viewer, found, "result")
        assert panel.compare.found.currentData() is not result
        panel.compare.choose(PublicOnlyProxy(result))
        assert panel.compare.found.currentData() is result

    def test_it_goes_with_the_panel(self, qtbot, viewer, panel, truth, found):
        expert, result = add_labels(viewer, truth), add_labels(viewer, found, "result")
        compare(qtbot, panel, result, expert)
        panel.compare.close_viewer()
        assert list(viewer.layers) == [expert, result]
        result.data_setitem((np.array([8]), np.array([7]), np.array([7])), 3)
        assert "Mean Dice" in panel.compare.told.text()
