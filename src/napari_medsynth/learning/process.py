"""The process that trains: how ``run.json`` names it, whether it lives, how it is asked to stop."""

from __future__ import annotations

import os
import socket
from typing import Any

import psutil

#: Two readings of when a process started may differ by this much.
_SECONDS = 1.0


def this_process() -> dict[str, Any]:
    """Return what names this process: a number is given to another one when it is gone, so when it started as well."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time(), "host": socket.gethostname()}


def lives(named: object) -> bool:
    """Whether a process lives that :func:`this_process` named; of one on another machine that is assumed."""
    if not isinstance(named, dict) or not isinstance(named.get("pid"), int):
        return False
    return named.get("host") != socket.gethostname() or found(named) is not None


def found(named: dict[str, Any]) -> psutil.Process | None:
    """Return the process of this machine that :func:`this_process` named, if it lives."""
    try:
        process = psutil.Process(named["pid"])
        same = abs(process.create_time() - float(named["started"])) < _SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, KeyError, TypeError, ValueError):
        return None
