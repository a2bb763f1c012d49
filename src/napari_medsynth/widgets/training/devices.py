"""What a network can be trained on, with the memory that is free: :func:`devices`.

PyTorch is not asked: it would take memory of the GPU for the viewer.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

import psutil

_GIB = 1024**3
_SECONDS = 5  #: that the driver's tool is given
_QUERY = ("--query-gpu=name,memory.free,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Device:
    """Something to train on.

    Parameters
    ----------
    name
        As in the setting ``device``.
    title
        What a person calls it.
    free, total
        Memory in bytes.
    """

    name: str
    title: str
    free: int
    total: int

    def describe(self) -> str:
        """Return name and memory, in words."""
        return f"{self.title}, {self.free / _GIB:.0f} of {self.total / _GIB:.0f} GiB free"


def devices() -> tuple[Device, ...]:
    """Return the devices of this machine, the fastest first; takes a moment, so to be called in a worker thread."""
    memory = psutil.virtual_memory()
    cpu = Device("cpu", "CPU", memory.available, memory.total)
    own = (sys.platform, platform.machine()) == ("darwin", "arm64")
    mps = (Device("mps", "Apple GPU", memory.available, memory.total),) if own else ()
    return (*_nvidia(), *mps, cpu)


def parsed(text: str) -> tuple[Device, ...]:
    """Return the GPUs that the driver's tool lists: a line each of name, free and total MiB."""
    found = []
    for line in text.splitlines():
        name, *numbers = [part.strip() for part in line.rsplit(",", 2)]
        if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            free, total = (int(number) * 1024**2 for number in numbers)
            found.append(Device("cuda", name, free, total))
    return tuple(found)


def _nvidia() -> tuple[Device, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        told = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parsed(told.stdout) if told.returncode == 0 else ()
