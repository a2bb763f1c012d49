"""The preview follows the hand: the latest wish is worked out, those in between are not."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import QObject, QThreadPool

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.widgets.previewer import REST_MS, Previewer

SOON = 30_000  # ms; generous, for two busy cores


@pytest.fixture
def previewer(qtbot):
    parent = QObject()
    yield Previewer(parent)
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


@pytest.fixture
def heard(previewer):
    made = []
    previewer.made.connect(made.append)
    return made


def test_wishes_of_one_moment_are_one(qtbot, previewer, heard):
    called = []
    for number in range(5):
        previewer.ask(lambda number=number: called.append(number) or number)
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert called == heard == [4]


def test_while_one_is_worked_out_only_the_latest_waits(qtbot, previewer, heard):
    gate, called = threading.Event(), []
    previewer.ask(lambda: gate.wait(SOON / 1000) and "first")
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() > 0, timeout=SOON)
    for number in range(3):
        previewer.ask(lambda number=number: called.append(number) or number)
        qtbot.wait(5)
    gate.set()
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert called == [2]
    assert heard == ["first", 2]


def test_what_was_forgotten_is_not_shown(qtbot, previewer, heard):
    gate = threading.Event()
    previewer.ask(lambda: gate.wait(SOON / 1000))
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() > 0, timeout=SOON)
    previewer.ask(lambda: "waiting")
    previewer.forget()
    gate.set()
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert heard == []


def test_an_error_is_told_and_the_next_wish_is_worked_out(qtbot, previewer, heard):
    def fail():
        raise ConfigError("no such body")

    problems = []
    previewer.failed.connect(problems.append)
    previewer.ask(fail)
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert [str(problem) for problem in problems] == ["no such body"]
    previewer.ask(lambda: "next")
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert heard == ["next"]


def test_when_the_hand_rests_the_finer_one_follows(qtbot, previewer, heard):
    previewer.ask(lambda: "coarse", lambda: "fine")
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert heard == ["coarse", "fine"]


def test_a_hand_that_moves_on_is_not_kept_waiting_by_a_finer_one(qtbot, previewer, heard, monkeypatch):
    for number in range(3):
        previewer.ask(lambda number=number: number, lambda: "fine")
        qtbot.waitUntil(lambda number=number: number in heard, timeout=SOON)
    qtbot.waitUntil(lambda: not previewer.is_busy, timeout=SOON)
    assert heard == [0, 1, 2, "fine"]
    previewer.ask(lambda: 3, lambda: "fine")
    qtbot.waitUntil(lambda: 3 in heard, timeout=SOON)
    previewer.forget()
    qtbot.wait(2 * REST_MS)
    assert heard == [0, 1, 2, "fine", 3]


def test_the_finer_one_waits_for_another_rest_after_every_wish(qtbot, previewer, heard):
    gate = threading.Event()
    previewer.ask(lambda: "coarse", lambda: "fine")
    qtbot.waitUntil(lambda: heard == ["coarse"], timeout=SOON)
    previewer.made.connect(lambda _: previewer._rest.setInterval(SOON))
    previewer.ask(lambda: gate.wait(SOON / 1000) and "slow", lambda: "fine")
    qtbot.wait(2 * REST_MS)
    gate.set()
    qtbot.waitUntil(lambda: heard == ["coarse", "slow"], timeout=SOON)
    qtbot.wait(100)
    assert heard == ["coarse", "slow"]
    previewer.forget()
