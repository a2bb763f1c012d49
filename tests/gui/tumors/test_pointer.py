"""Mouse and keys, with events as napari makes them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_medsynth.widgets.tumors.desk import Desk
from napari_medsynth.widgets.tumors.keys import ARROWS, Keys, nudge
from napari_medsynth.widgets.tumors.pointer import Pointer

from .conftest import MIDDLE


class Mouse:
    """Presses, moves and releases the left button at places of the scan."""

    def __init__(self, placer, direction=None):
        self.placer, self.told = placer, []
        self.pointer = Pointer(placer, self.told.append)
        self.direction = direction

    def event(self, index, kind, pos=(0.0, 0.0), **changes):
        viewer = self.placer.viewer
        shown = list(viewer.dims.displayed)
        world = self.placer.layer.data_to_world(index)
        about = {"button": 1, "modifiers": (), "handled": False, "view_direction": self.direction, **changes}
        return SimpleNamespace(type=kind, pos=pos, position=world, dims_displayed=shown, **about)

    def run(self, *indices, **changes):
        """Press at the first place, move to the others, release at the last; returns whether the camera was kept."""
        event = self.event(indices[0], "mouse_press", **changes)
        follow = self.pointer.on_drag(self.placer.viewer, event)
        kept = []
        for number, index in enumerate((*indices[1:], indices[-1])):
            if next(follow, "ended") == "ended":
                break
            kept.append(event.handled)
            kind = "mouse_move" if number < len(indices) - 1 else "mouse_release"
            vars(event).update(vars(self.event(index, kind, pos=(40.0 * (number + 1), 0.0), **changes)))
        next(follow, None)
        return any(kept)


@pytest.fixture
def ready(placer, source):
    placer.choose(source)
    return placer


class TestClick:
    def test_places_the_ghost_at_the_voxel_under_it(self, ready):
        Mouse(ready).run((12, 25.4, 40.6))
        assert ready.ghost.centre == (12, 25, 41)

    def test_outside_the_scan_is_told_and_changes_nothing(self, ready):
        mouse = Mouse(ready)
        mouse.run((12, 30, 90))
        assert ready.ghost.centre is None
        assert "outside the scan" in mouse.told[-1]

    @pytest.mark.parametrize("change", [{"button": 2}, {"modifiers": ("Shift",)}])
    def test_with_another_button_or_a_modifier_is_left_to_napari(self, ready, change):
        Mouse(ready).run(MIDDLE, **change)
        assert ready.ghost.centre is None

    def test_is_left_to_a_layer_that_is_painted_in(self, viewer, ready):
        labels = viewer.add_labels(np.zeros((24, 60, 64), np.uint8))
        labels.mode = "paint"
        Mouse(ready).run(MIDDLE)
        assert ready.ghost.centre is None

    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
    def test_is_right_whatever_slices_are_shown(self, viewer, ready, order):
        viewer.dims.order = order
        Mouse(ready).run((10, 20, 30))
        assert ready.ghost.centre == (10, 20, 30)


class TestDrag:
    def test_that_begins_on_the_ghost_moves_it_and_not_the_camera(self, ready):
        ready.place(MIDDLE)
        assert Mouse(ready).run((12, 31, 32), (12, 33, 34), (12, 35, 29))
        assert ready.ghost.centre == (12, 34, 29)

    def test_that_begins_elsewhere_is_left_to_the_camera(self, ready):
        ready.place(MIDDLE)
        assert not Mouse(ready).run((12, 50, 50), (12, 40, 40))
        assert ready.ghost.centre == MIDDLE

    def test_beyond_the_edge_leaves_the_ghost_at_the_edge(self, ready):
        ready.place(MIDDLE)
        Mouse(ready).run(MIDDLE, (12, 30, 500))
        assert ready.ghost.centre == (12, 30, 63)


class TestIn3D:
    @pytest.fixture
    def mouse(self, viewer, ready):
        viewer.dims.ndisplay = 3
        return Mouse(ready, direction=np.array([0.0, 1.0, 0.0]))  # from the front to the back

    def test_a_click_goes_to_the_middle_of_the_organ_under_it(self, ready, mouse):
        mouse.run((12, -20, 32))
        assert ready.ghost.centre == pytest.approx(MIDDLE, abs=1)

    def test_a_click_beside_the_organ_is_told(self, ready, mouse):
        mouse.run((1, -20, 2))
        assert ready.ghost.centre is None
        assert "no organ under the click" in mouse.told[-1]

    def test_a_click_without_an_organ_goes_to_the_depth_of_the_middle(self, viewer, bare, source):
        viewer.dims.ndisplay = 3
        bare.choose(source)
        Mouse(bare, direction=np.array([0.0, 1.0, 0.0])).run((5, -20, 40))
        assert bare.ghost.centre == (5, 30, 40)

    def test_a_drag_moves_the_ghost_in_the_plane_of_the_screen(self, ready, mouse):
        ready.place((12, 40, 32))
        assert mouse.run((12, -20, 32), (15, -20, 28))
        assert ready.ghost.centre == (15, 40, 28)


class TestKeys:
    @pytest.fixture
    def pressed(self):
        return []

    @pytest.fixture
    def keys(self, viewer, pressed):
        names = ("place", "redraw", "stop", "undo", "redo")
        calls = {name: (lambda name=name: pressed.append(name)) for name in names}
        return Keys(viewer, {**calls, "nudge": lambda *way: pressed.append(way)})

    def test_act_while_bound_only(self, viewer, keys, pressed):
        before = dict(viewer.keymap)
        keys.bind()
        for key in list(viewer.keymap):
            viewer.keymap[key](viewer)
        assert {"place", "redraw", "stop", "undo", "redo", *ARROWS.values()} == set(pressed)
        keys.release()
        assert viewer.keymap == before

    def test_give_back_what_others_had_bound(self, viewer, keys):
        def mine(_viewer):
            return None

        viewer.bind_key("R", mine)
        keys.bind()
        keys.release()
        assert mine in viewer.keymap.values()

    @pytest.mark.parametrize(
        ("order", "way", "moved"),
        [
            ((0, 1, 2), (1, 0, 0), (0, 1, 0)),
            ((0, 1, 2), (0, -1, 0), (0, 0, -1)),
            ((0, 1, 2), (0, 0, 1), (1, 0, 0)),
            ((1, 0, 2), (1, 0, 0), (1, 0, 0)),
            ((2, 0, 1), (0, 1, 0), (0, 1, 0)),
        ],
    )
    def test_arrows_move_along_the_view(self, viewer, ready, order, way, moved):
        viewer.dims.order = order
        ready.place(MIDDLE)
        nudge(ready, *way)
        assert ready.ghost.centre == tuple(m + s for m, s in zip(MIDDLE, moved, strict=True))

    def test_view_follows_the_ghost_through_the_slices(self, viewer, ready):
        ready.place(MIDDLE)
        viewer.dims.set_point(0, ready.layer.data_to_world(MIDDLE)[0])
        nudge(ready, 0, 0, 2)
        assert ready.layer.world_to_data(viewer.dims.point)[0] == pytest.approx(14)


class TestDesk:
    @pytest.fixture
    def desk(self, viewer, layer, source):
        found = Desk(viewer, redraw=lambda: None)
        found.open(layer)
        found.placer.choose(source)
        return found

    def test_mouse_and_keys_are_taken_while_placing_only(self, viewer, desk):
        callbacks, keys = list(viewer.mouse_drag_callbacks), dict(viewer.keymap)
        desk.start()
        assert len(viewer.mouse_drag_callbacks) == len(callbacks) + 1
        assert len(viewer.keymap) > len(keys)
        desk.stop()
        assert (list(viewer.mouse_drag_callbacks), dict(viewer.keymap)) == (callbacks, keys)

    def test_nothing_is_placed_while_busy(self, desk):
        desk.placer.place(MIDDLE)
        desk.set_busy("scattering")
        desk.commit()
        assert not desk.placer.session.placed
        desk.set_busy("")
        desk.commit()
        assert desk.placer.session.placed

    def test_a_scan_keeps_its_lesions_while_another_is_worked_on(self, viewer, desk, layer):
        desk.placer.place(MIDDLE)
        desk.commit()
        other = viewer.add_image(np.zeros((4, 5, 6), np.int16), contrast_limits=(0, 1))
        desk.open(other)
        assert not desk.placer.session.placed
        desk.open(layer)
        assert len(desk.placer.session.placed) == 1

    def test_an_output_that_is_deleted_ends_the_session_and_is_told(self, viewer, desk, layer):
        told = []
        desk.told.connect(told.append)
        desk.placer.place(MIDDLE)
        desk.commit()
        viewer.layers.remove(desk.placer.outputs.instances)
        assert desk.placer is None
        assert "was removed" in told[-1]
        desk.open(layer)
        assert not desk.placer.session.placed

    def test_closing_leaves_the_lesions_and_nothing_else(self, viewer, desk):
        callbacks = list(viewer.mouse_drag_callbacks)
        desk.start()
        desk.placer.place(MIDDLE)
        desk.commit()
        desk.placer.place((12, 20, 20))
        desk.close()
        assert [layer.name for layer in viewer.layers] == ["scan", "scan + tumors", "scan tumors"]
        assert list(viewer.mouse_drag_callbacks) == callbacks

    def test_undo_works_while_the_lesions_labels_layer_is_selected(self, viewer, desk):
        desk.placer.place(MIDDLE)
        desk.commit()
        layer = desk.placer.outputs.instances
        for key, call in layer.keymap.items():
            if str(key) == "Ctrl+Z":
                call(layer)
        assert not desk.placer.session.placed
