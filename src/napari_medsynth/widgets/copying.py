"""The button that copies how to make the same again: :class:`CopyButton`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QMenu, QPushButton

from ..core.errors import MedsynthError


class CopyButton(QPushButton):
    """Copies one of several texts to the clipboard; an entry whose text cannot be made says why.

    Parameters
    ----------
    texts
        For each entry of its menu, what makes the text when it is chosen. It may raise an error of this package.

    Attributes
    ----------
    copied : Signal(str)
        The text of this entry was copied.
    """

    copied = Signal(str)

    def __init__(self, texts: Mapping[str, Callable[[], str]]) -> None:
        super().__init__()
        self._texts = dict(texts)
        self.setText("Copy as…")
        self.setProperty("purpose", "Copy what makes the same voxels again, without the viewer")
        self.setToolTip(self.property("purpose"))
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.actions_by_kind = {kind: menu.addAction(kind) for kind in texts}
        for kind, action in self.actions_by_kind.items():
            action.triggered.connect(partial(self._copy, kind))
        menu.aboutToShow.connect(self._update)
        self.setMenu(menu)

    def text_of(self, kind: str) -> str:
        """Return what is copied; raises an error of this package if it cannot be."""
        return self._texts[kind]()

    def _copy(self, kind: str, *_: Any) -> None:
        QApplication.clipboard().setText(self.text_of(kind))
        self.copied.emit(kind)

    def _update(self) -> None:
        for kind, action in self.actions_by_kind.items():
            try:
                self.text_of(kind)
            except MedsynthError as error:
                action.setEnabled(False)
                action.setText(f"{kind} ({str(error).partition(';')[0]})")
                action.setToolTip(str(error))
            else:
                action.setEnabled(True)
                action.setText(kind)
                action.setToolTip("")
