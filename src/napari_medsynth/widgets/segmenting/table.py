"""A small table of which a row is chosen: :class:`Table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

_SWATCH = 10  #: pixels
_WIDTH = 300  #: pixels; a name of some length and four figures


@dataclass(frozen=True)
class Line:
    """A row.

    Parameters
    ----------
    key
        What it stands for.
    cells
        Its texts; all but the first are figures, written to the right.
    tip
        Shown while the mouse rests on it.
    colour
        Of a swatch before the first text, ``(r, g, b)``, 0 … 1.
    struck
        Whether it is crossed out: there, but of no use.
    """

    key: Any
    cells: tuple[str, ...]
    tip: str = ""
    colour: tuple[float, float, float] | None = None
    struck: bool = False


class Table(QTableWidget):
    """Rows that are chosen one at a time.

    Parameters
    ----------
    columns
        Titles, and what each means.
    height
        Pixels that it asks for.

    Attributes
    ----------
    chosen : Signal(object)
        The key of the row that is selected now; None if there is none.
    """

    chosen = Signal(object)

    def __init__(self, columns: Mapping[str, str], height: int) -> None:
        super().__init__(0, len(columns))
        self._height = height
        self._lines: tuple[Line, ...] = ()
        self.setHorizontalHeaderLabels(list(columns))
        for column, tip in enumerate(columns.values()):
            self.horizontalHeaderItem(column).setToolTip(tip)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.itemSelectionChanged.connect(self._on_selection)

    @property
    def key(self) -> Any:
        """Key of the row that is selected; None if there is none."""
        rows = self.selectionModel().selectedRows()
        return self._lines[rows[0].row()].key if rows else None

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for little room, and take what there is."""
        return QSize(_WIDTH, self._height)

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def show_lines(self, lines: Sequence[Line], selected: Any = None) -> None:
        """Show other rows, and select the one with this key, or none."""
        self.blockSignals(True)
        self.clearSelection()
        self._lines = tuple(lines)
        self.setRowCount(len(lines))
        for row, line in enumerate(lines):
            for column, text in enumerate(line.cells):
                self.setItem(row, column, _item(line, text, column))
        for row, line in enumerate(lines):
            if selected is not None and line.key == selected:
                self.selectRow(row)
        self.blockSignals(False)
        self._on_selection()

    def choose(self, key: Any) -> None:
        """Select the row with this key, as a click on it does."""
        self.selectRow(next(row for row, line in enumerate(self._lines) if line.key == key))

    def _on_selection(self) -> None:
        self.chosen.emit(self.key)


def _item(line: Line, text: str, column: int) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(line.tip)
    if column:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    elif line.colour is not None:
        swatch = QPixmap(_SWATCH, _SWATCH)
        swatch.fill(QColor.fromRgbF(*line.colour))
        item.setData(Qt.ItemDataRole.DecorationRole, swatch)
    if line.struck:
        font = item.font()
        font.setStrikeOut(True)
        item.setFont(font)
    return item
