"""The Segment panel: :class:`SegmentPanel`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import napari.viewer
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from ...core.recipe import Recipe
from ..controls import shortcut
from ..dock import DockPanel, scrollable
from ..job_bar import JobBar
from ..views import keep_upright
from .compare_tab import CompareTab
from .improve_tab import ImproveTab
from .run_tab import RunTab

if TYPE_CHECKING:
    from napari.layers import Labels

_KEYS = ("Ctrl+Return", "Ctrl+Enter")


class SegmentPanel(DockPanel):
    """Segment · Compare · Improve.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.bar = JobBar(self)
        self.segment = RunTab(napari_viewer, self.bar)
        self.compare = CompareTab(napari_viewer, self.bar)
        self.improve = ImproveTab(napari_viewer, self.bar)
        self.tabs = QTabWidget()
        for title, tab in (("Segment", self.segment), ("Compare", self.compare), ("Improve", self.improve)):
            self.tabs.addTab(scrollable(tab), title)
            tab.busy.connect(self._on_busy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.tabs)
        layout.addWidget(self.bar)
        self.segment.made.connect(self._on_made)
        self.destroyed.connect(_Closing(self.compare))
        for key in _KEYS:
            shortcut(self, key, self.segment.start)
        keep_upright(napari_viewer)

    def choose_model(self, path: Path) -> None:
        """Choose a model by its file of weights or its card; for the Train panel's "Use it"."""
        self.tabs.setCurrentIndex(0)
        self.segment.models.choose_model(path)

    def recipe(self) -> Recipe:
        """Return what is shown as a recipe of one step; raises :class:`ConfigError` if it cannot be used."""
        return self.segment.recipe()

    def reset_choices(self) -> None:
        """Show the layers that there are now; napari calls this whenever they change."""
        for tab in (self.segment, self.compare, self.improve):
            tab.reset_choices()

    def _on_busy(self) -> None:
        for tab in (self.segment, self.compare, self.improve):
            tab.update_state()

    def _on_made(self, layer: Labels) -> None:
        """Go on with a new result in the other tabs."""
        self.compare.choose(layer)
        self.improve.choose_labels(layer)


class _Closing:
    """Takes the overlay out of the viewer when the panel is gone, without touching Qt's part of it."""

    def __init__(self, compare: CompareTab) -> None:
        self._close = compare.close_viewer

    def __call__(self, *_: object) -> None:
        self._close()
