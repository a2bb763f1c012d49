"""Which contrast: a preset, and how far towards its opposite or another: :class:`ContrastBox`."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QStyle, QWidget
from superqt import QLabeledDoubleSlider

from ...core.settings import About
from ...rendering.presets import Preset, preset, preset_names
from ..controls import allow, narrow, row, slider

_HELP = About("How far intensities are moved from one contrast to the other, tissue by tissue", low=0, high=1)
_MARGIN = QStyle.PixelMetric.PM_FocusFrameHMargin


class ContrastBox(QWidget):
    """A list of presets and, for the row beneath it, a slider from the one chosen to its opposite or to another.

    Attributes
    ----------
    picked : Signal()
        Another preset was chosen.
    changed : Signal()
        The slider was moved, or its far end was changed.
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
        self.near, self.far = QLabel(), _Others()
        self.far.setToolTip("Contrast at the far end of the slider")
        self.setLayout(row(self.near, self.slider, self.far))
        self.layout().setStretch(1, 1)
        self.presets.currentIndexChanged.connect(self._on_preset)
        self.far.currentIndexChanged.connect(self._on_other)
        self._show()

    @property
    def preset(self) -> Preset:
        """The preset that is chosen."""
        return preset(self.presets.currentData())

    @property
    def alpha(self) -> float | None:
        """Where between the preset and the other; None at the preset itself."""
        value = round(self.slider.value(), 2)
        return value if value and self.far.currentData() is not None else None

    @property
    def toward(self) -> str | None:
        """The other preset; None if it is the preset's own opposite, or not moved towards."""
        other = self.far.currentData()
        return other if self.alpha is not None and other != self.preset.toward else None

    def choose(self, name: str, alpha: float | None = None) -> None:
        """Choose a preset."""
        self.presets.setCurrentIndex(self.presets.findData(name))
        self.slider.setValue(alpha or 0.0)

    def _on_preset(self) -> None:
        self._show()
        self.picked.emit()

    def _on_other(self) -> None:
        self._allow()
        self.changed.emit()

    def _show(self) -> None:
        own = self.preset
        self.presets.setToolTip(own.description)
        self.slider.blockSignals(True)
        self.slider.setValue(0.0)
        self.slider.blockSignals(False)
        self.far.show_own(own)
        self._allow()

    def _allow(self) -> None:
        self.near.setText(_ends(self.preset.name, self.far.currentData())[0])
        found = f"preset {self.preset.name} has no opposite to move towards; choose another on the right"
        allow(self.slider, "" if self.far.currentData() else found)


class _Presets(QComboBox):
    """A list that says what each preset is once it is opened: reading all their files takes a moment."""

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """Open the list."""
        for number in range(self.count()):
            description = preset(self.itemData(number)).description
            self.setItemData(number, description, Qt.ItemDataRole.ToolTipRole)
        super().showPopup()


class _Others(QComboBox):
    """The far end of the slider: the preset's opposite, and others of its kind once the list is opened."""

    def __init__(self) -> None:
        super().__init__()
        self._own: Preset | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.currentTextChanged.connect(self._fit)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return what is wanted: Qt keeps the least width of the first choice."""
        return self.sizeHint()

    def show_own(self, own: Preset) -> None:
        """Show the opposite of another preset."""
        self._own = own
        self.blockSignals(True)
        self.clear()
        self.addItem(_ends(own.name, own.toward)[1], own.toward)
        self.blockSignals(False)
        self._fit(self.currentText())

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """List the others, and open."""
        if self._own is not None and self.count() == 1:
            for name in preset_names():
                if name not in (self._own.name, self._own.toward) and preset(name).modality == self._own.modality:
                    self.addItem(_ends(self._own.name, name)[1], name)
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 2 * self.style().pixelMetric(_MARGIN))
        super().showPopup()

    def _fit(self, text: str) -> None:
        """Be as wide as what is chosen: the slider has the rest of the row."""
        self.setMinimumContentsLength(len(text))


def _ends(name: str, toward: str | None) -> tuple[str, str]:
    """Return what the ends of the slider are called: what the names of two presets do not share.

    The near end of two that share nothing is the preset named right above it; its name would take the slider's room.
    """
    if toward is None:
        return "", "no opposite"
    stem, _, tail = name.rpartition("-")
    other_stem, _, other = toward.rpartition("-")
    return (tail.upper(), other.upper()) if stem and stem == other_stem else ("", toward)
