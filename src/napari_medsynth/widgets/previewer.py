"""Keeps the preview up with the hand: :class:`Previewer`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal

from .background import in_background
from .controls import later

Call = Callable[[], Any]

#: A hand that moves a slider rests no longer than this, in ms.
REST_MS = 250


class Previewer(QObject):
    """Works the latest wish out in a worker thread; wishes that came and went meanwhile are passed over.

    Parameters
    ----------
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    made : Signal(object)
        What a call returned, unless :meth:`forget` was called since it was asked for.
    failed : Signal(Exception)
        A call raised an error.
    """

    made = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wish: Call | None = None
        self._finer: Call | None = None
        self._number = 0
        self._working = False
        self._soon = later(self, self._start)  # a drag sends several changes at once: they are one wish
        self._rest = later(self, self._refine)
        self._rest.setInterval(REST_MS)

    @property
    def is_busy(self) -> bool:
        """Whether something is wished for that was not shown yet."""
        return self._working or self._wish is not None or self._finer is not None

    def ask(self, call: Call, finer: Call | None = None) -> None:
        """Wish for what ``call`` returns and, when the hand rests, for what ``finer`` returns.

        Both run in a worker thread and must not touch the viewer.
        """
        self._wish, self._finer = call, finer
        self._rest.stop()
        self._soon.start()

    def forget(self) -> None:
        """Wish for nothing any more; what is under way is dropped."""
        self._wish = self._finer = None
        self._rest.stop()
        self._number += 1

    def _start(self) -> None:
        if not self._working and self._wish is not None:
            call, self._wish, self._working = self._wish, None, True
            made, failed = (partial(self._end, signal, self._number) for signal in (self.made, self.failed))
            in_background(self, call, made, failed)

    def _refine(self) -> None:
        self._wish, self._finer = self._finer, None
        self._start()

    def _end(self, signal: Any, number: int, outcome: Any) -> None:
        self._working = False
        if number == self._number:
            signal.emit(outcome)
        self._start()
        if not self._working and self._finer is not None:
            self._rest.start()
