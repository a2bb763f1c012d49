"""All stages of a rendering with their strengths: :class:`StageList`."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from ...rendering.presets import Preset
from ...rendering.stage import Stage
from ..controls import allow, button
from .dials import ARTEFACTS, MOST_HU, SCANNER, SHAPE, Dial
from .stage_row import StageRow

_GROUPS = {"Shape": SHAPE, "Scanner": SCANNER, "Artefacts": ARTEFACTS}


class StageList(QWidget):
    """One row a stage, in groups; choosing a preset fills all of them with the preset's own settings.

    Attributes
    ----------
    changed : Signal()
        A person changed something.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, StageRow] = {}
        self.reset = button("As preset", self._on_reset, "Take back what you set here: the preset decides again")
        self._preset: Preset | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 4, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        for title, dials in _GROUPS.items():
            self._add_group(title, dials)
        self._grid.addWidget(self.reset, 0, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self._update()

    def settings(self) -> dict[str, Stage]:
        """Return what a person set, by name of the stage."""
        return {name: row.setting for name, row in self.rows.items() if row.setting is not None}

    def show_preset(self, preset: Preset) -> None:
        """Show the preset's own settings."""
        self._preset = preset
        is_hu = preset.modality == "CT"
        noise = self.rows["noise"]
        noise.set_high(*((MOST_HU, 0) if is_hu else (noise.dial.high, noise.dial.digits)))
        for name, row in self.rows.items():
            row.show_own(preset.stages.get(name))
        self._update()

    def set(self, settings: Mapping[str, Stage]) -> None:
        """Show these settings; stages that are not named are the preset's own."""
        for name, row in self.rows.items():
            row.set(settings.get(name))
        self._update()

    def _add_group(self, title: str, dials: tuple[Dial, ...]) -> None:
        heading = QLabel(f"<b>{title}</b>")
        heading.setContentsMargins(0, 6 if self.rows else 0, 0, 0)
        self._grid.addWidget(heading, self._grid.rowCount() if self.rows else 0, 0)
        for dial in dials:
            row = StageRow(dial)
            row.setParent(self)
            row.changed.connect(self._on_row)
            line = self._grid.rowCount()
            self._grid.addWidget(row.tick, line, 0)
            if row.slider is not None:
                self._grid.addWidget(row.slider, line, 1)
            self.rows[dial.stage] = row

    def _on_row(self) -> None:
        self._update()
        self.changed.emit()

    def _on_reset(self) -> None:
        self.set({})
        self.changed.emit()

    def _update(self) -> None:
        allow(self.reset, "" if self.settings() else "nothing here was changed")
