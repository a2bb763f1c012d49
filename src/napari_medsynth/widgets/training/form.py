"""How a model is trained: :class:`TrainForm`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import ConfigError
from ...learning.settings import FitSettings
from ...segmentation.networks import NetworkSettings
from ...segmentation.settings import TrainSettings
from ...segmentation.spec import InputSpec
from ..background import in_background
from ..controls import button, narrow, row
from ..form import form_of
from ..preferences import models_folder, remember
from ..seed_box import SeedBox
from .devices import Device, devices
from .found import Source
from .numbers import Numbers
from .render_choice import RenderChoice
from .unexpected import raised

SOURCES: dict[Source, tuple[str, str]] = {
    "synthetic": (
        "A · from label maps alone",
        "Each example is a new image, rendered of a label map; scans are not used",
    ),
    "real": ("B · from real images", "Examples are images with their labels, varied a little"),
    "mixed": ("Mixed · from both", "Some examples are rendered, the others are real images"),
}
SIZES = {"small": 8, "medium": 16, "large": 32}
KINDS = {"2D slices": "slices", "2.5D (slices with neighbours)": "slab", "3D patches": "patches"}
_PATCH = {2: (192, 192), 3: (96, 96, 96)}
_EACH = "one number for all axes, or one for each: z, y, x (of slices: rows, columns)"
_STEPS = 50  #: an epoch: few cases are seen many times before they are validated
_FIT = ("batch_size", "schedule", "patience", "precision", "gradient_checkpointing", "workers")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}")


class TrainForm(QWidget):
    """Kind of model, network, input, how long, where.

    Parameters
    ----------
    viewer
        Whose panels are looked at for how to render.

    Attributes
    ----------
    changed : Signal()
        A person changed something.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.sources = {name: QRadioButton(title) for name, (title, _) in SOURCES.items()}
        self.group = QButtonGroup(self)
        self.render = RenderChoice(viewer)
        self.size, self.kind, self.plane = _combo(SIZES), _combo(KINDS), _combo(("sagittal", "axial", "coronal"))
        self.steps, self.amount, self.unit = QSpinBox(), QSpinBox(), _combo(("epochs", "minutes"))
        self.spacing = Numbers("voxel size", float, "as it is", f"Voxel size in mm that scans are brought to; {_EACH}")
        self.patch = Numbers("patch", int, "192, in 3D 96", f"Voxels of an example; {_EACH}")
        self.device, self.seed = _combo({"fastest": "auto"}), SeedBox()
        self.lr = Numbers("learning rate", float, "0.001", "Learning rate of AdamW at its highest")
        self.test = QSpinBox()
        self.network, self.fit = form_of(NetworkSettings, only=("name", "levels")), form_of(FitSettings, only=_FIT)
        self.more, self.rest = QCheckBox("More settings"), QWidget()
        self.name, self.folder = QLineEdit(), QLineEdit(str(models_folder()))
        self.choose = button("Choose…", self._choose, "Choose the folder of models")
        self._arrange()
        self._connect()
        in_background(self, devices, self._on_devices, raised)

    @property
    def source(self) -> Source:
        """What kind of model."""
        return next(name for name, radio in self.sources.items() if radio.isChecked())

    @property
    def target(self) -> Path:
        """The folder of the run.

        Raises
        ------
        ConfigError
            If its name or folder cannot be used.
        """
        name = self.name.text().strip() or self.name.placeholderText()
        if not _PLAIN.fullmatch(name):
            raise ConfigError(f"name is {name!r}; expected letters, digits, spaces, dots, dashes, underscores")
        if not self.folder.text().strip():
            raise ConfigError("folder of models is empty; choose one")
        return Path(self.folder.text().strip()).expanduser().absolute() / name

    def choose_source(self, source: Source) -> None:
        """Choose what kind of model."""
        self.sources[source].setChecked(True)

    def offer_name(self, name: str) -> None:
        """Offer a name for as long as nobody types one."""
        self.name.setPlaceholderText(re.sub(r"[^A-Za-z0-9._ -]+", "-", name).strip("-. ") or "model")

    def settings(self, *, relabel: tuple[tuple[int, int], ...], scheme: str | None) -> TrainSettings:
        """Return what is shown.

        Parameters
        ----------
        relabel, scheme
            As in :class:`TrainSettings`; they come from the data.

        Raises
        ------
        ConfigError
            If something cannot be used.
        """
        size = self.size.currentData()
        return TrainSettings(
            source=self.source,
            network=replace(self.network.settings(), base_features=size),
            inputs=self._inputs(),
            render=self.render.render() if self.source != "real" else TrainSettings().render,
            scheme=scheme,
            relabel=relabel,
            fit=self._fit(),
        )

    def keep_folder(self) -> None:
        """Begin with this folder the next time."""
        remember("models_folder", self.target.parent)

    def _inputs(self) -> InputSpec:
        kind = self.kind.currentData()
        axes = 2 if kind in ("slices", "slab") else 3
        spacing, patch = self.spacing.of(axes), self.patch.of(axes)
        sizes = _PATCH[axes] if patch is None else tuple(int(n) for n in patch)
        return InputSpec(kind=kind, plane=self.plane.currentText(), spacing=spacing, patch=sizes)

    def _fit(self) -> FitSettings:
        timed = self.unit.currentText() == "minutes"
        rate = self.lr.of(1)
        return replace(
            self.fit.settings(),
            lr=FitSettings().lr if rate is None else rate[0],
            epochs=100_000 if timed else self.amount.value(),
            minutes=float(self.amount.value()) if timed else None,
            steps_per_epoch=self.steps.value(),
            device=self.device.currentData(),
            seed=self.seed.value(),
        )

    def _arrange(self) -> None:
        self.sources["synthetic"].setChecked(True)
        for name, radio in self.sources.items():
            radio.setToolTip(SOURCES[name][1])
            self.group.addButton(radio)
        for box, most, value in ((self.amount, 100_000, 20), (self.steps, 100_000, _STEPS)):
            box.setRange(1, most)
            box.setValue(value)
        self.unit.setMinimumContentsLength(5)
        self.steps.setToolTip("Batches an epoch; after each epoch the model is validated")
        self.size.setToolTip("Features of the first level: 8, 16 or 32; in 2D about 0.5, 2 or 7.8 million parameters")
        layout = QFormLayout()
        for title, part in (
            ("Rendered as", self.render),
            ("Network", self.size),
            ("It sees", self.kind),
            ("Slices", self.plane),
            ("Voxel size (mm)", self.spacing),
            ("Train for", row(self.amount, self.unit)),
            ("Steps an epoch", self.steps),
            ("Device", self.device),
            ("Seed", self.seed),
            ("Name", self.name),
            ("Models in", row(self.folder, self.choose)),
        ):
            layout.addRow(title, part)
        self.rows = layout
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        for radio in self.sources.values():
            whole.addWidget(radio)
        whole.addLayout(layout)
        whole.addWidget(self.more)
        whole.addWidget(self.rest)
        self._arrange_rest()
        self._follow()

    def _arrange_rest(self) -> None:
        """Put what few people change behind a tick."""
        layout = QFormLayout(self.rest)
        layout.setContentsMargins(0, 0, 0, 0)
        self.test.setRange(0, 80)
        self.test.setValue(20)
        self.test.setToolTip("Share of a folder's patients that no training sees, to test the model on")
        self.network.row("name").label = "Architecture"
        layout.addRow("Held back (%)", self.test)
        layout.addRow("Patch (voxels)", self.patch)
        layout.addRow("Learning rate", self.lr)
        layout.addRow(self.network.native)
        layout.addRow(self.fit.native)
        self.rest.hide()
        self.more.toggled.connect(self.rest.setVisible)

    def _connect(self) -> None:
        self.group.buttonToggled.connect(self._on_change)
        for box in (self.render, self.size, self.kind, self.plane, self.unit, self.device):
            box.currentIndexChanged.connect(self._on_change)
        for box in (self.steps, self.amount, self.seed, self.test):
            box.valueChanged.connect(self._on_change)
        for line in (self.spacing, self.patch, self.lr, self.name, self.folder):
            line.textChanged.connect(self._on_change)
        for form in (self.network, self.fit):
            form.changed.connect(self._on_change)

    def _on_change(self, *_: object) -> None:
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        """Hide what does not apply."""
        self.rows.setRowVisible(self.render, self.source != "real")
        self.rows.setRowVisible(self.plane, self.kind.currentData() != "patches")

    def _on_devices(self, found: tuple[Device, ...]) -> None:
        chosen = self.device.currentData()
        self.device.blockSignals(True)
        self.device.clear()
        self.device.addItem(f"fastest: {found[0].describe()}", "auto")
        for device in found:
            self.device.addItem(device.describe(), device.name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self.device.blockSignals(False)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of models", self.folder.text())
        if chosen:
            self.folder.setText(chosen)


def _combo(choices: dict[str, Any] | tuple[str, ...]) -> QComboBox:
    made = QComboBox()
    narrow(made)
    for title, data in choices.items() if isinstance(choices, dict) else zip(choices, choices, strict=True):
        made.addItem(title, data)
    return made
