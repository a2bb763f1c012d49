"""Small pieces that the tabs are built of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from ..core.settings import About


def button(text: str, pressed: Callable[[], Any], tooltip: str = "") -> QPushButton:
    """Make a button."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.setProperty("purpose", tooltip)
    made.clicked.connect(lambda: pressed())
    return made


def shortcut(part: QWidget, keys: str, call: Callable[[], Any]) -> QShortcut:
    """Let keys do something while ``part``, or anything in it, has the focus."""
    made = QShortcut(QKeySequence(keys), part)
    made.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    made.activated.connect(lambda: call())
    return made


def allow(widget: QWidget, obstacle: str) -> None:
    """Enable a button, or disable it and say in its tooltip what stands in the way."""
    widget.setEnabled(not obstacle)
    purpose = widget.property("purpose") or ""
    widget.setToolTip(f"Not now: {obstacle}" if obstacle else purpose)


def row(*parts: QWidget | QLayout) -> QHBoxLayout:
    """Put widgets side by side."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        made.addLayout(part) if isinstance(part, QLayout) else made.addWidget(part)
    return made


def remark() -> QLabel:
    """Make a label for a line of text that wraps."""
    made = QLabel()
    made.setWordWrap(True)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
    return made


def slider(about: About, low: float, high: float, moved: Callable[[float], Any], *, digits: int = 0) -> QWidget:
    """Make a slider with a number that can be typed; its help is the setting's own.

    Parameters
    ----------
    about
        The setting.
    low, high
        The part of its range that is of use here.
    moved
        Is given the value when a person changes it.
    digits
        Digits after the point.
    """
    made = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.setDecimals(digits)
    made.setToolTip(about.describe())
    made.valueChanged.connect(moved)
    return made


def later(parent: QObject, call: Callable[[], Any]) -> QTimer:
    """Make a timer that, started, calls once when the events that are pending have been dealt with.

    It ends with its parent. Starts before it has called count as one.
    """
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(0)
    timer.timeout.connect(call)
    return timer


def narrow(box: QComboBox) -> None:
    """Let a box be narrower than its longest choice, and as wide as there is room."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def refill(box: QComboBox, choices: Iterable[tuple[str, Any]]) -> None:
    """Show other choices; what was chosen stays so if it is among them."""
    before = box.currentData()
    box.blockSignals(True)
    box.clear()
    for text, data in choices:
        box.addItem(text, data)
    found = next((n for n in range(box.count()) if box.itemData(n) == before), 0)
    box.setCurrentIndex(found if box.count() else -1)
    box.blockSignals(False)
    if box.currentData() != before:
        box.currentIndexChanged.emit(box.currentIndex())


def pick(box: QComboBox, data: object) -> None:
    """Choose what stands for ``data``; what was chosen stays if nothing does.

    A layer that was asked of the viewer may be napari's proxy of it, which equals the layer without being it.
    """
    found = next((n for n in range(box.count()) if box.itemData(n) == data), box.currentIndex())
    box.setCurrentIndex(found)


def without_arrows(widget: QWidget) -> None:
    """Make the numbers of a row as narrow as they need to be; arrow keys and the wheel still change them."""
    for box in widget.findChildren(QAbstractSpinBox):
        box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        box.setStyleSheet("min-width: 3em")  # napari's style has room for arrows
