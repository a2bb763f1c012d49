"""Slabs of an image made side by side: :func:`side_by_side`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import torch

from .lattice import Shape

#: Voxels in a slab: a few arrays of them fit into the processor's caches, and the calls on them cost little.
_SLAB = 1 << 18

#: Held while threads start, see :func:`_started`.
_STARTING = threading.Lock()


def slabs(shape: Shape, device: torch.device) -> list[tuple[int, int]]:
    """Return ranges of slices, in order; they follow from the shape alone. A GPU takes all slices at once."""
    depth, height, width = shape
    step = max(1, _SLAB // (height * width)) if device.type == "cpu" else depth
    return [(start, min(start + step, depth)) for start in range(0, depth, step)]


def side_by_side(work: Callable[[int, int, int], None], shape: Shape, device: torch.device) -> Iterator[int]:
    """Call ``work(number, start, stop)`` for each slab of an image and yield how many are done.

    On a CPU, as many threads as PyTorch is set to use each take slab after slab, and each operation on a slab uses one
    of them: its bits do not depend on their number, and operations that PyTorch does not divide are shared out too.
    Closed early, it waits for the slabs that are being made and makes no more.
    """
    parts = slabs(shape, device)
    if device.type != "cpu" or torch.get_num_threads() == 1:
        for number, part in enumerate(parts):
            work(number, *part)
            yield number + 1
        return
    pool = _started(len(parts))
    try:
        futures = [pool.submit(work, number, *part) for number, part in enumerate(parts)]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Work in this thread alone: for what is so small that threads cost more than they give."""
    with _STARTING:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _started(parts: int) -> ThreadPoolExecutor:
    """Return a pool whose threads run, and use one processor each for a PyTorch operation.

    PyTorch keeps that number for each thread, and the last one that was set for threads to come, which is why it is set
    back when all have started.
    """
    with _STARTING:
        threads = torch.get_num_threads()
        count = min(threads, parts)
        together = threading.Barrier(count + 1)

        def alone() -> None:
            torch.get_num_threads()  # a thread's first such call takes over the common number: not later than here
            torch.set_num_threads(1)
            together.wait()

        pool = ThreadPoolExecutor(count, thread_name_prefix="medsynth-render", initializer=alone)
        for _ in range(count):
            pool.submit(lambda: None)
        together.wait()
        torch.set_num_threads(threads)
    return pool
