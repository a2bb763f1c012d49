"""Rows of a form whose labels end in one line: :func:`align`."""

from __future__ import annotations

from collections.abc import Iterator

from magicgui.widgets import Container
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QLabel, QWidget

_STYLED = (QEvent.Type.Show, QEvent.Type.StyleChange, QEvent.Type.FontChange)


def align(form: Container) -> None:
    """Give all labels of a form the width of the widest, those of rows within a row too.

    magicgui does so with the font of the program, but it is napari's style that decides on the font of labels.
    """
    form.native.installEventFilter(_Aligner(form.native))


class _Aligner(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Measure again when the style may have changed."""
        if event.type() in _STYLED and isinstance(watched, QWidget):
            labels = [label for label in _labels(watched) if label.text().strip()]
            for label in labels:
                label.setMinimumWidth(0)
                label.ensurePolished()
            widest = max((label.sizeHint().width() for label in labels), default=0)
            for label in labels:
                label.setMinimumWidth(widest)
        return False


def _labels(form: QWidget) -> Iterator[QLabel]:
    """Find the label that begins each row. One without text takes no room, so that rows within rows begin there."""
    for row in _parts(form):
        label, *rest = _parts(row) or [None]
        if not isinstance(label, QLabel):
            continue
        label.setVisible(bool(label.text().strip()))
        yield label
        for part in rest if not label.text().strip() else ():
            yield from _labels(part)


def _parts(widget: QWidget) -> list[QWidget]:
    layout = widget.layout()
    items = [] if layout is None else [layout.itemAt(n) for n in range(layout.count())]
    return [part for item in items if item is not None and (part := item.widget()) is not None]
