"""The button that copies what was placed: :class:`CopyButton`."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtWidgets import QApplication, QMenu, QToolButton

from ...core.errors import ConfigError
from ..metadata import info_of
from .desk import Desk
from .placer import Placer
from .snippets import as_command, as_python, as_recipe

_KINDS = ("Recipe", "Command", "Python")


class CopyButton(QToolButton):
    """Copies what was placed as a recipe, a command or Python; an entry that cannot repeat it says why.

    Parameters
    ----------
    desk
        Whose scan it is about.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setText("Copy as…")
        self.setToolTip("Copy what makes the same voxels again, without the viewer")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.actions_by_kind = {kind: menu.addAction(kind) for kind in _KINDS}
        for kind, action in self.actions_by_kind.items():
            action.triggered.connect(partial(self._copy, kind))
        menu.aboutToShow.connect(self._update)
        self.setMenu(menu)

    def text_of(self, kind: str) -> str:
        """Return what is copied; raises :class:`ConfigError` if it cannot be."""
        placer = self._desk.placer
        if placer is None:
            raise ConfigError("no image is open")
        records, path = placer.session.records(), _path_of(placer)
        if kind == "Python":
            return as_python(records, path)
        _require_upright(placer)
        return as_recipe(records) if kind == "Recipe" else as_command(records, path)

    def _copy(self, kind: str, *_: Any) -> None:
        QApplication.clipboard().setText(self.text_of(kind))

    def _update(self) -> None:
        for kind, action in self.actions_by_kind.items():
            try:
                self.text_of(kind)
            except ConfigError as error:
                action.setEnabled(False)
                action.setText(f"{kind} ({str(error).partition(';')[0]})")
                action.setToolTip(str(error))
            else:
                action.setEnabled(True)
                action.setText(kind)
                action.setToolTip("")


def _path_of(placer: Placer) -> str:
    return str(placer.layer.source.path or "scan.nii.gz")


def _require_upright(placer: Placer) -> None:
    """Refuse a recipe for a file that the viewer has turned: the same draws would fall on other voxels."""
    info = info_of(placer.layer)
    if info is not None and info.original_affine.orientation != info.affine.orientation:
        found = f"the file's axes run {info.original_affine.orientation} and the viewer's {info.affine.orientation}"
        raise ConfigError(f"{found}; copy as Python, which turns them first")
