"""The runs of a folder: :class:`RunList`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from ...learning.run import Run
from .watch import Row

_ROWS = 4  #: shown at once
_HEADS = ("Run", "State", "Epochs", "Dice")


class RunList(QTableWidget):
    """Name, state, epochs and best validation Dice of each run; one is selected.

    Attributes
    ----------
    picked : Signal(Run)
        Another run is selected; None: there is none.
    """

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self._runs: list[Run] = []
        self.setHorizontalHeaderLabels(_HEADS)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.itemSelectionChanged.connect(self._on_select)
        line = self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(head.sizeHint().height() + _ROWS * line + 2 * self.frameWidth())

    @property
    def run(self) -> Run | None:
        """The run that is selected."""
        number = self.currentRow()
        return self._runs[number] if 0 <= number < len(self._runs) and self.selectedItems() else None

    def show_rows(self, rows: Sequence[Row], folder: Path, wanted: Run | None) -> None:
        """Show these runs; the one that is wanted is selected if it is among them, and the first if none is wanted."""
        before = self.run
        self.blockSignals(True)
        self.setRowCount(len(rows))
        self._runs = [row.run for row in rows]
        for number, row in enumerate(rows):
            name = str(row.run.folder.relative_to(folder)) if row.run.folder.is_relative_to(folder) else row.run.name
            dice = "" if row.dice is None else f"{row.dice:.3f}"
            for column, text in enumerate((name, row.state, str(row.epochs), dice)):
                item = QTableWidgetItem(text)
                item.setToolTip(str(row.run.folder))
                if column > 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(number, column, item)
        self.clearSelection()
        self.blockSignals(False)
        self._select(wanted if wanted is not None or not rows else self._runs[0])
        self._tell(before)

    def select(self, run: Run) -> None:
        """Select a run, if it is listed."""
        before = self.run
        self._select(run)
        self._tell(before)

    def _select(self, run: Run | None) -> None:
        if run in self._runs:
            self.blockSignals(True)
            self.selectRow(self._runs.index(run))
            self.blockSignals(False)

    def _tell(self, before: Run | None) -> None:
        if self.run != before:
            self.picked.emit(self.run)

    def _on_select(self) -> None:
        self.picked.emit(self.run)
