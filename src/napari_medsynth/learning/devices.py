"""Where networks are trained and used: :func:`device_of`, :func:`is_main_process`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from ..core.errors import ConfigError

Device = Literal["cpu", "cuda", "mps"]


def available() -> tuple[Device, ...]:
    """Return the kinds of device that are there, the fastest first."""
    found: list[Device] = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def device_of(name: str) -> Device:
    """Return the device that ``name`` stands for: ``"auto"`` is the fastest that is there.

    Raises
    ------
    ConfigError
        If there is no such device; those that are there are named.
    """
    there = available()
    if name == "auto":
        return there[0]
    found = next((device for device in there if device == name), None)
    if found is None:
        raise ConfigError(f"device is {name!r}, which is not there; expected 'auto' or one of {', '.join(there)}")
    return found


def is_main_process() -> bool:
    """Whether this process is the first of those that train one network together; a lone one is.

    Launchers (Lightning's own, torchrun, srun) give each process its number in its environment.
    """
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if name in os.environ:
            return int(os.environ[name]) == 0
    return True


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Let PyTorch use ``count`` threads of the CPU while the block runs; None leaves them as they are."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count or before)
        yield
    finally:
        torch.set_num_threads(before)
