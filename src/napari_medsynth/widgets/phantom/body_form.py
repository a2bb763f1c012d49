"""What body is made: :class:`BodyForm`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from magicgui.widgets import Container
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...core.errors import ConfigError
from ...phantom.catalogue import catalogue
from ...phantom.step import Phantom
from ..controls import button, without_arrows
from ..form import form_of
from ..seed_box import SeedBox
from .scenario_box import ScenarioBox
from .structures import StructureList

_SHOWN = ("anatomy", "region", "image_size", "position_noise", "size_noise", "intensity_noise")
_MORE = ("spacing", "blur", "bias_field", "noise")
_FIRST = "normal_complete"  #: what a person sees first; "mixed" may happen to be nearly empty
_MOST_NOISE = 100  #: grey levels or HU; more hides everything


class BodyForm(QWidget):
    """Settings of the ``phantom`` step and the seed.

    Attributes
    ----------
    changed : Signal()
        A person changed something.
    failed : Signal(str)
        What was asked for cannot be had.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.settings = form_of(Phantom, only=(*_SHOWN, *_MORE), advanced=_MORE)
        self.scenario, self.structures, self.seed = ScenarioBox(), StructureList(), SeedBox()
        self.new_body = button("New body (R)", self.roll, "Roll the dice: draw another body, by another seed")
        self._offered: object = None
        self._arrange()
        self.settings.changed.connect(self._on_settings)
        self.scenario.picked.connect(self.changed)
        self.scenario.failed.connect(self.failed)
        self.structures.changed.connect(self._on_structures)
        self.seed.valueChanged.connect(self.changed)
        self._on_anatomy()

    def step(self) -> Phantom:
        """Return the step that is shown.

        Raises
        ------
        ConfigError
            If it cannot be used; the form shows that message too.
        """
        return replace(
            self.settings.settings(),
            scenario=self.scenario.name,
            scenarios=self.scenario.path,
            present=self.structures.names(),
        )

    def show_present(self, names: Collection[str]) -> None:
        """Show which structures the drawn body has."""
        self.structures.show_present(names)

    def roll(self) -> None:
        """Take another seed, at random."""
        self.seed.roll()

    def _arrange(self) -> None:
        self.scenario.choose(_FIRST)
        after = len(_SHOWN[:2])
        self.settings.insert(after, _holding("Scenario", self.scenario))
        self.settings.insert(after + 1, _holding("Seed", self.seed, self.new_body))
        noise = self.settings.row("noise")[1]  # the range of the setting is that of any unit
        noise.max, noise.step = _MOST_NOISE, 1
        self.settings.row("image_size").label = "Voxels (z, y, x)"
        for name in ("image_size", "spacing"):
            without_arrows(self.settings.row(name).native)
        self.settings["more_settings"].changed.connect(self._on_more)
        self.structures.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.settings.native)
        layout.addWidget(self.structures, 1)
        layout.addStretch()

    def _on_more(self, wanted: bool) -> None:
        self.structures.setVisible(wanted)

    def _on_settings(self) -> None:
        self._on_anatomy()
        self.changed.emit()

    def _on_anatomy(self) -> None:
        """Offer the structures of the anatomy, and its own values for what is left out."""
        try:
            step = self.settings.settings()
        except ConfigError:  # shown by the form
            return
        key = (step.anatomy, step.region, step.image_size)
        if key == self._offered:
            return
        self._offered = key
        about = catalogue(step.anatomy)
        self.structures.show_anatomy(about)
        own: dict[str, Any] = {"spacing": step.frame.spacing, **about.artefacts}
        left_out = {name: own[name] for name in _MORE if getattr(step, name) is None}
        with self.settings.changed.blocked():
            self.settings.set(replace(step, **left_out))
            self.settings.set(step)

    def _on_structures(self) -> None:
        by_hand = self.structures.names() is not None
        self.scenario.setEnabled(not by_hand)
        self.scenario.setToolTip("Structures are chosen by hand, under More settings" if by_hand else "")
        self.changed.emit()


def _holding(label: str, *parts: QWidget) -> Container:
    """Put Qt's own widgets into a row of a form."""
    row = Container(layout="horizontal", labels=False, label=label, name=label.lower())
    row.margins = (0, 0, 0, 0)
    for part in parts:
        row.native.layout().addWidget(part)
    return row
