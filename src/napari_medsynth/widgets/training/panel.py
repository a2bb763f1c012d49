"""The Train panel: :class:`TrainPanel`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari.viewer
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from ...core.errors import MedsynthError
from ..dock import DockPanel, scrollable
from ..job_bar import JobBar
from ..segmenting.opening import open_panel
from .curves import Curves
from .keeper import Keeper
from .layer_table import LayerTable
from .new_tab import NewTab
from .order import Order
from .runs_tab import RunsTab
from .watch import Row

_NEW, _RUNS = 0, 1


class TrainPanel(DockPanel):
    """New · Runs.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name. If a run of the folder of models trains, it is shown.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.bar, self.keeper = JobBar(self), Keeper(self)
        self.new, self.runs = NewTab(napari_viewer, self.bar), RunsTab(napari_viewer, self.keeper)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.new, "New")
        self.tabs.addTab(scrollable(self.runs), "Runs")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for part in (self.tabs, self.bar):
            layout.addWidget(part)
        self._fresh = True
        self.new.ready.connect(self._on_ready)
        self.new.folder_changed.connect(self._follow)
        self.runs.use_wanted.connect(self.use)
        self.keeper.listed.connect(self._on_listed)
        self.destroyed.connect(_Closing(self.new.data.layers, self.runs.view.curves))
        self._follow()
        self.reset_choices()

    def reset_choices(self) -> None:
        """Show the layers that there are now; napari calls this whenever they change."""
        self.new.data.layers.refill()

    def choose_folder(self, folder: Path) -> None:
        """Choose a folder of cases to train on; for the Segment panel's corrected cases."""
        self.tabs.setCurrentIndex(_NEW)
        self.new.data.train_on(folder)

    def use(self, model: Path) -> None:
        """Open the Segment panel with a model."""
        try:
            open_panel(self._viewer, "Segment").choose_model(model)
        except MedsynthError as error:
            self.runs.say(str(error))

    def _follow(self) -> None:
        self.runs.follow(self.new.models)

    def _on_ready(self, order: Order) -> None:
        try:
            self.runs.start(order)
        except MedsynthError as error:
            self.new.fail(str(error))
            return
        self._fresh = False
        self.tabs.setCurrentIndex(_RUNS)

    def _on_listed(self, rows: tuple[Row, ...]) -> None:
        """Show what trains when the panel was just opened."""
        training = next((row.run for row in rows if row.state == "running"), None)
        if self._fresh and training is not None:
            self.runs.list.select(training)
            self.tabs.setCurrentIndex(_RUNS)
        self._fresh = False


class _Closing:
    """Listens no longer to viewer and layers when the panel is gone, without touching the panel."""

    def __init__(self, layers: LayerTable, curves: Curves) -> None:
        self._layers, self._curves = layers, curves

    def __call__(self, *_: Any) -> None:
        self._layers.close_layers()
        self._curves.close_viewer()
