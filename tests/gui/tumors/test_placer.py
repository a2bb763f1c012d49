"""Placing by hand on a viewer's model: the ghost, the commit, undo, and what must stay as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import GridError, HostError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.step import replay
from napari_medsynth.tumor.insert import InsertTumors
from napari_medsynth.widgets.layers import KEY, history_of, labels_layer_data, volume_of
from napari_medsynth.widgets.previews import is_preview
from napari_medsynth.widgets.tumors.placer import Placer
from napari_medsynth.widgets.tumors.preview import WARNED
from napari_medsynth.widgets.tumors.scatter import survey
from napari_medsynth.widgets.tumors.sources import Source

from .conftest import MIDDLE


def preview_of(viewer):
    image, contour = (layer for layer in viewer.layers if is_preview(layer))
    return image, contour


def placed_at(placer, source, index):
    placer.choose(source)
    placer.place(index)
    return placer.commit()


class TestGhost:
    def test_appears_where_it_is_placed_and_is_as_large_as_its_box(self, viewer, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        image, contour = preview_of(viewer)
        assert image.data.shape == contour.data.shape == placer.ghost.lesion.box.shape
        start = placer.layer.data_to_world(placer.ghost.lesion.box.start)
        np.testing.assert_allclose(image.data_to_world((0, 0, 0)), start)
        np.testing.assert_allclose(image.scale, placer.layer.scale)

    def test_shows_the_voxels_that_a_commit_places(self, viewer, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        placer.settle()
        shown, where = preview_of(viewer)[0].data.copy(), placer.ghost.lesion.box.slices
        placer.commit()
        np.testing.assert_array_equal(placer.outputs.image.data[where], shown)

    def test_does_not_touch_the_scan_or_make_outputs(self, viewer, placer, source, scan):
        placer.choose(source)
        placer.place(MIDDLE)
        np.testing.assert_array_equal(placer.layer.data, scan.array)
        assert placer.outputs.layers == ()

    def test_moves_in_the_world_of_a_layer_that_was_scaled_and_moved(self, viewer, placer, source):
        placer.layer.scale, placer.layer.translate = (5, 2, 2), (-7, 100, 3)
        placer.choose(source)
        placer.place_world(placer.layer.data_to_world((12.3, 30.4, 31.6)))
        assert placer.ghost.centre == (12, 30, 32)

    def test_outside_the_scan_is_refused_and_the_ghost_stays_where_it_was(self, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        with pytest.raises(HostError, match=r"outside the scan of \(24, 60, 64\) voxels"):
            placer.place((12, 30, 64))
        assert placer.ghost.centre == MIDDLE

    def test_is_nudged_by_voxels_and_stays_in_the_scan(self, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        placer.nudge((1, -2, 0))
        assert placer.ghost.centre == (13, 28, 32)
        placer.nudge((0, 0, 1000))
        assert placer.ghost.centre == (13, 28, 63)

    def test_is_resized_in_mm(self, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        placer.resize(14.0)
        volume = placer.ghost.settle().mask.sum() * np.prod(placer.session.image.spacing)
        assert np.cbrt(6 * volume / np.pi) == pytest.approx(14, rel=0.08)

    def test_a_new_shape_is_drawn_from_a_seed_and_keeps_the_size(self, placer, library):
        placer.choose(Source.from_library(library.folder, library.infos[1].id))
        placer.place(MIDDLE)
        placer.redraw(5)
        first = placer.ghost.morph
        placer.redraw(6)
        assert placer.ghost.morph != first
        placer.redraw(5)
        assert placer.ghost.morph == first
        assert first.scale == 1.0

    def test_a_large_one_is_sketched_first_and_then_worked_out(self, placer):
        placer.choose(Source.from_kind("solid", 30.0))
        placer.place(MIDDLE)
        assert not placer.ghost.is_exact
        sketched = placer.ghost.lesion.mask.sum()
        placer.settle()
        assert placer.ghost.is_exact
        assert sketched == pytest.approx(placer.ghost.lesion.mask.sum(), rel=0.1)

    def test_work_that_comes_too_late_is_dropped(self, placer):
        placer.choose(Source.from_kind("solid", 30.0))
        placer.place(MIDDLE)
        key, call = placer.ghost.work
        placer.reshape(hu_shift=50)
        assert not placer.ghost.accept(key, call())
        assert not placer.ghost.is_exact

    def test_warns_of_a_place_that_breaks_a_rule_but_allows_it(self, viewer, placer, source):
        placer.choose(source)
        placer.place((12, 30, 59))  # half in the wall
        placer.settle()
        assert "inside the host" in placer.warning
        assert set(np.unique(preview_of(viewer)[1].data)) == {0, WARNED}
        placer.commit()
        assert placer.session.placed

    def test_a_lesion_that_begins_outside_the_organ_is_not_cut_at_its_wall(self, placer, source):
        placer.choose(source)
        placer.place((12, 30, 62))
        placer.settle()
        assert "outside the organ" in placer.warning
        assert placer.commit().entry.cut is None

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
    def test_contour_lies_in_the_slices_that_are_shown(self, viewer, placer, source, order):
        placer.choose(source)
        placer.place(MIDDLE)
        viewer.dims.order = order
        contour, mask = preview_of(viewer)[1].data > 0, placer.ghost.lesion.mask
        axes = order[1:]
        inner = np.all([np.roll(mask, step, axis) for axis in axes for step in (-1, 1)], axis=0) & mask
        np.testing.assert_array_equal(contour, mask & ~inner)

    def test_is_put_away_with_its_layers(self, viewer, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        placer.hide()
        assert list(viewer.layers) == [placer.layer]

    def test_leaves_the_selected_layer_selected(self, viewer, placer, source):
        viewer.layers.selection.active = placer.layer
        placed_at(placer, source, MIDDLE)
        assert viewer.layers.selection.active is placer.layer

    def test_comes_back_after_its_layers_were_deleted_by_hand(self, viewer, placer, source):
        placer.choose(source)
        placer.place(MIDDLE)
        viewer.layers.remove(preview_of(viewer)[0])
        placer.nudge((0, 1, 0))
        assert len(preview_of(viewer)) == 2


class TestCommit:
    def test_goes_into_new_layers_where_the_scan_is(self, viewer, placer, source, scan):
        placed_at(placer, source, MIDDLE)
        image, instances = placer.outputs.layers
        assert (image.name, instances.name) == ("scan + tumors", "scan tumors")
        for layer in (image, instances):
            np.testing.assert_array_equal(layer.scale, placer.layer.scale)
            np.testing.assert_array_equal(layer.translate, placer.layer.translate)
            assert layer.units == placer.layer.units
            assert layer.axis_labels == placer.layer.axis_labels
        np.testing.assert_array_equal(placer.layer.data, scan.array)
        assert (image.data != scan.array).any()
        assert set(np.unique(instances.data)) == {0, 1}

    def test_only_the_lesions_box_changes(self, placer, source, scan):
        placed = placed_at(placer, source, MIDDLE)
        outside = np.ones(scan.shape, dtype=bool)
        outside[placed.box.slices] = False
        np.testing.assert_array_equal(placer.outputs.image.data[outside], scan.array[outside])

    def test_layers_lie_over_the_scan_and_under_the_ghost(self, viewer, placer, source):
        placed_at(placer, source, MIDDLE)
        placer.place((12, 20, 20))
        names = [layer.name for layer in viewer.layers]
        assert names == ["scan", "scan + tumors", "scan tumors", "lesion (preview)", "lesion (contour)"]

    def test_without_a_place_is_refused(self, placer, source):
        placer.choose(source)
        with pytest.raises(HostError, match="expected a seed to be chosen and a click"):
            placer.commit()

    def test_works_without_an_organ(self, bare, source):
        assert bare.remark
        placed = placed_at(bare, source, MIDDLE)
        assert placed.entry.cut is None

    def test_history_of_the_layers_gives_the_same_voxels_again(self, placer, source, library):
        placed_at(placer, source, MIDDLE)
        placed_at(placer, Source.from_library(library.folder, library.infos[0].id), (12, 30, 40))
        placed_at(placer, source, (12, 24, 36))
        placer.remove(2)
        placer.undo()
        image, instances = placer.outputs.layers
        kept = json.loads(json.dumps(image.metadata[KEY]))  # as a file keeps it
        history = history_of(image)
        assert kept["history"] == [record.to_json() for record in history]
        again = replay(Case(id="scan", image=volume_of(placer.layer)), history)
        np.testing.assert_array_equal(again.image.array, image.data)
        np.testing.assert_array_equal(again.instances.array, instances.data)

    def test_lesions_are_named_in_the_labels_layer(self, placer, source):
        placed_at(placer, source, MIDDLE)
        layer = placer.outputs.instances
        assert list(layer.features["name"]) == ["tumor 1"]
        assert list(layer.features["seed"]) == ["made, solid"]
        assert layer.metadata[KEY]["table"][0]["name"] == "tumor 1"

    def test_undo_and_redo_reach_the_layers(self, placer, source, scan):
        placed_at(placer, source, MIDDLE)
        after = placer.outputs.image.data.copy()
        placer.undo()
        np.testing.assert_array_equal(placer.outputs.image.data, scan.array)
        assert not placer.outputs.instances.data.any()
        assert history_of(placer.outputs.image) == ()
        placer.redo()
        np.testing.assert_array_equal(placer.outputs.image.data, after)

    def test_figures_are_those_of_the_voxels(self, placer, source, scan):
        placed_at(placer, source, MIDDLE)
        (found,) = placer.figures()
        mask = placer.outputs.instances.data == 1
        assert found.measured.volume_ml == pytest.approx(mask.sum() * 2.5 / 1000)
        assert found.measured.mean_hu == pytest.approx(placer.outputs.image.data[mask].mean())
        place = scan.affine.to_world(np.argwhere(mask).mean(axis=0))
        np.testing.assert_allclose(found.measured.centre_mm, place, atol=1e-6)

    def test_a_lesion_is_looked_at(self, viewer, placer, source):
        placed_at(placer, source, (5, 30, 32))
        placer.jump_to(1)
        at = placer.layer.world_to_data(viewer.dims.point)
        np.testing.assert_allclose(at, (5, 30, 32), atol=1.5)


class TestScatter:
    def test_places_what_the_step_places_headless(self, placer, lung):
        step = InsertTumors(count=(3, 3), kinds=("solid",))
        placer.take_scattered(finish(placer.scatter_job(step, seed=11)()))
        headless = step(Case(id="scan", image=placer.session.image, host=lung), seed=11)
        np.testing.assert_array_equal(placer.outputs.image.data, headless.image.array)
        np.testing.assert_array_equal(placer.outputs.instances.data, headless.instances.array)
        ours, theirs = placer.session.records()[0], headless.history[0]
        assert (ours.rng, ours.config, ours.params["lesions"]) == (theirs.rng, theirs.config, theirs.params["lesions"])

    def test_is_one_step_of_undo(self, placer, scan):
        placer.take_scattered(finish(placer.scatter_job(InsertTumors(count=(2, 2)), seed=1)()))
        placer.undo()
        np.testing.assert_array_equal(placer.outputs.image.data, scan.array)

    def test_keeps_clear_of_lesions_placed_by_hand_and_tells_what_was_not_placed(self, placer, source):
        placed_at(placer, source, MIDDLE)
        step = InsertTumors(count=(2, 2), kinds=("solid",), placement={"gap_mm": 100.0, "inside": 0.05})
        found = finish(placer.scatter_job(step, seed=2)())
        assert found.placed == ()
        lines = found.summary.splitlines()
        assert lines[0] == "Placed 0 of 2."
        assert "nearer than 100 mm to another lesion" in lines[1]

    def test_needs_an_organ(self, bare):
        with pytest.raises(HostError, match="not found yet"):
            bare.scatter_job(InsertTumors(), seed=0)

    def test_a_scan_without_lungs_is_said_and_can_still_be_placed_in(self, bare):
        found = finish(survey(Case(id="flat", image=replace(bare.session.image, array=bare.layer.data * 0))))
        bare.take_survey(found)
        assert bare.host is None
        assert bare.remark.startswith("lesions are not held inside an organ")


class TestScans:
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_voxels_that_are_not_finite_are_refused(self, viewer, bad):
        array = np.zeros((4, 5, 6), np.float32)
        array[0, 0, 0] = bad
        with pytest.raises(HostError, match="NaN or infinite"):
            Placer(viewer, viewer.add_image(array, contrast_limits=(0, 1)))

    def test_four_dimensions_are_refused(self, viewer):
        with pytest.raises(GridError, match="4 axes"):
            Placer(viewer, viewer.add_image(np.zeros((2, 3, 4, 5), np.int16)))

    def test_labels_on_another_grid_are_refused(self, viewer, layer):
        with pytest.raises(GridError, match="same grid"):
            Placer(viewer, layer, viewer.add_labels(np.zeros((4, 4, 4), np.uint8)))

    def test_existing_lesions_of_the_label_map_are_kept_clear_of(self, viewer, layer, scan, lung, source):
        array = np.zeros(scan.shape, np.uint8)
        array[11:14, 28:33, 30:35] = 3
        old = LabelMap(array, scan.affine, LabelTable((Label(3, "old tumor", "lesion"),)))
        data, how, _ = labels_layer_data(old, name="old")
        placer = Placer(viewer, layer, viewer.add_labels(data, **how))
        placer.take_survey(finish(survey(placer.case, lung)))
        placer.choose(source)
        placer.place((12, 30, 38))
        placer.settle()
        assert "another lesion" in placer.warning
