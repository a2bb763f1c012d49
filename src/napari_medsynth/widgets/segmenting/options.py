"""How a model is applied: :class:`OptionsBox`."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from ...learning.card import ModelCard
from ...segmentation.options import PredictOptions
from ..form import form_of
from .asked import Asked

_SHOWN = ("flips", "largest_component", "uncertainty")
_DEVICES = {"auto": "the best there is", "cpu": "processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}


class OptionsBox(QWidget):
    """The options that matter, and the device.

    Attributes
    ----------
    changed : Signal()
        A person changed something.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.form, self.device = form_of(PredictOptions, only=_SHOWN), QComboBox()
        for name, meaning in _DEVICES.items():
            self.device.addItem(f"{name} ({meaning})", name)
        self.device.setToolTip("What the network runs on; its memory is given back when it is done")
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow(self.form.native)
        layout.addRow("Device", self.device)
        self.form.changed.connect(self._on_change)

    @property
    def error(self) -> str:
        """What is wrong with what is shown; empty if nothing is."""
        return self.form.error

    def asked(self, path: Path, card: ModelCard, *, anyway: bool) -> Asked:
        """Return what is asked for with this model; raises :class:`ConfigError` if an option cannot be used."""
        options, device = self.form.settings(), self.device.currentData()
        return Asked(path=path, card=card, options=options, device=device, anyway=anyway)

    def _on_change(self, *_: object) -> None:
        self.changed.emit()
