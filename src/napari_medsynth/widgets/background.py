"""Short work beside the viewer, without a progress bar: :func:`in_background`.

Longer work goes through :func:`~napari_medsynth.widgets.jobs.start_job`. That shows progress, for which napari lets
pending events through: not to be done while a widget is being made, nor for what is over in a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject

Result = TypeVar("Result")


def in_background(
    owner: QObject, call: Callable[[], Result], done: Callable[[Result], None], failed: Callable[[Exception], None]
) -> None:
    """Run a call in a worker thread.

    Parameters
    ----------
    owner
        On whose behalf: if it is gone by the end, nobody is told.
    call
        What to do. It must not touch the viewer.
    done, failed
        One of them is called in the main thread at the end.
    """
    worker = create_worker(_outcome, call, _start_thread=False)
    gone: list[None] = []
    owner.destroyed.connect(lambda: gone.append(None))

    def ended(outcome: tuple[Result, None] | tuple[None, Exception]) -> None:
        result, error = outcome
        if gone:
            return
        if error is not None:
            failed(error)
        else:
            done(result)  # type: ignore[arg-type]

    worker.returned.connect(ended)
    worker.start()


def _outcome(call: Callable[[], Result]) -> tuple[Result, None] | tuple[None, Exception]:
    try:
        return call(), None
    except Exception as error:  # noqa: BLE001 - handed to the main thread, which shows or raises it
        return None, error
