"""PyTorch without a standstill of the viewer: :func:`load_torch`."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

#: In the order in which PyTorch loads them; the first is for all that come after it, the second is the large one.
_LIBRARIES = ("libtorch_global_deps", "libtorch_cpu")


def load_torch() -> None:
    """Import PyTorch in small steps, between which other threads work; to be called in a worker thread.

    Python holds all threads up while it maps a compiled module and while it collects garbage: here that is a fifth of
    a second each, in one piece.
    """
    if "torch" not in sys.modules:
        with _no_collection():
            _map_libraries()
            import_module("torch")


def _map_libraries() -> None:
    """Map the libraries by a plain call of the system's loader, which other threads need not wait for.

    Where there are none of these names, and on Windows, the import does it all.
    """
    spec = find_spec("torch")
    if os.name != "posix" or spec is None or spec.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    ending = "dylib" if sys.platform == "darwin" else "so"
    for name, shared in zip(_LIBRARIES, (os.RTLD_GLOBAL, 0), strict=True):
        path = Path(spec.origin).parent / "lib" / f"{name}.{ending}"
        if path.is_file():
            load(os.fsencode(path), os.RTLD_NOW | shared)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put collections of garbage off, and do not let what was made meanwhile bring a full one about at once."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # to the oldest generation, uncounted
        if was_on:
            gc.enable()
