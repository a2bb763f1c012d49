"""The ``medsynth`` command as a child process of the viewer: :func:`child`.

It is a job as any other (:mod:`.jobs`), so that progress, elapsed time, Cancel and the activity dock come for free, and
nothing of it runs in the viewer's thread. A crash of the child costs the viewer nothing, and its memory is given back.
If the viewer itself is killed, the child finds its output closed at its next word and ends too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import MedsynthError
from ..core.progress import Job
from .child_output import Heard, listen

#: Runs ``medsynth``. ``-P``: a folder that napari happens to be started in must not lend it modules.
PROGRAM = (sys.executable, "-P", "-m", "napari_medsynth")

GRACE_S = 8.0  #: between asking a child to end and ending it

_TICK_S = 0.1
_JOIN_S = 2.0  #: a grandchild may hold the pipes open after the child has ended


@dataclass(frozen=True)
class Ended:
    """What a child that came to its end has told.

    Parameters
    ----------
    wrote
        The files and folders that it wrote.
    notes
        The lines worth knowing, the last ones if there were very many.
    """

    wrote: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def child(words: Sequence[str], *, program: Sequence[str] = PROGRAM, grace_s: float = GRACE_S) -> Job[Ended]:
    """Run a ``medsynth`` command in a process of its own, as a job.

    Closing the job asks the process to end (SIGTERM, so that it leaves nothing half-written), and ends it and all that
    it started if it has not done so in time.

    Parameters
    ----------
    words
        What comes after ``medsynth``; ``--progress json`` is added. No shell sees them.
    program
        The words that start the command.
    grace_s
        Seconds between asking and ending.

    Yields
    ------
    Progress
        What the child said last.

    Returns
    -------
    Ended
        What it wrote and told.

    Raises
    ------
    MedsynthError
        If it failed, with its own message: that of its ``error`` event, else the last line on stderr.
    """
    process = _started([*program, *words, "--progress", "json"])
    heard = Heard()
    readers = listen(process, heard)
    try:
        while process.poll() is None:
            yield heard.progress
            heard.changed.wait(_TICK_S)
            heard.changed.clear()
    finally:
        _stop(process, grace_s)
        _hang_up(process, readers)
    if process.returncode != 0:
        raise MedsynthError(heard.problem or _fate(process.returncode))
    return Ended(tuple(heard.wrote), tuple(heard.notes))


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a list of words; no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1"},
            start_new_session=True,  # its own process group: what it started can be ended with it
        )
    except OSError as error:
        raise MedsynthError(f"{command[0]} cannot be started ({error.strerror}); expected Python") from error


def _stop(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a process that still runs, first politely."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _hang_up(process: subprocess.Popen[bytes], readers: Sequence[threading.Thread]) -> None:
    for reader in readers:
        reader.join(_JOIN_S)
    for pipe, reader in zip((process.stdout, process.stderr), readers, strict=True):
        if pipe is not None and not reader.is_alive():  # closing waits for whoever reads
            pipe.close()


def _fate(status: int) -> str:
    if status < 0:
        return f"the command was ended by signal {-status}; perhaps memory ran out"
    return f"the command ended with status {status} and said nothing"
