"""What the values of a label map mean: :class:`NamesBox`."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from ...core.schemes import scheme_names
from ...rendering.presets import Preset
from ..controls import narrow


class NamesBox(QComboBox):
    """The layer's own names, or a scheme."""

    def __init__(self) -> None:
        super().__init__()
        narrow(self)
        self.addItem("", None)
        for name in scheme_names():
            self.addItem(name, name)
        self.setToolTip("Which data set or tool the label values are from")

    @property
    def scheme(self) -> str | None:
        """Name of the scheme; None: the layer's own names, and the preset's scheme for values without one."""
        return self.currentData()  # type: ignore[no-any-return]

    def choose(self, scheme: str | None) -> None:
        """Choose a scheme."""
        self.setCurrentIndex(max(self.findData(scheme), 0))

    def show_own(self, preset: Preset, has_table: bool) -> None:
        """Say what the first choice stands for."""
        by_preset = f"as {preset.scheme}" if preset.scheme else "none"
        self.setItemText(0, "the layer's own" if has_table else f"{by_preset} (preset)")
        tip = "The names that came with the layer" if has_table else "The layer came without names"
        self.setItemData(0, f"{tip}; values without one: {by_preset}, the preset's scheme", Qt.ItemDataRole.ToolTipRole)
