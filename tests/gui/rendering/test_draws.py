"""The strip of other draws: made one after the other when the hand rests, and a click takes one."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.widgets.rendering.draws import COUNT, Draws
from napari_medsynth.widgets.rendering.pictures import picture_of
from napari_medsynth.widgets.rendering.where import Where
from napari_medsynth.widgets.seed_box import LARGEST

from .conftest import SOON

GREY = np.full((20, 30), 100, np.uint8)


@pytest.fixture
def busy():
    return []


@pytest.fixture
def draws(qtbot, busy):
    made = Draws(lambda: bool(busy))
    qtbot.addWidget(made)
    made.begin_after(7)
    made.show()
    yield made
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


def shown(draws):
    return [not button.icon().isNull() for button in draws.buttons]


def test_they_are_of_the_seeds_that_follow(qtbot, draws):
    called = []
    draws.show_with(lambda seed: called.append(seed) or GREY)
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)
    assert called == [8, 9, 10, 11, 12, 13]
    assert all(shown(draws))


def test_a_click_takes_a_seed_and_the_arrow_shows_six_others(qtbot, draws):
    draws.show_with(lambda seed: GREY)
    with qtbot.waitSignal(draws.picked) as picked:
        draws.buttons[2].click()
    assert picked.args == [10]
    draws.more.click()
    assert draws.seeds == (14, 15, 16, 17, 18, 19)
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)


def test_the_seeds_begin_anew_after_the_largest(draws):
    draws.begin_after(LARGEST - 1)
    assert draws.seeds == (LARGEST, 0, 1, 2, 3, 4)


def test_they_wait_for_what_a_person_waits_for_more(qtbot, draws, busy):
    called = []
    busy.append(True)
    draws.show_with(lambda seed: called.append(seed) or GREY)
    qtbot.wait(700)
    assert not called
    busy.clear()
    qtbot.waitUntil(lambda: len(called) == COUNT, timeout=SOON)
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)


def test_those_of_an_older_wish_are_dropped(qtbot, draws):
    gate, old, new = threading.Event(), [], []
    draws.show_with(lambda seed: old.append(seed) or (gate.wait(SOON / 1000) and GREY))
    qtbot.waitUntil(lambda: bool(old), timeout=SOON)
    draws.show_with(lambda seed: new.append(seed) or GREY)
    gate.set()
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)
    assert len(old) == 1
    assert len(new) == COUNT


def test_one_that_fails_is_empty_and_the_others_are_made(qtbot, draws):
    def make(seed):
        if seed == 9:
            raise ConfigError("no")
        return GREY

    draws.show_with(make)
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)
    assert shown(draws) == [True, False, True, True, True, True]


def test_without_anything_to_draw_they_are_empty(qtbot, draws):
    draws.show_with(lambda seed: GREY)
    qtbot.waitUntil(lambda: not draws.is_under_way, timeout=SOON)
    draws.show_with(None)
    assert not any(shown(draws))
    assert not draws.buttons[0].isEnabled()


class TestPicture:
    def test_it_is_square_in_mm(self):
        picture = picture_of(np.zeros((1, 40, 20), np.float32), Where(0, 3), (5.0, 1.0, 2.0))
        assert picture.shape[0] == picture.shape[1]

    @pytest.mark.parametrize("axis", [1, 2])
    def test_the_head_is_up(self, axis):
        array = np.zeros((30, 20, 10), np.float32)
        array[25:] = 1
        picture = picture_of(array.take([0], axis), Where(axis, 0), (1.0, 1.0, 1.0))
        assert picture[0].min() == 255
        assert picture[-1].max() == 0

    def test_the_front_is_up_in_an_axial_slice(self):
        array = np.zeros((1, 20, 10), np.float32)
        array[:, :4] = 1
        assert picture_of(array, Where(0, 0), (1.0, 1.0, 1.0))[0].min() == 255
