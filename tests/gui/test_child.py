"""Commands in a process of their own: told apart from noise, ended with their job, never kept waiting."""

from __future__ import annotations

import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from napari_medsynth.core.errors import MedsynthError
from napari_medsynth.core.progress import Progress, finish
from napari_medsynth.widgets.child import Ended, child
from napari_medsynth.widgets.child_output import MOST_NOTES, Heard
from napari_medsynth.widgets.jobs import JobBar, start_job
from processes import is_alive

SOON = 30_000  # ms; generous, for two busy cores

HEAD = """
import json, signal, sys, time
def say(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)
"""


def program(body):
    """A toy command; the words that are added to it are there as ``sys.argv[1:]``."""
    return (sys.executable, "-c", HEAD + body)


def ran(body, words=(), **kwargs):
    return finish(child(words, program=program(body), **kwargs))


def pid_in(path):
    """The process id that a child wrote, once it is there in full."""
    try:
        return int(path.read_text().removesuffix("!")) if path.read_text().endswith("!") else 0
    except FileNotFoundError:
        return 0


ENDLESS = """
import os, pathlib
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()}!")
n = 0
while True:
    n += 1
    say("progress", done=n % 1000, total=1000, note="at work")
    time.sleep(0.01)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ENDLESS


class TestAsAJob:
    def test_what_it_wrote_and_told_is_the_result(self):
        made = ran('say("note", text="well  done"); say("wrote", path="out"); say("done", wrote=["out"])')
        assert made == Ended((Path("out"),), ("well done",))

    def test_the_words_arrive_as_they_are(self):
        words = ("dataset", "a b;$(touch x)", "-n", "3")
        told = ran("[say('note', text=word) for word in sys.argv[1:]]", words).notes
        assert told == (*words, "--progress", "json")

    def test_the_real_command_answers(self):
        assert finish(child(("--version",))).notes[0].startswith("medsynth ")

    def test_progress_is_passed_on(self):
        seen = []
        body = "[(say('progress', done=n, total=4, note=f'part {n}'), time.sleep(0.2)) for n in range(4)]"
        finish(child((), program=program(body)), seen.append)
        assert seen[0] == Progress(0, 0)
        assert {(p.done, p.total, p.note) for p in seen} >= {(n, 4, f"part {n}") for n in range(1, 4)}


class TestFailure:
    def test_its_own_message_is_the_error(self):
        body = 'print("medsynth: other", file=sys.stderr); say("error", message="no room", status=1); sys.exit(1)'
        with pytest.raises(MedsynthError, match=r"^no room$"):
            ran(body)

    def test_else_the_last_line_of_stderr_is(self):
        body = 'print("Traceback ...\\nmedsynth: it broke\\n\\n", file=sys.stderr); sys.exit(1)'
        with pytest.raises(MedsynthError, match=r"^it broke$"):
            ran(body)

    def test_one_that_is_killed_says_so(self):
        with pytest.raises(MedsynthError, match="ended by signal 9"):
            ran("import os; os.kill(os.getpid(), signal.SIGKILL)")

    def test_one_that_says_nothing_is_named_by_its_status(self):
        with pytest.raises(MedsynthError, match="status 3"):
            ran("sys.exit(3)")

    def test_a_program_that_is_not_there(self):
        with pytest.raises(MedsynthError, match="cannot be started"):
            finish(child((), program=("/no/such/python",)))


class TestNoise:
    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\xff\xfe\x00",
            b"null",
            b"[1, 2]",
            b'{"event": "progress"}',
            b'{"event": "progress", "done": -1, "total": 2}',
            b'{"event": "progress", "done": 5, "total": 2}',
            b'{"event": "progress", "done": 1, "total": 1e400}',
            b'{"event": "progress", "done": 1, "total": 99999999999}',
            b'{"event": "unheard of", "done": 1}',
            b"[" * 60_000,
            b"9" * 10_000,
        ],
    )
    def test_garbage_changes_nothing(self, line):
        heard = Heard()
        heard.take_output(line)
        assert (heard.progress, heard.problem, len(heard.notes)) == (Progress(0, 0), "", 0)

    def test_a_note_that_is_no_text_is_left_out(self):
        heard = Heard()
        heard.take_output(b'{"event": "progress", "done": 1, "total": 2, "note": 7}')
        assert heard.progress == Progress(1, 2, "")

    def test_little_is_kept_of_much(self):
        heard = Heard()
        for n in range(10 * MOST_NOTES):
            heard.take_output(json.dumps({"event": "note", "text": f"{n} " + "x" * 10_000}).encode())
        assert len(heard.notes) == MOST_NOTES
        assert max(len(note) for note in heard.notes) <= 500
        assert heard.notes[-1].startswith(f"{10 * MOST_NOTES - 1} ")

    def test_a_flood_without_line_ends_does_not_stop_it(self):
        flood = '[s.write("x" * 5_000_000 + "\\n") for s in (sys.stdout, sys.stderr)]; say("wrote", path="a")'
        assert ran(flood).wrote == (Path("a"),)


class TestClosing:
    def test_it_is_asked_to_end_and_may_tidy_up(self, tmp_path):
        body = """
import pathlib
def leave(*_):
    pathlib.Path(sys.argv[1]).write_text("tidied up")
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
say("progress", done=1, total=2)
time.sleep(60)
"""
        job = child((str(tmp_path / "told"),), program=program(body))
        while next(job).total == 0:
            pass
        job.close()
        assert (tmp_path / "told").read_text() == "tidied up"

    def test_one_that_does_not_listen_is_ended(self, tmp_path):
        job = child((str(tmp_path / "pid"),), program=program(DEAF), grace_s=0.2)
        while next(job).total == 0:
            pass
        job.close()
        assert not is_alive(pid_in(tmp_path / "pid"))

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
    def test_what_it_started_ends_with_one_that_does_not_listen(self, tmp_path):
        body = f"""
import subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", {HEAD + ENDLESS!r}, sys.argv[1]], stdout=subprocess.DEVNULL)
say("progress", done=1, total=2)
time.sleep(60)
"""
        job = child((str(tmp_path / "pid"),), program=program(body), grace_s=0.2)
        while not pid_in(tmp_path / "pid"):
            next(job)
        job.close()
        for _ in range(500):
            if not is_alive(pid_in(tmp_path / "pid")):
                break
            time.sleep(0.01)
        assert not is_alive(pid_in(tmp_path / "pid"))


class TestInTheViewer:
    def started(self, path, body=ENDLESS, **kwargs):
        """Start a toy beside the viewer; returns its handle and how it ended."""
        ended = []
        callbacks = {kind: partial(lambda k, *_: ended.append(k), kind) for kind in ("done", "failed", "cancelled")}
        job = partial(child, (str(path),), program=program(body), grace_s=1.0)
        return start_job(job, title="Making", **callbacks, **kwargs), ended

    def test_the_bar_shows_it_and_cancel_ends_it(self, qtbot, tmp_path):
        bar = JobBar()
        qtbot.addWidget(bar)
        handle, ended = self.started(tmp_path / "pid", bar=bar)
        qtbot.waitUntil(lambda: "Making: at work" in bar._label.text(), timeout=SOON)
        assert bar._bar.maximum() == 1000
        bar._button.click()
        assert bar._button.text() == "Cancelling…"
        qtbot.waitUntil(lambda: not handle.is_running, timeout=SOON)
        assert ended == ["cancelled"]
        assert not is_alive(pid_in(tmp_path / "pid"))

    def test_the_event_loop_goes_on_while_a_deaf_one_is_ended(self, qtbot, tmp_path):
        handle, ended = self.started(tmp_path / "pid", DEAF)
        qtbot.waitUntil(lambda: pid_in(tmp_path / "pid") > 0, timeout=SOON)
        handle.cancel()
        assert handle.is_running  # cancel came back at once, though the child lives on for a while
        qtbot.waitUntil(lambda: not handle.is_running, timeout=SOON)
        assert ended == ["cancelled"]

    @pytest.mark.gui
    def test_it_ends_with_the_window(self, make_napari_viewer, qtbot, tmp_path):
        viewer = make_napari_viewer()
        handle, ended = self.started(tmp_path / "pid")
        qtbot.waitUntil(lambda: pid_in(tmp_path / "pid") > 0, timeout=SOON)
        viewer.close()
        qtbot.waitUntil(lambda: not handle.is_running, timeout=SOON)
        assert ended == ["cancelled"]
        assert not is_alive(pid_in(tmp_path / "pid"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_child_ends_after_the_viewer_was_killed(tmp_path):
    """Its output leads nowhere then; the real command leaves at its next word as this one does."""
    import subprocess

    script = f"""
import sys
from napari_medsynth.core.progress import finish
from napari_medsynth.widgets.child import child
finish(child(({str(tmp_path / "pid")!r},), program=(sys.executable, "-c", {HEAD + ENDLESS!r})))
"""
    viewer = subprocess.Popen([sys.executable, "-c", script])
    for _ in range(3000):
        if pid_in(tmp_path / "pid"):
            break
        time.sleep(0.01)
    viewer.kill()
    viewer.wait()
    for _ in range(1000):
        if not is_alive(pid_in(tmp_path / "pid")):
            break
        time.sleep(0.01)
    assert not is_alive(pid_in(tmp_path / "pid"))
