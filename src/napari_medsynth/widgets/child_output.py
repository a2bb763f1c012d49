"""What a child process says, line by line: :class:`Heard`.

The objects are those of ``--progress json`` (see :mod:`napari_medsynth.cli.console`). Whatever else comes is passed
over, and however much comes, little of it is kept.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ..core.progress import Progress

MOST_NOTES = 50  #: that are kept, the last ones
MOST_BYTES = 1 << 16  #: of a line; a longer one is taken apart, and its parts are no JSON

_MOST_TEXT = 500  #: characters of a note or message that are shown


class Heard:
    """The state of a child as far as it has told; filled by :func:`listen`, read by anyone.

    Attributes
    ----------
    progress
        How far it is; a total of 0 means that it has not said.
    notes, wrote
        What it told, and what it wrote.
    problem
        Why it failed; empty if it has not said.
    changed
        Is set when there is something new.
    """

    def __init__(self) -> None:
        self.progress = Progress(0, 0)
        self.notes: deque[str] = deque(maxlen=MOST_NOTES)
        self.wrote: deque[Path] = deque(maxlen=MOST_NOTES)
        self.changed = threading.Event()
        self._error = self._last_line = ""

    @property
    def problem(self) -> str:
        """Why it failed: its ``error`` event, else the last line on stderr; empty if there was neither."""
        return self._error or self._last_line.removeprefix("medsynth: ")

    def take_output(self, line: bytes) -> None:
        """Take a line of stdout."""
        event = _event(line)
        kind = event.get("event")
        if kind == "progress":
            self._take_progress(event)
        elif kind == "note":
            self.notes.append(_text(event.get("text")))
        elif kind == "wrote":
            self.wrote.append(Path(str(event.get("path"))))
        elif kind == "error":
            self._error = _text(event.get("message"))
        self.changed.set()

    def take_error(self, line: bytes) -> None:
        """Take a line of stderr."""
        self._last_line = _text(line.decode("utf-8", "replace")) or self._last_line

    def _take_progress(self, event: dict[str, Any]) -> None:
        done, total = event.get("done"), event.get("total")
        if isinstance(done, int) and isinstance(total, int) and 0 <= done <= total < 2**31:  # what Qt's bars can show
            self.progress = Progress(done, total, _text(event.get("note")))


def listen(process: subprocess.Popen[bytes], heard: Heard) -> tuple[threading.Thread, threading.Thread]:
    """Read what a process says to its end, in two threads, so that it never waits for a reader."""
    pipes = ((process.stdout, heard.take_output), (process.stderr, heard.take_error))
    out, err = (threading.Thread(target=_read, args=(pipe, take), daemon=True) for pipe, take in pipes)
    out.start()
    err.start()
    return out, err


def _read(pipe: BinaryIO, take: Callable[[bytes], None]) -> None:
    while line := pipe.readline(MOST_BYTES):
        take(line)


def _event(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return " ".join(value[:_MOST_TEXT].split()) if isinstance(value, str) else ""
