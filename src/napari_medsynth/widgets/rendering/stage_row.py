"""One stage in the panel: on or off, and how strong: :class:`StageRow`."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QCheckBox
from superqt import QLabeledDoubleSlider

from ...rendering.stage import Stage
from ...rendering.stages import STAGES
from ..controls import slider
from .dials import Dial


class StageRow(QObject):
    """A tick and a slider. They show the preset's own settings until a person touches one of them.

    Parameters
    ----------
    dial
        What the slider sets.

    Attributes
    ----------
    changed : Signal()
        A person changed something.
    """

    changed = Signal()

    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self.dial = dial
        self._own: Stage | None = None
        self._mine: Stage | None = None
        self.tick = QCheckBox(dial.title)
        self.slider: QLabeledDoubleSlider | None = None
        if dial.setting:
            self.slider = slider(dial.about, 0, dial.high, self._on_slider, digits=dial.digits)
        self.tick.clicked.connect(self._on_tick)
        self._show()

    @property
    def setting(self) -> Stage | None:
        """What to give to the step; None leaves it to the preset."""
        return self._mine

    @property
    def is_on(self) -> bool:
        """Whether the stage can happen."""
        stage = self._mine or self._own
        return stage is not None and stage.prob > 0

    def show_own(self, own: Stage | None) -> None:
        """Show what another preset does; what a person set is forgotten."""
        self._own, self._mine = own, None
        self._show()

    def set(self, mine: Stage | None) -> None:
        """Show these settings in place of the preset's own; None goes back to those."""
        self._mine = mine if mine != self._own else None
        self._show()

    def set_high(self, high: float, digits: int) -> None:
        """Change the upper end of the slider."""
        if self.slider is not None and self.slider.maximum() != high:
            self.slider.blockSignals(True)
            self.slider.setRange(0, high)
            self.slider.setDecimals(digits)
            self.slider.blockSignals(False)
            self._show()

    def _base(self) -> Stage:
        return self._mine or self._own or STAGES[self.dial.stage]()

    def _on_tick(self, wanted: bool) -> None:
        if not wanted:
            mine = None if self._own is None else replace(self._base(), prob=0.0)
        elif self.slider is None:
            mine = replace(self._base(), prob=1.0)
        else:
            mine = self.dial.turned(self._base(), self.slider.value())
        self.set(mine)
        self.changed.emit()

    def _on_slider(self, value: float) -> None:
        self.set(self.dial.turned(self._base(), round(value, self.dial.digits)))
        self.changed.emit()

    def _show(self) -> None:
        stage = self._base()
        chance = self._mine is None and self.is_on and stage.prob < 1
        self.tick.blockSignals(True)
        self.tick.setTristate(chance)
        states = Qt.CheckState
        on = states.Checked if self.is_on else states.Unchecked
        self.tick.setCheckState(states.PartiallyChecked if chance else on)
        self.tick.setToolTip(self._tooltip(stage))
        font = self.tick.font()
        font.setBold(self._mine is not None)
        self.tick.setFont(font)
        self.tick.blockSignals(False)
        if self.slider is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(self.dial.value(stage))
            self.slider.blockSignals(False)
            self.slider.setToolTip(self._tooltip(stage))

    def _tooltip(self, stage: Stage) -> str:
        if self._mine is not None:
            return f"{self.dial.help}\nSet by you; “As preset” takes it back"
        if not self.is_on:
            return f"{self.dial.help}\nThe preset has none"
        found = getattr(stage, self.dial.setting) if self.dial.setting else None
        drawn = f", drawn from {found[0]:g} to {found[1]:g}" if isinstance(found, tuple) else ""
        return f"{self.dial.help}\nAs the preset has it: in {stage.prob:.0%} of all images{drawn}"
