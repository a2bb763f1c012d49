"""What every panel needs of its dock: :class:`DockPanel` and :func:`scrollable`."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QScrollArea, QWidget

_GAP = 4  #: pixels between what scrolls and its bar


class DockPanel(QWidget):
    """A panel that is deleted, and so emits ``destroyed``, when napari closes its dock.

    napari sends no closeEvent: it takes the panel out of the dock and forgets it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._undocked = QTimer(self)
        self._undocked.setSingleShot(True)
        self._undocked.setInterval(0)
        self._undocked.timeout.connect(self._close_if_undocked)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Notice that the panel was taken out of its dock, for good or into another one."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._undocked.start()

    def _close_if_undocked(self) -> None:
        if self.parent() is None:
            self.deleteLater()


def scrollable(content: QWidget) -> QScrollArea:
    """Put what may be higher than a laptop's screen into an area that scrolls up and down only."""
    area = _UpAndDown()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


class _UpAndDown(QScrollArea):
    """Never narrower than what it holds, which napari's style may widen after it was made."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Pass on that what it holds has become wider."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the width of what it holds."""
        hint = super().minimumSizeHint()
        beside = self.verticalScrollBar().sizeHint().width() + _GAP
        return QSize(self.widget().minimumSizeHint().width() + beside, hint.height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return room for what it holds."""
        return super().sizeHint().expandedTo(self.minimumSizeHint())
