"""The Dataset panel: :class:`DatasetPanel`."""

from __future__ import annotations

from pathlib import Path

import napari.viewer
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from ..dock import DockPanel, scrollable
from ..job_bar import JobBar
from ..views import keep_upright
from .browse_tab import BrowseTab
from .case_layers import origin_of
from .make_tab import MakeTab
from .preview import Preview


class DatasetPanel(DockPanel):
    """Make · Browse.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name. If the layer that is selected is a case of a dataset, that dataset
        is opened.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.making, self.checking = JobBar(self), JobBar(self)  # one may take hours, and the other a moment
        self.make, self.browse = MakeTab(napari_viewer, self.making), BrowseTab(napari_viewer, self.checking)
        self.tabs = QTabWidget()
        for title, tab in (("Make", self.make), ("Browse", self.browse)):
            self.tabs.addTab(scrollable(tab), title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for part in (self.tabs, self.making, self.checking):
            layout.addWidget(part)
        self.make.wanted.connect(self.look_through)
        self.destroyed.connect(_Closing(self.browse.preview))
        keep_upright(napari_viewer)
        self._open_selected(napari_viewer)

    def look_through(self, path: Path, case: int = 0) -> None:
        """Open a dataset in the Browse tab."""
        self.tabs.setCurrentIndex(1)
        self.browse.open(path, case)

    def reset_choices(self) -> None:
        """Do nothing: no choice here depends on the layers. napari calls this whenever they change."""

    def _open_selected(self, viewer: napari.viewer.Viewer) -> None:
        active = viewer.layers.selection.active
        origin = None if active is None else origin_of(active)
        if origin is not None:
            self.look_through(*origin)


class _Closing:
    """Takes the preview out of the viewer when the panel is gone, without touching the panel."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview

    def __call__(self) -> None:
        self._preview.remove()
