"""Seeds as a list of pictures with their figures: :class:`SeedView`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from ...core.errors import MedsynthError
from ...tumor.seed import SeedInfo

_SIDE = 60  #: of a picture, in pixels


@dataclass(frozen=True)
class SeedItem:
    """One entry: a key, a title, a line of figures, a tooltip, and a call that draws it when it is first seen."""

    key: str
    title: str
    detail: str
    tooltip: str
    picture: Callable[[], QPixmap]


def item_of(info: SeedInfo, picture: Callable[[], QPixmap]) -> SeedItem:
    """Describe a seed."""
    place = f"{info.organ}, {info.attachment}" if info.organ else info.attachment
    detail = f"{info.diameter_mm:.1f} mm · {info.volume_ml:.2f} mL · {info.core_hu:.0f} HU\n{place}"
    sizes = " × ".join(f"{d:.1f}" for d in info.diameters_mm)
    tooltip = f"{info.id}\n{sizes} mm\n{detail}\nfrom {info.source}, patient {info.patient}"
    return SeedItem(info.id, info.id, detail, tooltip, picture)


def pixmap_of(picture: Any) -> QPixmap:
    """Make a pixmap of an array ``(height, width, 3)`` of bytes."""
    height, width, _ = picture.shape
    return QPixmap.fromImage(QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy())


class SeedModel(QAbstractListModel):
    """The entries of a :class:`SeedView`; pictures are drawn when they are first seen, so a long list opens at once."""

    def __init__(self, parent: QWidget, *, compact: bool, checkable: bool) -> None:
        super().__init__(parent)
        self._compact, self._checkable = compact, checkable
        self._items: list[SeedItem] = []
        self._checked: set[str] = set()
        self._pictures: dict[str, QPixmap] = {}

    @property
    def items(self) -> Sequence[SeedItem]:
        """The entries."""
        return self._items

    @property
    def checked(self) -> tuple[str, ...]:
        """Keys of the entries that are ticked."""
        return tuple(item.key for item in self._items if item.key in self._checked)

    def set_items(self, items: Iterable[SeedItem]) -> None:
        """Show other entries, all of them ticked."""
        self.beginResetModel()
        self._items = list(items)
        self._checked = {item.key for item in self._items}
        self._pictures = {}
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of entries."""
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what the view asks for."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item.detail.partition(" · ")[0] if self._compact else f"{item.title}\n{item.detail}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return item.tooltip
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(item)
        if role == Qt.ItemDataRole.CheckStateRole and self._checkable:
            return Qt.CheckState.Checked if item.key in self._checked else Qt.CheckState.Unchecked
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Tick an entry or take the tick away."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        key = self._items[index.row()].key
        (self._checked.add if Qt.CheckState(value) == Qt.CheckState.Checked else self._checked.discard)(key)
        self.dataChanged.emit(index, index, [role])
        return True

    def flags(self, index: QModelIndex) -> Any:
        """Say what can be done with an entry."""
        extra = Qt.ItemFlag.ItemIsUserCheckable if self._checkable else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | extra

    def _picture(self, item: SeedItem) -> QPixmap:
        if item.key not in self._pictures:
            try:
                drawn = item.picture()
            except MedsynthError:  # listed among the problems of its library; the others are as good
                drawn = QPixmap(_SIDE, _SIDE)
                drawn.fill(QColor(120, 40, 40))
            smooth = Qt.TransformationMode.SmoothTransformation
            self._pictures[item.key] = drawn.scaled(_SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        return self._pictures[item.key]


class SeedView(QListView):
    """A list of seeds.

    Parameters
    ----------
    compact
        Pictures side by side with the size beneath, in place of one row each with all figures.
    checkable
        Whether entries can be ticked.
    several
        Whether several can be selected.
    """

    chosen = Signal(str)

    def __init__(self, *, compact: bool = False, checkable: bool = False, several: bool = False) -> None:
        super().__init__()
        self._model = SeedModel(self, compact=compact, checkable=checkable)
        self.setModel(self._model)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setUniformItemSizes(True)
        self.setSelectionMode(
            QAbstractItemView.SelectionMode.ExtendedSelection
            if several
            else QAbstractItemView.SelectionMode.SingleSelection
        )
        if compact:
            self.setViewMode(QListView.ViewMode.IconMode)
            self.setMovement(QListView.Movement.Static)
            self.setResizeMode(QListView.ResizeMode.Adjust)
            self.setGridSize(QSize(_SIDE + 8, _SIDE + 24))
        self.selectionModel().selectionChanged.connect(self._on_selection)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all entries."""
        return tuple(item.key for item in self._model.items)

    @property
    def checked(self) -> tuple[str, ...]:
        """Keys of the entries that are ticked."""
        return self._model.checked

    @property
    def selected(self) -> tuple[str, ...]:
        """Keys of the selected entries."""
        return tuple(self._model.items[index.row()].key for index in self.selectedIndexes())

    def set_items(self, items: Iterable[SeedItem]) -> None:
        """Show other entries; what was selected stays so if it is among them."""
        before = self.selected
        self._model.set_items(items)
        for key in before:
            if key in self.keys:
                self.select(key)

    def select(self, key: str) -> None:
        """Select one entry."""
        self.setCurrentIndex(self._model.index(self.keys.index(key)))

    def check(self, key: str, ticked: bool) -> None:
        """Tick an entry or take the tick away."""
        state = Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        self._model.setData(self._model.index(self.keys.index(key)), state, Qt.ItemDataRole.CheckStateRole)

    def _on_selection(self) -> None:
        if self.selected:
            self.chosen.emit(self.selected[-1])
