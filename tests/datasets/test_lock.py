"""A folder has one writer at a time, and a writer that was killed leaves no lock behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from napari_medsynth.core.errors import WriteError
from napari_medsynth.datasets.lock import only_writer

#: Holds a lock until its stdin closes.
HOLDER = """
import sys
from pathlib import Path
from napari_medsynth.datasets.lock import only_writer

with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "data" / ".unfinished"
    folder.mkdir(parents=True)
    return folder / "lock"


@pytest.fixture
def holder(path):
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_the_lock_is_gone_in_the_end(path):
    with only_writer(path):
        assert path.is_file()
    assert not path.exists()


def test_a_second_process_is_refused_and_told_who_the_first_is(path, holder):
    said = rf"data is being written by process {holder.pid} on .*; expected one writer"
    with pytest.raises(WriteError, match=said), only_writer(path):
        pass
    assert path.is_file()


def test_a_second_thread_is_refused_too(path):
    refused = []

    def second():
        try:
            with only_writer(path):
                pass
        except WriteError as error:
            refused.append(str(error))

    with only_writer(path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(refused) == 1
    assert f"process {os.getpid()}" in refused[0]


def test_a_killed_holder_leaves_no_lock_behind(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert path.is_file()
    with only_writer(path):
        pass


@pytest.mark.parametrize("text", [b"", b"[1]", b"{}", b'{"pid": "x", "host": 1}', b"\xff" * 5000])
def test_a_lock_file_that_says_nothing_sensible_still_locks(path, text):
    with only_writer(path):
        path.write_bytes(text)
        with pytest.raises(WriteError, match="is being written by"), only_writer(path):
            pass


def test_an_error_frees_the_lock(path):
    with pytest.raises(ZeroDivisionError), only_writer(path):
        raise ZeroDivisionError
    with only_writer(path):
        pass


def test_the_folder_may_go_while_the_lock_is_held(path):
    with only_writer(path):
        path.unlink()
        path.parent.rmdir()


def test_a_folder_that_is_not_there(path):
    with (
        pytest.raises(WriteError, match="could not be written: No such file"),
        only_writer(path.parent / "no" / "lock"),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="there a locked file cannot be deleted")
def test_a_lock_file_that_was_deleted_between_opening_and_locking_is_not_held(path, monkeypatch):
    from napari_medsynth.datasets import lock

    kept = lock.try_lock
    tries = []

    def deleted_first(file, path):
        tries.append(file)
        if len(tries) == 1:
            path.unlink()
        return kept(file, path)

    monkeypatch.setattr(lock, "try_lock", deleted_first)
    with only_writer(path):
        assert len(tries) == 2
        assert path.is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_disk_that_is_full_does_not_keep_from_locking(path, monkeypatch):
    """Who holds it is not said then; what is written next finds the disk full, and says so."""
    full = os.open("/dev/full", os.O_RDWR)
    monkeypatch.setattr(os, "open", lambda *_: full)
    monkeypatch.setattr("napari_medsynth.datasets.lock._is_still_there", lambda *_: True)
    with only_writer(path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="locks of Windows are others")
def test_a_file_system_without_locks_is_told_in_one_line(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(WriteError, match="lock could not be locked: No locks available"), only_writer(path):
        pass
