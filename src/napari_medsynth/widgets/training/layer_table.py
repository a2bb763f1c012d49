"""Open layers to train on: :class:`LayerTable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QComboBox, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from ..controls import narrow, pick
from ..rendering.choices import images_like, label_layers

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_ROWS = 4  #: shown at once
_NONE = "no image"


class LayerTable(QTableWidget):
    """Labels layers to be ticked, and beside each the image that it belongs to.

    Parameters
    ----------
    viewer
        Whose layers they are.

    Attributes
    ----------
    changed : Signal()
        Something else is ticked, or belongs to it, or was painted.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(0, 2)
        self._viewer = viewer
        self._layers: list[Labels] = []
        self.setHorizontalHeaderLabels(["Labels", "Image"])
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for column in (0, 1):
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.itemChanged.connect(lambda _: self.changed.emit())
        self._fit()

    def pairs(self) -> list[tuple[Labels, Image | None]]:
        """Return the labels layers that are ticked, each with its image, if it has one."""
        rows = range(self.rowCount())
        ticked = [n for n in rows if self.item(n, 0).checkState() == Qt.CheckState.Checked]
        return [(self._layers[n], self._box(n).currentData()) for n in ticked]

    def tick(self, layer: Labels, ticked: bool = True) -> None:
        """Tick a layer or take the tick away."""
        state = Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        self.item(self._layers.index(layer), 0).setCheckState(state)

    def choose_image(self, layer: Labels, image: Image | None) -> None:
        """Say which image belongs to a labels layer."""
        pick(self._box(self._layers.index(layer)), image)

    def refill(self) -> None:
        """Show the layers that there are now; what was ticked and chosen stays so. The first one begins ticked."""
        before = {id(layer): (ticked, image) for layer, ticked, image in self._rows()}
        self._listen(False)
        self._layers = label_layers(self._viewer)
        self._listen(True)
        self.blockSignals(True)
        self.setRowCount(len(self._layers))
        for number, layer in enumerate(self._layers):
            usual = (not before and number == 0, _likely(self._viewer, layer))
            self._fill(number, layer, *before.get(id(layer), usual))
        self.blockSignals(False)
        self._fit()
        self.changed.emit()

    def close_layers(self) -> None:
        """Listen to the layers no longer."""
        self._listen(False)
        self._layers = []

    def _rows(self) -> list[tuple[Labels, bool, Image | None]]:
        return [
            (layer, self.item(n, 0).checkState() == Qt.CheckState.Checked, self._box(n).currentData())
            for n, layer in enumerate(self._layers)
        ]

    def _fill(self, number: int, layer: Labels, ticked: bool, image: Image | None) -> None:
        item = QTableWidgetItem(layer.name)
        item.setToolTip(layer.name)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.setItem(number, 0, item)
        box = QComboBox()
        narrow(box)
        box.addItem(_NONE, None)
        for found in images_like(self._viewer, layer):
            box.addItem(found.name, found)
        pick(box, image)
        box.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.setCellWidget(number, 1, box)

    def _box(self, number: int) -> QComboBox:
        return self.cellWidget(number, 1)

    def _listen(self, wanted: bool) -> None:
        for layer in self._layers:
            for event in (layer.events.paint, layer.events.data):
                (event.connect if wanted else event.disconnect)(self._on_painted)

    def _on_painted(self) -> None:
        self.changed.emit()

    def _fit(self) -> None:
        line = self.verticalHeader().defaultSectionSize()
        shown = min(max(1, self.rowCount()), _ROWS)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * line + 2 * self.frameWidth())


def _likely(viewer: ViewerModel, layer: Labels) -> Image | None:
    """The image that a labels layer is named after, else the only one of its size."""
    found = images_like(viewer, layer)
    named = [image for image in found if layer.name.startswith(image.name)]
    return named[0] if named else found[0] if len(found) == 1 else None
