"""Predictions on one slice as they improve: :class:`SampleView`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QSlider, QVBoxLayout, QWidget

from ..background import in_background
from ..controls import row
from .unexpected import raised

_HIGHEST = 190


class SampleView(QWidget):
    """The newest picture, image | truth | prediction, with a slider back through the epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: tuple[Path, ...] = ()
        self._shown: Path | None = None
        self.slider, self.epoch, self.picture = QSlider(Qt.Orientation.Horizontal), QLabel(), _Picture()
        self.slider.setToolTip("Back through the epochs")
        self.slider.valueChanged.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.picture)
        layout.addLayout(row(self.slider, self.epoch))
        self.hide()

    def show_samples(self, paths: Sequence[Path]) -> None:
        """Offer these pictures; the newest is shown unless a person looks at an earlier one of the same run."""
        if tuple(paths) == self.paths:
            return
        same = bool(self.paths) and self.paths[:1] == tuple(paths[:1])
        newest = not same or self.slider.value() >= len(self.paths) - 1
        kept = self.slider.value()
        self.paths = tuple(paths)
        self.setVisible(bool(paths))
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(paths) - 1))
        self.slider.setValue(len(paths) - 1 if newest else kept)
        self.slider.blockSignals(False)
        self._show()

    def _show(self) -> None:
        if not self.paths:
            self._shown = None
            return
        path = self.paths[self.slider.value()]
        self.epoch.setText(f"epoch {_epoch(path)}")
        if path != self._shown:
            self._shown = path
            in_background(self, lambda: (path, QImage(str(path))), self._on_read, raised)

    def _on_read(self, read: tuple[Path, QImage]) -> None:
        path, image = read
        if path == self._shown and not image.isNull():
            self.picture.show_image(image)


class _Picture(QWidget):
    """An image, as wide as there is room, and no higher than it need be."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_image(self, image: QImage) -> None:
        """Show another image."""
        self._image = image
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at the width that there is."""
        if self._image.isNull():
            return QSize(200, 0)
        width = max(200, self.width())
        return QSize(200, min(_HIGHEST, round(width * self._image.height() / self._image.width())))

    def resizeEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Follow the width."""
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it in the middle."""
        if self._image.isNull():
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        painter.drawImage(self.rect().adjusted(left, top, -left, -top), self._image)
        painter.end()


def _epoch(path: Path) -> int:
    found = re.search(r"(\d+)$", path.stem)
    return int(found.group(1)) if found else 0
