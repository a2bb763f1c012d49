"""Keys while the panel, and not the canvas, has the focus: :class:`Shortcuts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit

from ..controls import shortcut
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
            shortcut(tab, "Return", self._place),
            shortcut(tab, "Enter", self._place),
            shortcut(tab, "R", tab.redraw),
            shortcut(tab, "Escape", desk.stop),
        ]
        for keys, call in (("Ctrl+Z", desk.undo), ("Ctrl+Shift+Z", desk.redo), ("Ctrl+Y", desk.redo)):
            shortcut(tab, keys, call)
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
        for key in self._placing:
            key.setEnabled(self._desk.is_placing)
