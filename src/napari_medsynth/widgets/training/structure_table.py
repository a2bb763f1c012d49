"""The structures that a model is to find: :class:`StructureTable`."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from ...core.labels import Label, LabelTable

_ROWS = 6  #: shown at once, at most
_VALUE, _NAME = 0, 1


class StructureTable(QTableWidget):
    """Values and names of labels; a tick says that the model is to find one.

    Attributes
    ----------
    changed : Signal()
        A person changed a tick or a name.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(0, 2)
        self._table = LabelTable()
        self._editable = False
        self.setHorizontalHeaderLabels(["Value", "Structure"])
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.horizontalHeader().setSectionResizeMode(_VALUE, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.itemChanged.connect(lambda _: self.changed.emit())
        self._fit()

    @property
    def table(self) -> LabelTable:
        """All that is listed, by the names that it has here."""
        return LabelTable(tuple(self._renamed(entry, n) for n, entry in enumerate(self._table)))

    @property
    def wanted(self) -> tuple[int, ...]:
        """The values that are ticked."""
        return tuple(entry.value for n, entry in enumerate(self._table) if self._is_ticked(n))

    def show_structures(self, table: LabelTable, *, editable: bool) -> None:
        """List other structures; ticks and names of values that were there already stay as they were.

        Parameters
        ----------
        table
            The structures.
        editable
            Whether names can be changed: those of files are what the files say.
        """
        unticked = {entry.value for n, entry in enumerate(self._table) if not self._is_ticked(n)}
        known = {entry.value: entry.name for entry in self._table}
        given = {entry.value: entry.name for entry in self.table if entry.name != known[entry.value]}
        self.blockSignals(True)
        self._table, self._editable = table, editable
        self.setRowCount(len(table))
        for number, entry in enumerate(table):
            name = given.get(entry.value, entry.name) if editable else entry.name
            self._fill(number, entry, name, entry.value not in unticked)
        self.blockSignals(False)
        self._fit()

    def tick(self, value: int, ticked: bool = True) -> None:
        """Tick a structure or take the tick away."""
        number = [entry.value for entry in self._table].index(value)
        self.item(number, _VALUE).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    def tick_all(self, ticked: bool) -> None:
        """Tick all structures, or none."""
        self.blockSignals(True)
        for entry in self._table:
            self.tick(entry.value, ticked)
        self.blockSignals(False)
        self.changed.emit()

    def _fill(self, number: int, entry: Label, name: str, ticked: bool) -> None:
        value = QTableWidgetItem(str(entry.value))
        value.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        value.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        if entry.colour is not None:
            value.setData(Qt.ItemDataRole.DecorationRole, QColor.fromRgbF(*entry.colour))
        text = QTableWidgetItem(name.replace("_", " ") if not self._editable else name)
        flags = Qt.ItemFlag.ItemIsEnabled
        text.setFlags(flags | Qt.ItemFlag.ItemIsEditable if self._editable else flags)
        text.setToolTip("Double-click to rename" if self._editable else "Named by the files")
        self.setItem(number, _VALUE, value)
        self.setItem(number, _NAME, text)

    def _is_ticked(self, number: int) -> bool:
        return self.item(number, _VALUE).checkState() == Qt.CheckState.Checked

    def _renamed(self, entry: Label, number: int) -> Label:
        text = self.item(number, _NAME).text().strip()
        return replace(entry, name=text) if self._editable and text else entry

    def _fit(self) -> None:
        line = self.verticalHeader().defaultSectionSize()
        shown = min(max(1, self.rowCount()), _ROWS)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * line + 2 * self.frameWidth())
