"""The button that copies how to make a phantom: :class:`CopyButton`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from qtpy.QtWidgets import QApplication, QMenu, QPushButton


class CopyButton(QPushButton):
    """Copies one of several texts to the clipboard.

    Parameters
    ----------
    texts
        For each entry of its menu, what makes the text when it is chosen.
    """

    def __init__(self, texts: Mapping[str, Callable[[], str]]) -> None:
        super().__init__()
        self.setText("Copy as…")
        self.setProperty("purpose", "Copy what makes the same voxels again, without the viewer")
        menu = QMenu(self)
        self.actions_by_kind = {kind: menu.addAction(kind) for kind in texts}
        for kind, text in texts.items():
            self.actions_by_kind[kind].triggered.connect(partial(_copy, text))
        self.setMenu(menu)


def _copy(text: Callable[[], str], *_: Any) -> None:
    QApplication.clipboard().setText(text())
