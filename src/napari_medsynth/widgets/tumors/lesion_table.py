"""The table of lesions that were placed: :class:`LesionTable`."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QItemSelection, QSize, Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from .figures import Figures

_COLUMNS = ("#", "mL", "mm", "HU", "x, y, z mm", "Seed")
_TIPS = (
    "Number in the labels layer",
    "Volume",
    "Diameter of the ball of the same volume",
    "Mean",
    "Middle, in the patient: to the right, to the front, to the head (RAS)",
    "What it was made of",
)


class LesionTable(QTableWidget):
    """One row a lesion; selecting one asks to see it, the Delete key asks to take it out.

    Attributes
    ----------
    chosen, deleted : Signal(int)
        The number of the lesion.
    """

    chosen = Signal(int)
    deleted = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setHorizontalHeaderLabels(_COLUMNS)
        for column, tip in enumerate(_TIPS):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        shortcut = QShortcut(QKeySequence(Qt.Key.Key_Delete), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        shortcut.activated.connect(self.delete_selected)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for little room, and take what there is."""
        return QSize(200, 112)

    @property
    def selected(self) -> int | None:
        """Number of the selected lesion."""
        rows = self.selectionModel().selectedRows()
        return int(self.item(rows[0].row(), 0).text()) if rows else None

    def show_figures(self, lesions: Iterable[Figures]) -> None:
        """Show these lesions."""
        before = self.selected
        self.blockSignals(True)
        rows = [_cells(lesion) for lesion in lesions]
        self.setRowCount(len(rows))
        for number, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column < len(_COLUMNS) - 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(number, column, item)
        kept = [cells[0] for cells in rows].index(str(before)) if str(before) in {c[0] for c in rows} else -1
        self.selectionModel().blockSignals(True)
        self.clearSelection() if kept < 0 else self.selectRow(kept)
        self.selectionModel().blockSignals(False)
        self.blockSignals(False)

    def delete_selected(self) -> None:
        """Ask to take the selected lesion out."""
        if self.selected is not None:
            self.deleted.emit(self.selected)

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        if self.selected is not None:
            self.chosen.emit(self.selected)


def _cells(lesion: Figures) -> tuple[str, ...]:
    number, found = str(lesion.placed.entry.instance), lesion.measured
    if found is None:
        return (number, "0", "0", "", "hidden by others", lesion.placed.name)
    place = ", ".join(f"{v:.0f}" for v in found.centre_mm)
    return (
        number,
        f"{found.volume_ml:.2f}",
        f"{lesion.diameter_mm:.1f}",
        f"{found.mean_hu:.0f}",
        place,
        lesion.placed.name,
    )
