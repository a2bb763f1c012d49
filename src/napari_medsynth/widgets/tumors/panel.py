"""The Tumors panel: :class:`TumorsPanel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari.viewer
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from ..controls import pick
from ..dock import DockPanel, scrollable
from ..job_bar import JobBar
from ..preferences import library_folder
from ..views import keep_upright
from .desk import Desk
from .extract_tab import ExtractTab
from .library_tab import LibraryTab
from .place_tab import PlaceTab
from .shelf import Shelf

if TYPE_CHECKING:
    from napari.layers import Image, Labels


class TumorsPanel(DockPanel):
    """Extract · Library · Place.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.bar = JobBar(self)
        self.shelf = Shelf(library_folder())
        self.extract = ExtractTab(napari_viewer, self.shelf, self.bar)
        self.library = LibraryTab(self.shelf, self.bar)
        self.place = PlaceTab(napari_viewer, self.shelf, self.bar)
        self.tabs = QTabWidget()
        for title, tab in (("Extract", self.extract), ("Library", self.library), ("Place", self.place)):
            self.tabs.addTab(scrollable(tab), title)
        self.tabs.setCurrentIndex(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.tabs)
        layout.addWidget(self.bar)
        self.destroyed.connect(_Closing(self.place.desk, self.shelf))
        keep_upright(napari_viewer)

    def extract_from(self, image: Image, labels: Labels) -> None:
        """Show the Extract tab with these layers chosen; for panels that hand their lesions over."""
        self.reset_choices()
        self.tabs.setCurrentIndex(0)
        pick(self.extract.image, image)
        pick(self.extract.labels, labels)

    def reset_choices(self) -> None:
        """Show the layers that there are now; napari calls this whenever they change."""
        self.extract.reset_choices()
        self.place.reset_choices()


class _Closing:
    """Gives mouse, keys and layers back to the viewer when the panel is gone, without touching the panel."""

    def __init__(self, desk: Desk, shelf: Shelf) -> None:
        self._desk, self._shelf = desk, shelf

    def __call__(self) -> None:
        for signal in (self._desk.changed, self._desk.told, self._shelf.changed):
            signal.disconnect()
        self._desk.close()
