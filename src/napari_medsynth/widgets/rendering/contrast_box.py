"""Which contrast: a preset, and how far towards its opposite: :class:`ContrastBox`."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QWidget
from superqt import QLabeledDoubleSlider

from ...core.settings import About
from ...rendering.presets import Preset, preset, preset_names
from ..controls import allow, narrow, row, slider

_HELP = About("How far intensities are moved from one contrast to the other, tissue by tissue", low=0, high=1)


class ContrastBox(QWidget):
    """A list of presets and, for the row beneath it, a slider between the two ends.

    Attributes
    ----------
    picked : Signal()
        Another preset was chosen.
    changed : Signal()
        The slider was moved.
    """

    picked = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.presets = _Presets()
        narrow(self.presets)
        for name in preset_names():
            self.presets.addItem(name, name)
        self.slider: QLabeledDoubleSlider = slider(_HELP, 0, 1, lambda _: self.changed.emit(), digits=2)
        self.slider.setProperty("purpose", _HELP.describe())
        self.near, self.far = QLabel(), QLabel()
        self.setLayout(row(self.near, self.slider, self.far))
        self.layout().setStretch(1, 1)
        self.presets.currentIndexChanged.connect(self._on_preset)
        self._show()

    @property
    def preset(self) -> Preset:
        """The preset that is chosen."""
        return preset(self.presets.currentData())

    @property
    def alpha(self) -> float | None:
        """Where between the preset and its opposite; None at the preset itself."""
        value = round(self.slider.value(), 2)
        return value if value and self.preset.toward is not None else None

    def choose(self, name: str, alpha: float | None = None) -> None:
        """Choose a preset."""
        self.presets.setCurrentIndex(self.presets.findData(name))
        self.slider.setValue(alpha or 0.0)

    def _on_preset(self) -> None:
        self._show()
        self.picked.emit()

    def _show(self) -> None:
        own = self.preset
        self.presets.setToolTip(own.description)
        self.slider.blockSignals(True)
        self.slider.setValue(0.0)
        self.slider.blockSignals(False)
        near, far = _ends(own.name, own.toward)
        self.near.setText(near)
        self.far.setText(far)
        allow(self.slider, "" if own.toward else f"preset {own.name} has no opposite to move towards")


class _Presets(QComboBox):
    """A list that says what each preset is once it is opened: reading all their files takes a moment."""

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """Open the list."""
        for number in range(self.count()):
            description = preset(self.itemData(number)).description
            self.setItemData(number, description, Qt.ItemDataRole.ToolTipRole)
        super().showPopup()


def _ends(name: str, toward: str | None) -> tuple[str, str]:
    """Return what the ends of the slider are called: what the names of two presets do not share."""
    if toward is None:
        return "", "no opposite"
    stem, _, tail = name.rpartition("-")
    other_stem, _, other = toward.rpartition("-")
    return (tail.upper(), other.upper()) if stem and stem == other_stem else (name, toward)
