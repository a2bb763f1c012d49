"""What to train on: :class:`DataBox`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from ...core.errors import MedsynthError
from ...core.schemes import scheme_names
from ..background import in_background
from ..controls import button, later, narrow, remark, row
from .found import Found, Source, of_folder, of_layers
from .layer_table import LayerTable
from .structure_table import StructureTable

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_LAYERS, _FOLDER = "Open layers", "Dataset or folder"
_LAYOUTS = {
    "auto": "found out",
    "folder": "case folders, or images beside labels",
    "hdf5": "HDF5 of this plugin",
    "nnunet": "nnU-Net",
    "msd": "Medical Segmentation Decathlon",
    "monai": "MONAI datalist",
    "spider": "SPIDER",
}
_REST_MS = 200  #: a hand that types or paints rests no longer than this


class DataBox(QWidget):
    """Layers or a folder, what was found there, and which structures of it are wanted.

    Parameters
    ----------
    viewer
        Whose layers can be chosen.

    Attributes
    ----------
    changed : Signal()
        Something else is chosen, or has been counted.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.found: Found | None = None
        self.problem = ""
        self._number, self._pending = 0, 0
        self.place, self.layers, self.folder = QComboBox(), LayerTable(viewer), QLineEdit()
        self.layout_box, self.scheme = QComboBox(), QComboBox()
        self.choose = button("Choose…", self._choose, "Choose the folder, or the folder of a dataset")
        self.counted, self.structures = remark(), StructureTable()
        self.every = button("All", partial(self.structures.tick_all, True), "Find all structures")
        self.none = button("None", partial(self.structures.tick_all, False), "Untick all, to tick a few")
        self._rest = later(self, self.look)
        self._rest.setInterval(_REST_MS)
        self._arrange()
        self._connect()
        self._show_place()

    @property
    def is_folder(self) -> bool:
        """Whether a folder is trained on, and not layers."""
        return bool(self.place.currentText() == _FOLDER)

    @property
    def is_busy(self) -> bool:
        """Whether something is being counted, or about to be."""
        return bool(self._pending) or self._rest.isActive()

    @property
    def path(self) -> Path | None:
        """The folder; None if none is named, or layers are chosen."""
        text = self.folder.text().strip()
        return Path(text).expanduser().absolute() if text and self.is_folder else None

    @property
    def layout_name(self) -> str:
        """The layout of the folder."""
        return self.layout_box.currentData()  # type: ignore[no-any-return]

    @property
    def scheme_name(self) -> str | None:
        """What values mean where the files do not say."""
        return self.scheme.currentData() if self.is_folder else None

    def pairs(self) -> list[tuple[Labels, Image | None]]:
        """Return the labels layers that are chosen, each with its image, if it has one; none of a folder."""
        return [] if self.is_folder else self.layers.pairs()

    def train_on(self, folder: Path) -> None:
        """Choose a folder."""
        self.place.setCurrentText(_FOLDER)
        self.folder.setText(str(folder))
        self.look()

    def obstacle(self, source: Source) -> str:
        """Return what keeps a kind of model from learning from this; empty if nothing does."""
        if self.is_folder and self.path is None:
            return "choose a folder first"
        if not self.is_folder and not self.layers.pairs():
            return "tick a labels layer first" if self.layers.rowCount() else "open a labels layer, or make a phantom"
        if self.is_busy:
            return "the cases are being counted"
        if self.found is None:
            return self.problem or "nothing was found"
        return self.found.obstacle(source) or ("" if self.structures.wanted else "tick a structure first")

    def look(self) -> None:
        """Count again, in the background."""
        self._rest.stop()
        self._number += 1
        pairs, path = self.pairs(), self.path
        if not pairs and path is None:
            self._take(None, "")
            return
        call = partial(of_layers, pairs)
        if path is not None:
            call = partial(of_folder, path, self.layout_name, self.scheme_name)
        self._pending += 1
        if self.found is None:
            self.counted.setText("counting…")
        in_background(self, call, partial(self._on_found, self._number), partial(self._on_failed, self._number))
        self.changed.emit()

    def _arrange(self) -> None:
        self.place.addItems([_LAYERS, _FOLDER])
        narrow(self.layout_box)
        for name, title in _LAYOUTS.items():
            self.layout_box.addItem(title, name)
        narrow(self.scheme)
        self.scheme.addItem("as the files say", None)
        for name in scheme_names():
            self.scheme.addItem(name, name)
        self.scheme.setToolTip("Which data set or tool the label values are from, where the files do not say")
        self.folder.setPlaceholderText("images and labels, or a dataset")
        self.of_folder = QWidget()
        form = QFormLayout(self.of_folder)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Folder", row(self.folder, self.choose))
        form.addRow("Layout", self.layout_box)
        form.addRow("Values", self.scheme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.ticks = QWidget()
        self.ticks.setLayout(row(self.every, self.none))
        for part in (self.place, self.layers, self.of_folder, self.counted, self.structures, self.ticks):
            layout.addWidget(part)

    def _connect(self) -> None:
        self.place.currentIndexChanged.connect(self._on_place)
        self.layers.changed.connect(self._on_choice)
        self.folder.textChanged.connect(self._on_choice)
        for box in (self.layout_box, self.scheme):
            box.currentIndexChanged.connect(self._on_choice)
        self.structures.changed.connect(self.changed)

    def _on_place(self) -> None:
        self._show_place()
        self.found, self.problem = None, ""
        self.look()

    def _on_choice(self) -> None:
        self._rest.start()
        self.changed.emit()

    def _show_place(self) -> None:
        self.layers.setVisible(not self.is_folder)
        self.of_folder.setVisible(self.is_folder)

    def _on_found(self, number: int, found: Found) -> None:
        self._pending -= 1
        if number == self._number:
            self._take(found, "")

    def _on_failed(self, number: int, error: Exception) -> None:
        self._pending -= 1
        if not isinstance(error, MedsynthError):
            raise error
        if number == self._number:
            self._take(None, str(error))

    def _take(self, found: Found | None, problem: str) -> None:
        self.found, self.problem = found, problem
        self.counted.setText(problem if found is None else found.describe())
        self.counted.setVisible(bool(self.counted.text()))
        if found is not None:
            self.structures.show_structures(found.structures, editable=not self.is_folder)
        for part in (self.structures, self.ticks):
            part.setVisible(found is not None and len(found.structures) > 0)
        self.changed.emit()

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Cases to train on", self.folder.text())
        if chosen:
            self.train_on(Path(chosen))
