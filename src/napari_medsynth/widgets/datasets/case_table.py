"""The cases of a split as a table: :class:`CaseTable`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from .opened import describe_case

if TYPE_CHECKING:
    from ...datasets.reader import Split

_COLUMNS = ("Case", "Scenario", "of {}")
_TIPS = ("Name of the case", "What it was made to show", "How many of the {} structures it has")
_NUMERIC = (2,)
_ALIGNED = {True: Qt.AlignmentFlag.AlignRight, False: Qt.AlignmentFlag.AlignLeft}


class CaseModel(QAbstractTableModel):
    """Some cases of a split; what is not seen is not asked for, so a long table opens at once."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._split: Split | None = None
        self._indices: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._counts: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)

    @property
    def indices(self) -> npt.NDArray[np.intp]:
        """Numbers of the cases, row by row."""
        return self._indices

    def show_cases(self, split: Split | None, indices: npt.NDArray[np.intp]) -> None:
        """Show these cases of a split."""
        self.beginResetModel()
        self._split, self._indices = split, indices
        self._counts = np.asarray(split.presence).sum(axis=1) if split is not None else indices
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of cases."""
        return 0 if parent is not None and parent.isValid() else len(self._indices)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(_COLUMNS)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the titles of the columns."""
        texts = {Qt.ItemDataRole.DisplayRole: _COLUMNS, Qt.ItemDataRole.ToolTipRole: _TIPS}.get(role)
        if texts is None or orientation != Qt.Orientation.Horizontal:
            return None
        return texts[section].format(0 if self._split is None else len(self._split.structure_names))

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what the view asks for."""
        if self._split is None:
            return None
        case = int(self._indices[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self._split, case, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return describe_case(self._split, case)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGNED[index.column() in _NUMERIC] | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, split: Split, case: int, column: int) -> str:
        if column == 0:
            return split.columns.case_ids[case]
        return split.columns.scenarios[case].replace("_", " ") if column == 1 else str(self._counts[case])


class CaseTable(QTableView):
    """One row a case; selecting one asks to see it, a double click or Enter asks to load it.

    Attributes
    ----------
    chosen : Signal(int)
        Row of the case that was selected.
    asked : Signal(int)
        Row of the case that is to be loaded.
    """

    chosen = Signal(int)
    asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._model = CaseModel(self)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)  # asking each row takes long
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.doubleClicked.connect(lambda index: self.asked.emit(index.row()))

    @property
    def indices(self) -> npt.NDArray[np.intp]:
        """Numbers of the cases in their split, row by row."""
        return self._model.indices

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for little room, and take what there is."""
        return QSize(240, 160)

    def show_cases(self, split: Split | None, indices: npt.NDArray[np.intp]) -> None:
        """Show these cases of a split; nothing is selected then."""
        self._model.show_cases(split, indices)
        self.resizeColumnToContents(0)
        self.resizeColumnToContents(2)

    def select(self, row: int) -> None:
        """Select a row and scroll to it."""
        if row != self.currentIndex().row():
            self.setCurrentIndex(self._model.index(row, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter asks to load the selected case."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.asked.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def _on_row(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid():
            self.chosen.emit(now.row())
