"""Where a recipe is written: :class:`RecipeEdit`."""

from __future__ import annotations

from qtpy.QtCore import QSize, QTimer, Signal
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QSizePolicy, QTextEdit, QVBoxLayout, QWidget

from ...core.errors import MedsynthError
from ...core.recipe import Recipe
from ..controls import remark

_REST_MS = 200  #: a hand that types rests no longer than this

_LINES = 9


class RecipeEdit(QWidget):
    """A recipe as text that can be edited; what is wrong with it is shown beneath as it is typed.

    Attributes
    ----------
    changed : Signal()
        The text was read again: :attr:`recipe` and :attr:`problem` are those of what is shown.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.recipe: Recipe | None = None
        self.text, self.told = _Text(), remark()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self.check)
        self.text.textChanged.connect(self._timer.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(self.told)
        self.check()

    @property
    def problem(self) -> str:
        """Why the text is no recipe; empty if it is one."""
        return str(self.told.text())

    @property
    def is_settled(self) -> bool:
        """Whether what is shown has been read."""
        return not self._timer.isActive()

    def show_text(self, text: str) -> None:
        """Show the text of a recipe and read it at once."""
        self.text.setPlainText(text)
        self.check()

    def check(self) -> None:
        """Read the text now."""
        self._timer.stop()
        self.recipe, problem = None, ""
        text = self.text.toPlainText()
        if text.strip():
            try:
                self.recipe = Recipe.from_yaml(text)
            except MedsynthError as error:
                problem = str(error)
        self.told.setText(problem)
        self.told.setVisible(bool(problem))
        self.changed.emit()


class _Text(QTextEdit):
    def __init__(self) -> None:
        super().__init__()
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for some lines, and take what there is."""
        return QSize(240, _LINES * self.fontMetrics().lineSpacing() + 12)

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name
