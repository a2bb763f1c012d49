"""The Extract tab: lesions of a labelled scan become seeds of the library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QListWidget, QListWidgetItem, QWidget

from ...core.case import Case, case_id
from ...core.errors import MedsynthError
from ...core.labels import LabelMap
from ...tumor.extract import LEAST_MARGIN, extract_seeds
from ...tumor.seed import Seed
from ...tumor.thumbnail import draw_thumbnail
from ..background import in_background
from ..controls import allow, button, later, narrow, refill, remark, row
from ..jobs import JobBar, one_step, start_job
from ..layers import labels_of, volume_of
from .choices import label_layers, scans
from .seed_view import SeedView, item_of, pixmap_of
from .shelf import Shelf


class ExtractTab(QWidget):
    """Choose image, labels and lesion values; look at the seeds; keep those wanted.

    Parameters
    ----------
    viewer
        The viewer.
    shelf
        The library that seeds are kept in.
    bar
        Shows what runs.
    """

    def __init__(self, viewer: ViewerModel, shelf: Shelf, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._shelf, self._bar = viewer, shelf, bar
        self._labels: LabelMap | None = None
        self._seeds: dict[str, Seed] = {}
        self._reading = later(self, self._read_labels)
        self.image, self.labels, self.values = QComboBox(), QComboBox(), QListWidget()
        self.organ, self.patient = QLineEdit("lung"), QLineEdit()
        self.margin = QDoubleSpinBox()
        self.find_button = button("Find seeds", self.find_seeds, "Cut every connected lesion of the ticked values out")
        self.keep_button = button("Keep selected", self.keep_seeds, "Add the ticked seeds to the library")
        self.seeds = SeedView(checkable=True)
        self.told = remark()
        self._arrange()
        self.image.currentIndexChanged.connect(self._on_image)
        self.labels.currentIndexChanged.connect(self._on_labels)
        self.values.itemChanged.connect(self._update)
        self.seeds.model().dataChanged.connect(self._update)
        self.seeds.model().modelReset.connect(self._update)
        self.reset_choices()

    def reset_choices(self) -> None:
        """Show the layers that there are now."""
        refill(self.image, [(layer.name, layer) for layer in scans(self._viewer)])
        self._refill_labels()
        self._update()

    def find_seeds(self) -> None:
        """Cut the lesions out, in the background."""
        image, labels = self.image.currentData(), self._labels
        if image is None or labels is None:
            return
        name = case_id(image.name)
        try:
            case = Case(id=name, image=volume_of(image), labels=labels)
        except MedsynthError as error:
            self._tell(str(error))
            return
        job = partial(
            extract_seeds,
            case,
            self._ticked(),
            margin_mm=self.margin.value(),
            organ=self.organ.text().strip(),
            patient=self.patient.text().strip() or name,
        )
        self._start(job, "Finding seeds", self._show_seeds)

    def keep_seeds(self) -> None:
        """Add the ticked seeds to the library, in the background."""
        wanted = [self._seeds[key] for key in self.seeds.checked]
        self._start(one_step(lambda: self._shelf.store(wanted)), "Keeping seeds", self._on_kept)

    def _arrange(self) -> None:
        self.margin.setRange(LEAST_MARGIN, 30.0)
        self.margin.setValue(6.0)
        self.margin.setDecimals(1)
        self.margin.setSuffix(" mm")
        self.margin.setToolTip("How much of the scan is kept around each lesion")
        self.organ.setToolTip("Where the lesions grew, e.g. lung; the Library tab filters by it")
        self.patient.setPlaceholderText("name of the image")
        self.patient.setToolTip("Whose scan it is: seeds of one patient are kept out of that patient's held-back scans")
        self.values.setMaximumHeight(84)
        self.values.setToolTip("Tick the values that are lesions")
        layout = QFormLayout(self)
        for box in (self.image, self.labels):
            narrow(box)
        for label, widget in (
            ("Image", self.image),
            ("Labels", self.labels),
            ("Lesions", self.values),
            ("Organ", self.organ),
            ("Patient", self.patient),
            ("Margin", self.margin),
        ):
            layout.addRow(label, widget)
        layout.addRow(self.find_button)
        layout.addRow(self.seeds)
        layout.addRow(self.told)
        layout.addRow(row(self.keep_button))

    def _refill_labels(self) -> None:
        layers = label_layers(self._viewer, self.image.currentData()) if self.image.currentData() is not None else []
        refill(self.labels, [(layer.name, layer) for layer in layers])

    def _on_image(self) -> None:
        self._refill_labels()
        self._update()

    def _on_labels(self) -> None:
        self._labels = None
        self.values.clear()
        self._update()
        self._reading.start()

    def _read_labels(self) -> None:
        layer = self.labels.currentData()
        if layer is None:
            return
        try:
            labels = labels_of(layer)
        except MedsynthError as error:
            self._tell(str(error))
            return
        in_background(self, labels.values, partial(self._show_values, layer, labels), self._on_failed)

    def _show_values(self, layer: Any, labels: LabelMap, present: Sequence[int]) -> None:
        if layer is not self.labels.currentData():
            return
        self._labels = labels
        self.values.blockSignals(True)
        for value in present:
            entry = labels.table[value]
            item = QListWidgetItem(f"{value}  {entry.name}" if value in labels.table.values_of() else str(value))
            item.setData(Qt.ItemDataRole.UserRole, value)
            known = entry.is_lesion
            ticked = known or len(present) == 1
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.values.addItem(item)
        self.values.blockSignals(False)
        self._update()

    def _show_seeds(self, seeds: Sequence[Seed]) -> None:
        self._seeds = {seed.info.id: seed for seed in seeds}
        self.seeds.set_items(item_of(s.info, partial(_picture, s)) for s in seeds)
        self._tell(f"{len(seeds)} seed{'s' * (len(seeds) != 1)} found.")

    def _on_kept(self, new: Sequence[str]) -> None:
        self._shelf.announce()
        known = len(self.seeds.checked) - len(new)
        self._tell(f"{len(new)} new in {self._shelf.folder}" + (f"; {known} were there already." if known else "."))

    def _ticked(self) -> list[int]:
        items = [self.values.item(n) for n in range(self.values.count())]
        return [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() == Qt.CheckState.Checked]

    def _start(self, job: Any, title: str, done: Any) -> None:
        start_job(job, title=title, done=done, failed=self._on_failed, bar=self._bar)

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._tell(str(error))

    def _tell(self, text: str) -> None:
        self.told.setText(text)
        self._update()

    def _update(self, *_: object) -> None:
        obstacle = "" if self._ticked() else "tick the label values that are lesions"
        if self.labels.currentData() is None:
            obstacle = "open a labels layer of the image's size, or draw one"
        if self.image.currentData() is None:
            obstacle = "open a 3D image first"
        allow(self.find_button, obstacle)
        allow(self.keep_button, "" if self.seeds.checked else "find seeds and tick those to keep")


def _picture(seed: Seed) -> Any:
    return pixmap_of(draw_thumbnail(seed))
