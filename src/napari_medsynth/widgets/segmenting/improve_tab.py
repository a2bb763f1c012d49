"""The Improve tab: what a model got wrong becomes what the next one learns from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QFormLayout, QFrame, QLineEdit, QSizePolicy, QWidget
from superqt import QElidingLabel

from ...core.case import case_id
from ...core.errors import MedsynthError
from ..background import in_background
from ..controls import allow, button, narrow, pick, refill, remark, row
from ..job_bar import JobBar
from ..jobs import one_step, start_job
from ..metadata import info_of
from ..preferences import cases_folder, remember
from .cases import add_case, cases_in, preset_of
from .choices import images, labels_like, shape_of
from .opening import to_extract, to_render, to_train

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_FIRST = "Where the result is wrong, correct it with napari's own brush, eraser and fill. Then:"
_RENDER = "The Render panel opens with these labels: as many images of this very anatomy as you like, labels exact."
_EXTRACT = "The Tumors panel's Extract tab opens with this scan: its lesions become seeds to place in other scans."
_ADD = "Image and labels, as they are now, are written as a case into a folder that the Train panel learns from."


class ImproveTab(QWidget):
    """Synthesise more like a failure, and collect corrected cases to train on.

    Parameters
    ----------
    viewer
        The viewer.
    bar
        Shows what runs.

    Attributes
    ----------
    busy : Signal()
        Something was started, or has ended.
    """

    busy = Signal()

    def __init__(self, viewer: ViewerModel, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._bar = viewer, bar
        self.folder = cases_folder()
        self.labels, self.image, self.name, self.place = QComboBox(), QComboBox(), QLineEdit(), QElidingLabel()
        self.render_button = button("Synthesise more like this", self.synthesise, _RENDER)
        self.extract = button("Cut lesions out", self.cut_out, _EXTRACT)
        self.choose = button("Folder…", self._ask, "Choose the folder that cases are added to")
        self.add = button("Add to training cases", self.add_to_cases, _ADD)
        self.train = button("Train on them", self.train_on_them, "Open the Train panel with this folder as its data")
        self.told = remark()
        self._arrange()
        self.labels.currentIndexChanged.connect(self._on_labels)
        self.image.currentIndexChanged.connect(self._on_image)
        self.name.textChanged.connect(self.update_state)
        self.reset_choices()
        self.choose_folder(self.folder)

    def choose_labels(self, layer: Labels) -> None:
        """Choose the labels that are corrected."""
        self.reset_choices()
        pick(self.labels, layer)

    def choose_folder(self, folder: Path) -> None:
        """Choose the folder that cases are added to."""
        self.folder = folder.absolute()
        self.place.setText(str(self.folder))
        self.place.setToolTip(str(self.folder))
        self.update_state()

    def synthesise(self) -> None:
        """Open the Render panel with the labels, and the preset that the model learned from."""
        layer = self.labels.currentData()
        if layer is not None:
            shown = partial(self._try, partial(to_render, self._viewer, layer))
            in_background(self, partial(preset_of, layer), shown, self._on_failed)

    def cut_out(self) -> None:
        """Open the Tumors panel's Extract tab with image and labels."""
        self._try(to_extract, self._viewer, self.image.currentData(), self.labels.currentData())

    def add_to_cases(self) -> None:
        """Write image and labels as a case, in the background."""
        image, labels = self.image.currentData(), self.labels.currentData()
        if self._add_obstacle() or image is None or labels is None:
            return
        call = partial(add_case, image, labels, self.folder, self.name.text())
        handle = start_job(
            one_step(call, "writing the case"),
            title="Adding to the training cases",
            done=self._on_added,
            failed=self._on_failed,
            bar=self._bar,
        )
        handle.finished.connect(self.busy.emit)
        self.busy.emit()

    def train_on_them(self) -> None:
        """Open the Train panel with the folder of cases."""
        self._try(to_train, self._viewer, self.folder)

    def reset_choices(self) -> None:
        """Show the layers that there are now."""
        refill(self.labels, [(layer.name, layer) for layer in labels_like(self._viewer)])
        self._on_labels()

    def _arrange(self) -> None:
        for box, tip in ((self.labels, "The result, corrected"), (self.image, "The scan that it is of")):
            narrow(box)
            box.setToolTip(tip)
        self.name.setToolTip("What the case is called; keep to one name a patient")
        self.place.setElideMode(Qt.TextElideMode.ElideLeft)
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QFormLayout(self)
        layout.addRow(_words(_FIRST))
        layout.addRow("Labels", self.labels)
        layout.addRow("Image", self.image)
        for part in (_line(), self.render_button, _words(_RENDER), _line(), self.extract, _words(_EXTRACT), _line()):
            layout.addRow(part)
        layout.addRow("Cases", row(self.place, self.choose))
        layout.addRow("Name", self.name)
        layout.addRow(row(self.add, self.train))
        layout.addRow(_words(_ADD))
        layout.addRow(self.told)

    def _on_labels(self, *_: object) -> None:
        labels = self.labels.currentData()
        fitting = [] if labels is None else [x for x in images(self._viewer) if shape_of(x) == shape_of(labels)]
        before = self.image.currentData()
        refill(self.image, [(layer.name, layer) for layer in fitting])
        if self.image.currentData() is before:
            self.update_state()

    def _on_image(self, *_: object) -> None:
        image = self.image.currentData()
        self.name.setText("" if image is None else case_id(image.name))
        self.update_state()

    def _on_added(self, path: Path) -> None:
        remember("cases_folder", self.folder)
        count = len(cases_in(self.folder))
        self.told.setText(f"Added {path.name}; the folder holds {count} case{'s' * (count != 1)} now.")

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self.told.setText(str(error))
        self.update_state()

    def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except MedsynthError as error:
            self._on_failed(error)

    def update_state(self, *_: object) -> None:
        """Show what can be done, and why other things cannot."""
        labels = self.labels.currentData()
        none = "" if labels is not None else "there is no labels layer; segment an image first"
        allow(self.render_button, none)
        allow(self.extract, none or self._extract_obstacle(self.image.currentData(), labels))
        allow(self.add, none or self._add_obstacle())
        allow(self.train, "" if cases_in(self.folder) else "the folder holds no case yet")

    def _extract_obstacle(self, image: Image | None, labels: Labels) -> str:
        info = info_of(labels)
        if image is None or image.ndim != 3:
            return "there is no 3D image of as many voxels"
        return "" if info is not None and info.table.lesions() else "none of these labels is called a lesion"

    def _add_obstacle(self) -> str:
        name = self.name.text()
        reasons = (
            (self.image.currentData() is None, "there is no image of as many voxels"),
            (self._bar.is_busy, "something is being worked out"),
            (not name or case_id(name) != name, "a name has letters, digits, '.', '_' and '-' only"),
            (name in cases_in(self.folder), f"the folder has a case {name!r} already; choose another name"),
        )
        return next((reason for stands, reason in reasons if stands), "")

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of training cases", str(self.folder))
        if chosen:
            self.choose_folder(Path(chosen))
            remember("cases_folder", self.folder)


def _words(text: str) -> QWidget:
    made = remark()
    made.setText(text)
    return made


def _line() -> QFrame:
    made = QFrame()
    made.setFrameShape(QFrame.Shape.HLine)
    made.setFrameShadow(QFrame.Shadow.Sunken)
    return made
