"""A line at the foot of a panel: what runs, how far it is, for how long, and Cancel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ..core.progress import Progress

if TYPE_CHECKING:
    from .jobs import JobHandle

_UPDATE_MS = 500


class JobBar(QWidget):
    """Shows the job that was started last; hidden when there is none.

    Parameters
    ----------
    parent
        The panel that holds it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._handle: JobHandle | None = None
        self._since = 0.0
        self._label, self._elapsed, self._bar = QLabel(), QLabel(), QProgressBar()
        self._label.setWordWrap(True)
        self._button = QPushButton("Cancel")
        self._button.clicked.connect(self.cancel)
        self._timer = QTimer(self)
        self._timer.setInterval(_UPDATE_MS)
        self._timer.timeout.connect(self._show_elapsed)
        self._arrange()
        self.hide()

    @property
    def is_busy(self) -> bool:
        """Whether a job is shown."""
        return self._handle is not None

    def watch(self, handle: JobHandle) -> None:
        """Show a job until it ends."""
        self._handle, self._since = handle, time.monotonic()
        self._label.setText(handle.title)
        self._bar.setRange(0, 0)
        self._button.setText("Cancel")
        self._button.setEnabled(True)
        self._show_elapsed()
        handle.progressed.connect(self._show_step)
        handle.cancelling.connect(self._show_cancelling)
        handle.finished.connect(self._on_finished)
        self._timer.start()
        self.show()

    def cancel(self) -> None:
        """Cancel the job that is shown, if there is one."""
        if self._handle is not None:
            self._handle.cancel()

    def _arrange(self) -> None:
        row = QHBoxLayout()
        for part in (self._bar, self._elapsed, self._button):
            row.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        layout.addLayout(row)

    def _show_step(self, step: Progress) -> None:
        if self.sender() is not self._handle or self._handle is None:
            return
        title = self._handle.title
        self._label.setText(f"{title}: {step.note}" if step.note else title)
        self._bar.setRange(0, step.total)
        self._bar.setValue(step.done)

    def _show_cancelling(self) -> None:
        if self.sender() is self._handle:
            self._button.setText("Cancelling…")
            self._button.setEnabled(False)

    def _show_elapsed(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._since), 60)
        self._elapsed.setText(f"{minutes}:{seconds:02d}")

    def _on_finished(self) -> None:
        if self.sender() is self._handle:
            self._handle = None
            self._timer.stop()
            self.hide()
