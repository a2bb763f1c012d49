"""Jobs beside the viewer: one ending each, cancelled at a yield, closed in their thread, nothing touched."""

from __future__ import annotations

import threading
import time

import pytest
from napari.utils.notifications import notification_manager

from napari_medsynth.core.errors import HostError
from napari_medsynth.core.progress import Progress
from napari_medsynth.widgets.jobs import JobBar, one_step, start_job


class Endings:
    """Which of the callbacks came, and in which thread."""

    def __init__(self):
        self.seen = []
        self.threads = set()

    def note(self, kind):
        def callback(*args):
            self.seen.append((kind, *args))
            self.threads.add(threading.current_thread())

        return callback

    def start(self, job, **kwargs):
        callbacks = {kind: self.note(kind) for kind in ("done", "failed", "cancelled")}
        return start_job(job, title="Working", **{**callbacks, **kwargs})


@pytest.fixture
def endings():
    return Endings()


class Endless:
    """A job that only ends when it is closed."""

    def __init__(self):
        self.started, self.closed = threading.Event(), threading.Event()
        self.closed_in = None

    def __call__(self):
        try:
            for n in range(5_000):
                self.started.set()
                time.sleep(0.002)
                yield Progress(n % 10, 10, f"part {n}")
        finally:
            self.closed_in = threading.current_thread()
            self.closed.set()


def three_parts():
    for n in range(3):
        yield Progress(n, 3, f"part {n}")
    return 42


def failing():
    yield Progress(0, 0)
    raise HostError("no lungs found")


def broken():
    yield Progress(0, 0)
    raise ZeroDivisionError("a bug")


def ended(handle):
    return lambda: not handle.is_running


def test_the_result_arrives_in_the_main_thread(qtbot, endings):
    qtbot.waitUntil(ended(endings.start(three_parts)))
    assert endings.seen == [("done", 42)]
    assert endings.threads == {threading.main_thread()}


def test_a_plain_call_runs_in_another_thread(qtbot, endings):
    qtbot.waitUntil(ended(endings.start(one_step(threading.current_thread))))
    assert endings.seen[0][1] is not threading.main_thread()


def test_an_error_arrives_once_and_is_not_shown_twice(qtbot, endings):
    before = len(notification_manager.records)
    qtbot.waitUntil(ended(endings.start(failing)))
    assert [kind for kind, _ in endings.seen] == ["failed"]
    assert isinstance(endings.seen[0][1], HostError)
    assert len(notification_manager.records) == before


def test_without_a_handler_an_error_of_ours_is_shown_as_one_line(qtbot, endings):
    qtbot.waitUntil(ended(endings.start(failing, failed=None)))
    assert notification_manager.records[-1].message == "no lungs found"
    assert endings.seen == []


def test_a_bug_is_not_swallowed(qtbot, endings):
    with qtbot.captureExceptions() as raised:
        qtbot.waitUntil(ended(endings.start(broken, failed=None)))
    assert [type(error) for _, error, _ in raised] == [ZeroDivisionError]


class TestCancel:
    def test_it_acts_at_the_next_yield_and_closes_the_job_in_its_thread(self, qtbot, endings):
        job = Endless()
        handle = endings.start(job)
        qtbot.waitUntil(job.started.is_set)
        handle.cancel()
        qtbot.waitUntil(ended(handle))
        assert job.closed.is_set()
        assert job.closed_in is not threading.main_thread()
        assert endings.seen == [("cancelled",)]

    def test_a_result_that_was_ready_is_dropped(self, qtbot, endings):
        at_work, go_on = threading.Event(), threading.Event()

        def slow():
            at_work.set()
            assert go_on.wait(10)
            return 42

        handle = endings.start(one_step(slow))
        qtbot.waitUntil(at_work.is_set)
        handle.cancel()
        go_on.set()
        qtbot.waitUntil(ended(handle))
        assert endings.seen == [("cancelled",)]

    def test_the_activity_docks_cancel_button_does_the_same(self, qtbot, endings):
        from napari.utils import progress

        job = Endless()
        handle = endings.start(job)
        qtbot.waitUntil(job.started.is_set)
        (dock,) = [bar for bar in progress._all_instances if bar.desc.startswith("Working")]
        dock.cancel()
        qtbot.waitUntil(ended(handle))
        assert endings.seen == [("cancelled",)]
        assert dock not in progress._all_instances


class TestBar:
    def test_it_shows_the_job_while_it_runs(self, qtbot, endings):
        bar = JobBar()
        qtbot.addWidget(bar)
        assert bar.isHidden()
        job = Endless()
        handle = endings.start(job, bar=bar)
        qtbot.waitUntil(lambda: "Working: part" in bar._label.text())
        assert not bar.isHidden()
        assert bar._bar.maximum() == 10
        assert bar._elapsed.text() == "0:00"
        bar._button.click()
        assert (bar._button.text(), bar._button.isEnabled()) == ("Cancelling…", False)
        qtbot.waitUntil(ended(handle))
        assert bar.isHidden()
        assert not bar.is_busy

    def test_the_next_job_can_be_cancelled_again(self, qtbot, endings):
        bar = JobBar()
        qtbot.addWidget(bar)
        for _ in range(2):
            handle = endings.start(Endless(), bar=bar)
            assert (bar._button.text(), bar._button.isEnabled()) == ("Cancel", True)
            bar._button.click()
            qtbot.waitUntil(ended(handle))
        assert endings.seen == [("cancelled",), ("cancelled",)]

    def test_of_two_jobs_the_later_one_stays_shown(self, qtbot, endings):
        bar = JobBar()
        qtbot.addWidget(bar)
        first, second = endings.start(Endless(), bar=bar), endings.start(Endless(), bar=bar)
        first.cancel()
        qtbot.waitUntil(ended(first))
        assert bar.is_busy
        assert bar._button.text() == "Cancel"
        bar.cancel()
        qtbot.waitUntil(ended(second))

    def test_a_job_ends_with_its_panel(self, qtbot, endings):
        bar = JobBar()
        job = Endless()
        handle = endings.start(job, bar=bar)
        qtbot.waitUntil(job.started.is_set)
        bar.deleteLater()
        qtbot.waitUntil(ended(handle))
        assert endings.seen == [("cancelled",)]


@pytest.mark.gui
def test_closing_the_window_ends_the_job_and_touches_no_layer(make_napari_viewer, qtbot, endings):
    viewer = make_napari_viewer()
    job = Endless()
    handle = endings.start(job)
    qtbot.waitUntil(job.started.is_set)
    viewer.close()
    qtbot.waitUntil(ended(handle))
    assert job.closed.is_set()
    assert endings.seen == [("cancelled",)]
