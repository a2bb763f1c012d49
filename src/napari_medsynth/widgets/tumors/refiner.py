"""Works the ghost out in full when the hand rests: :class:`Refiner`."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from ..background import in_background
from .placer import Placer

#: A hand that moves a slider or drags rests no longer than this, in ms.
REST_MS = 150


class Refiner(QObject):
    """Waits until the ghost has not changed for a moment, then replaces its sketch and checks its place.

    What takes long is done in a worker thread; a result that comes too late is dropped.

    Parameters
    ----------
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    failed : Signal(Exception)
        The ghost cannot be worked out.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._placer: Placer | None = None
        self._working = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._on_rest)

    def follow(self, placer: Placer | None) -> None:
        """Look after this placer's ghost from now on."""
        if self._placer is not None:
            self._placer.ghost_changed.disconnect(self._on_change)
        self._placer = placer
        if placer is not None:
            placer.ghost_changed.connect(self._on_change)

    def _on_change(self) -> None:
        if self._placer is not None and self._placer.ghost.is_shown and not self._placer.is_settled:
            self._timer.start()

    def _on_rest(self) -> None:
        placer = self._placer
        if placer is None or not placer.ghost.is_shown or placer.is_settled or self._working:
            return
        if placer.ghost.is_exact:
            placer.settle()
            return
        key, call = placer.ghost.work
        self._working = True
        in_background(self, call, partial(self._on_worked, placer, key), self._on_error)

    def _on_worked(self, placer: Placer, key: Any, lesion: Any) -> None:
        self._working = False
        if placer.ghost.accept(key, lesion) and placer is self._placer:
            placer.settle()
        else:
            self._timer.start()

    def _on_error(self, error: Exception) -> None:
        self._working = False
        self.failed.emit(error)
