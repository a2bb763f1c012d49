"""A button that opens a list of names to tick: :class:`Checklist`."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QMenu, QPushButton, QSizePolicy, QWidgetAction

_WIDTH, _HIGHEST = 240, 320
_MOST_NAMED = 2
_NAME = Qt.ItemDataRole.UserRole


class Checklist(QPushButton):
    """Any number of names out of some; the button says which.

    Parameters
    ----------
    purpose
        Its tooltip.
    none
        What it says while nothing is ticked.

    Attributes
    ----------
    changed : Signal()
        A person, or :meth:`clear`, changed what is ticked.
    """

    changed = Signal()

    def __init__(self, purpose: str, none: str) -> None:
        super().__init__()
        self._none = none
        self.setToolTip(purpose)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.list = _List()
        menu, action = QMenu(self), QWidgetAction(self)
        action.setDefaultWidget(self.list)
        menu.addAction(action)
        self.setMenu(menu)
        self.list.itemChanged.connect(self._on_change)
        self._show()

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names that are ticked, in the order of the list."""
        items = (self.list.item(n) for n in range(self.list.count()))
        return tuple(item.data(_NAME) for item in items if item.checkState() == Qt.CheckState.Checked)

    def offer(self, names: Sequence[str], details: Sequence[str]) -> None:
        """Offer other names, each with what is said beside it; what was ticked stays so if it is among them."""
        before = set(self.ticked)
        self.list.blockSignals(True)
        self.list.clear()
        for name, detail in zip(names, details, strict=True):
            item = QListWidgetItem(f"{name.replace('_', ' ')}  ·  {detail}")
            item.setData(_NAME, name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in before else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.list.updateGeometry()
        self.setEnabled(bool(names))
        self._show()

    def tick(self, name: str, ticked: bool = True) -> None:
        """Tick a name or take the tick away."""
        for n in range(self.list.count()):
            if self.list.item(n).data(_NAME) == name:
                self.list.item(n).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    def clear(self) -> None:
        """Take all ticks away."""
        self.list.blockSignals(True)
        for n in range(self.list.count()):
            self.list.item(n).setCheckState(Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._on_change()

    def _on_change(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        names = [name.replace("_", " ") for name in self.ticked]
        more = f" + {len(names) - _MOST_NAMED}" if len(names) > _MOST_NAMED else ""
        self.setText((", ".join(names[:_MOST_NAMED]) + more) if names else self._none)


class _List(QListWidget):
    """Names with boxes; a click on a name counts as one on its box."""

    def __init__(self) -> None:
        super().__init__()
        self._on_name = False
        self.itemPressed.connect(self._on_press)
        self.itemClicked.connect(self._on_click)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Be as high as what it holds, up to what fits a small screen."""
        rows = self.sizeHintForRow(0) * self.count() + 8 if self.count() else 24
        return QSize(_WIDTH, min(rows, _HIGHEST))

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def _on_press(self, _: QListWidgetItem) -> None:
        self._on_name = True  # Qt tells of a press beside the box only; one on the box it deals with itself

    def _on_click(self, item: QListWidgetItem) -> None:
        if self._on_name:
            ticked = item.checkState() == Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)
        self._on_name = False
