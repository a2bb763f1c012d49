"""Keys while the panel, and not the canvas, has the focus: :class:`Shortcuts`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit

from .desk import Desk

if TYPE_CHECKING:
    from .place_tab import PlaceTab


class Shortcuts:
    """The keys of :class:`~.keys.Keys` for the panel; those that shape and place work only while lesions are placed.

    Parameters
    ----------
    tab
        The tab that has them, with all that is in it.
    desk
        What they act on.
    """

    def __init__(self, tab: PlaceTab, desk: Desk) -> None:
        self._desk = desk
        self._placing = [
            _shortcut(tab, "Return", self._place),
            _shortcut(tab, "Enter", self._place),
            _shortcut(tab, "R", tab.redraw),
            _shortcut(tab, "Escape", desk.stop),
        ]
        for keys, call in (("Ctrl+Z", desk.undo), ("Ctrl+Shift+Z", desk.redo), ("Ctrl+Y", desk.redo)):
            _shortcut(tab, keys, call)
        desk.changed.connect(self._update)
        self._update()

    def _place(self) -> None:
        """Place the ghost; in a field that a number is being typed into, Enter only ends the typing."""
        field = QApplication.focusWidget()
        if isinstance(field, QAbstractSpinBox | QLineEdit):
            field.clearFocus()
        else:
            self._desk.commit()

    def _update(self) -> None:
        for shortcut in self._placing:
            shortcut.setEnabled(self._desk.is_placing)


def _shortcut(tab: PlaceTab, keys: str, call: Callable[[], object]) -> QShortcut:
    made = QShortcut(QKeySequence(keys), tab)
    made.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    made.activated.connect(lambda: call())
    return made
