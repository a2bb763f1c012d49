"""What each label is made of, to be changed: :class:`TissueTable`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QAbstractItemModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

_COLUMNS = ("Value", "Name", "Tissue", "Intensity")
_TIPS = (
    "Value of the label, and its colour in the viewer",
    "What the label's table calls it",
    "What it is made of: double-click to choose a class or to type one",
    "Mean ± standard deviation in this image, before the scanner; named is the class, where it is not the tissue",
)
_MODES = (
    QHeaderView.ResizeMode.ResizeToContents,
    QHeaderView.ResizeMode.Stretch,
    QHeaderView.ResizeMode.ResizeToContents,
    QHeaderView.ResizeMode.ResizeToContents,
)
_TISSUE = 2
_SWATCH = 12  # pixels
_MISSING = QColor(255, 120, 90)


@dataclass(frozen=True)
class TissueRow:
    """One label.

    Parameters
    ----------
    value, name, tissue
        As in its table; ``tissue`` is what a person chose, if anything.
    chosen
        Whether a person chose the tissue.
    entry
        Name of its class; empty if there is none.
    intensity
        Mean and standard deviation; None if not drawn yet.
    colour
        ``(r, g, b)``, 0 … 1.
    """

    value: int
    name: str
    tissue: str
    chosen: bool
    entry: str
    intensity: tuple[float, float] | None
    colour: tuple[float, float, float]


class TissueTable(QTableWidget):
    """One row a label; what has no class is marked.

    Attributes
    ----------
    edited : Signal(int, str)
        A person says that this label is made of that; empty: of what its table says.
    """

    edited = Signal(int, str)

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setHorizontalHeaderLabels(_COLUMNS)
        for column, tip in enumerate(_TIPS):
            self.horizontalHeaderItem(column).setToolTip(tip)
        header = self.horizontalHeader()
        for column, mode in enumerate(_MODES):
            header.setSectionResizeMode(column, mode)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._delegate = _Words(self)
        self.setItemDelegateForColumn(_TISSUE, self._delegate)
        self.itemChanged.connect(self._on_item)
        self._rows: tuple[TissueRow, ...] = ()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for little room, and take what there is."""
        return QSize(200, 112)

    @property
    def rows(self) -> tuple[TissueRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[TissueRow], words: Sequence[str]) -> None:
        """Show these labels; ``words`` are the classes that can be chosen."""
        self._delegate.words = tuple(words)
        if tuple(rows) == self._rows or self.state() == QAbstractItemView.State.EditingState:
            return
        self._rows = tuple(rows)
        self.blockSignals(True)
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            self._show_row(number, row)
        self.blockSignals(False)

    def _show_row(self, number: int, row: TissueRow) -> None:
        for column, text in enumerate((str(row.value), row.name, row.tissue, _intensity(row))):
            item = self.item(number, column)
            if item is None:
                item = QTableWidgetItem()
                self.setItem(number, column, item)
            item.setText(text)
            editable = item.flags() | Qt.ItemFlag.ItemIsEditable
            item.setFlags(editable if column == _TISSUE else editable & ~Qt.ItemFlag.ItemIsEditable)
            item.setData(Qt.ItemDataRole.ForegroundRole, None if row.entry else QBrush(_MISSING))
            item.setToolTip(_tooltip(row))
            font = item.font()
            font.setBold(column == _TISSUE and row.chosen)
            item.setFont(font)
        self.item(number, 0).setIcon(_swatch(row.colour))

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() == _TISSUE:
            self.edited.emit(self._rows[item.row()].value, item.text().strip())


def _intensity(row: TissueRow) -> str:
    if not row.entry:
        return "no class"
    figures = "" if row.intensity is None else _figures(*row.intensity)
    return figures if row.entry == row.tissue.lower() else f"{row.entry}: {figures}".rstrip(": ")


def _figures(mean: float, std: float) -> str:
    digits = 3 if max(abs(mean), std) < 2 else 0 if std >= 2 else 1  # images whose range is 0 … 1 have small numbers
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def _tooltip(row: TissueRow) -> str:
    if not row.entry:
        return f"{row.name} has no class: double-click its tissue and choose one"
    by_hand = ", which you chose" if row.chosen else ""
    return f"{row.name}\nTissue: {row.tissue or 'not known'}{by_hand}\nClass: {row.entry}"


class _Words(QStyledItemDelegate):
    """Edits a cell with a list of words, or any other word."""

    words: tuple[str, ...] = ()

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: QModelIndex) -> QWidget:  # noqa: N802
        """Make the list."""
        box = QComboBox(parent)
        box.setEditable(True)
        box.addItems(self.words)
        box.activated.connect(lambda _: self._take(box), Qt.ConnectionType.QueuedConnection)
        return box

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """Begin with what the cell says."""
        if isinstance(editor, QComboBox):
            editor.setEditText(str(index.data() or ""))
            editor.lineEdit().selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: QModelIndex) -> None:  # noqa: N802
        """Put the word into the cell."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())

    def _take(self, box: QComboBox) -> None:
        if box.isHidden():  # Return has ended it already
            return
        self.commitData.emit(box)
        self.closeEditor.emit(box)


def _swatch(colour: tuple[float, float, float]) -> QIcon:
    picture = QPixmap(_SWATCH, _SWATCH)
    picture.fill(QColor.fromRgbF(*(min(max(float(part), 0.0), 1.0) for part in colour)))
    return QIcon(picture)
