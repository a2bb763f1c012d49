"""How label maps become images to learn from: :class:`RenderChoice`."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from ...core.errors import ConfigError
from ...rendering.presets import preset, preset_names
from ...rendering.step import Render
from ..background import in_background
from ..controls import narrow
from ..datasets.offers import recipes_on_offer
from .unexpected import raised

#: Stands for what an open Render panel shows.
AS_SHOWN = "as set in the Render panel"


class RenderChoice(QComboBox):
    """A preset, or what an open Render panel shows.

    Parameters
    ----------
    viewer
        Whose panels are looked at.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        narrow(self)
        for name in preset_names():
            self.addItem(name, name)
        self.addItem(AS_SHOWN, None)
        self.setCurrentIndex(self.findData("synthseg"))
        in_background(self, _read_presets, lambda _: None, raised)
        self.setToolTip("synthseg: any contrast at any resolution, for a model that carries over to all of them")

    def render(self) -> Render:
        """Return the step.

        Raises
        ------
        ConfigError
            If it is to be that of a Render panel, and none is open or what it shows cannot be used.
        """
        if self.currentData() is not None:
            return Render(preset=self.currentData())
        shown = self._shown()
        if shown is None:
            raise ConfigError("no Render panel is open that shows what could be used; open one, or choose a preset")
        return shown

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """Say what each is, and whether a Render panel is open."""
        for number in range(self.count() - 1):
            self.setItemData(number, preset(self.itemData(number)).description, Qt.ItemDataRole.ToolTipRole)
        self.model().item(self.count() - 1).setEnabled(self._shown() is not None)
        super().showPopup()

    def _shown(self) -> Render | None:
        steps = (step for recipe in recipes_on_offer(self._viewer).values() for step in recipe.steps)
        return next((step for step in steps if isinstance(step, Render)), None)


def _read_presets() -> None:
    """Read their files here, and not in the viewer's thread."""
    for name in preset_names():
        preset(name)
