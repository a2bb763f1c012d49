"""Which structures a body has, to be ticked by hand: :class:`StructureList`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QMenu, QPushButton, QVBoxLayout, QWidget

from ...phantom.catalogue import Catalogue, Structure
from ..controls import allow, row

_SWATCH = 12  # pixels
_ROWS = 8  #: shown at once


class StructureList(QWidget):
    """The target structures of an anatomy with their colours; a tick says that a body has one.

    Until "Choose by hand" is ticked it only shows what the scenario gave.

    Attributes
    ----------
    changed : Signal()
        A person chose.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._catalogue: Catalogue | None = None
        self.by_hand = QCheckBox("Choose by hand")
        self.by_hand.setToolTip("Tick the structures that a body has, instead of drawing a scenario")
        self.list = QListWidget()
        self.list.setMinimumHeight(_ROWS * (self.list.fontMetrics().height() + 4))
        self.groups = QPushButton()
        self.groups.setText("Groups")
        self.groups.setProperty("purpose", "Tick or untick several structures at once")
        self.groups.setMenu(QMenu(self.groups))
        self.by_hand.toggled.connect(self._on_by_hand)
        self.list.itemChanged.connect(lambda _: self.changed.emit())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row(self.by_hand, self.groups))
        layout.addWidget(self.list)
        self._lock()

    def names(self) -> tuple[str, ...] | None:
        """Return the structures that were chosen by hand; None if the scenario is to decide."""
        return tuple(self._ticked()) if self.by_hand.isChecked() else None

    def show_anatomy(self, catalogue: Catalogue) -> None:
        """List the structures of an anatomy, all ticked."""
        if catalogue is self._catalogue:
            return
        self._catalogue = catalogue
        self.list.blockSignals(True)
        self.list.clear()
        for structure in catalogue.targets:
            self.list.addItem(_item(structure))
        self.list.blockSignals(False)
        menu = self.groups.menu()
        menu.clear()
        for name in catalogue.groups:
            menu.addAction(name.replace("_", " ")).triggered.connect(partial(self._toggle, name))
        self._lock()

    def show_present(self, names: Collection[str]) -> None:
        """Tick what a body has, unless structures are chosen by hand."""
        if not self.by_hand.isChecked():
            self._tick(lambda name: name in names)

    def _toggle(self, group: str, *_: object) -> None:
        """Tick all of a group; untick them if all of them are ticked."""
        if self._catalogue is not None:
            members, ticked = self._catalogue.members([group]), set(self._ticked())
            wanted = ticked - members if members <= ticked else ticked | members
            self._tick(lambda name: name in wanted)
            self.changed.emit()

    def _on_by_hand(self) -> None:
        self._lock()
        self.changed.emit()

    def _lock(self) -> None:
        by_hand = self.by_hand.isChecked()
        allow(self.groups, "" if by_hand else "tick “Choose by hand” first")
        self.list.blockSignals(True)
        for item in self._items():
            flags = item.flags() & ~Qt.ItemFlag.ItemIsEnabled
            item.setFlags(flags | Qt.ItemFlag.ItemIsEnabled if by_hand else flags)
        self.list.blockSignals(False)
        self.list.setToolTip("" if by_hand else "What the scenario gave; tick “Choose by hand” to change it")

    def _tick(self, wanted: Callable[[str], bool]) -> None:
        self.list.blockSignals(True)
        for item in self._items():
            ticked = wanted(item.data(Qt.ItemDataRole.UserRole))
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)

    def _ticked(self) -> list[str]:
        ticked = [item for item in self._items() if item.checkState() == Qt.CheckState.Checked]
        return [item.data(Qt.ItemDataRole.UserRole) for item in ticked]

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(n) for n in range(self.list.count())]


def _item(structure: Structure) -> QListWidgetItem:
    item = QListWidgetItem(structure.name.replace("_", " "))
    item.setData(Qt.ItemDataRole.UserRole, structure.name)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Checked)
    picture = QPixmap(_SWATCH, _SWATCH)
    picture.fill(QColor.fromRgbF(*(structure.label.colour or (0.5, 0.5, 0.5))))
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Disabled)  # Qt would grey it
    item.setIcon(icon)
    return item
