"""Which scenario a body is drawn from: :class:`ScenarioBox`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog

from ...core.errors import MedsynthError
from ...phantom.scenarios import MIXED, Scenario, builtin_scenarios, read_scenarios
from ..controls import narrow

_LOAD = "Load scenarios from a file…"


class ScenarioBox(QComboBox):
    """The scenarios that come with this package, or those of a file of the user's, and "mixed".

    Attributes
    ----------
    picked : Signal()
        A person chose one, or a file.
    failed : Signal(str)
        A file could not be used; what was chosen before stays.
    """

    picked = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._path: Path | None = None
        self._kept = 0
        narrow(self)
        self._fill(builtin_scenarios())
        self.activated.connect(self._on_activated)

    @property
    def name(self) -> str:
        """The scenario that is chosen; "mixed" draws one."""
        return str(self.currentData())

    @property
    def path(self) -> Path | None:
        """The file that the scenarios are from; None for this package's own."""
        return self._path

    def load(self, path: Path | None) -> None:
        """Offer the scenarios of a file, or this package's own; raises as :func:`read_scenarios` does."""
        self._fill(builtin_scenarios() if path is None else read_scenarios(path))
        self._path = path

    def choose(self, name: str) -> None:
        """Choose a scenario that is offered."""
        self.setCurrentIndex(max(self.findData(name), 0))
        self._kept = self.currentIndex()

    def _fill(self, scenarios: Iterable[Scenario]) -> None:
        self.clear()
        self.addItem(MIXED, MIXED)
        self._explain("One of those below, drawn by how often each is to come")
        group = None
        for scenario in scenarios:
            if scenario.group != group:
                self.insertSeparator(self.count())
                group = scenario.group
            self.addItem(scenario.name.replace("_", " "), scenario.name)
            self._explain(" · ".join(text for text in (scenario.description, scenario.context) if text))
        self.insertSeparator(self.count())
        self.addItem(_LOAD)
        self._explain("A YAML file with scenarios of your own")
        self.choose(MIXED)

    def _explain(self, text: str) -> None:
        self.setItemData(self.count() - 1, text, Qt.ItemDataRole.ToolTipRole)

    def _on_activated(self) -> None:
        if self.currentData() is None:
            self.setCurrentIndex(self._kept)
            self._load_by_hand()
        else:
            self._kept = self.currentIndex()
            self.picked.emit()

    def _load_by_hand(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Scenarios", "", "YAML (*.yaml *.yml)")
        if not chosen:
            return
        try:
            self.load(Path(chosen))
        except MedsynthError as error:
            self.failed.emit(str(error))
        else:
            self.picked.emit()
