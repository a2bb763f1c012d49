"""The other panels, with layers and folders handed over: the steps of the closed loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import ConfigError
from ..preferences import PLUGIN

if TYPE_CHECKING:
    from napari.layers import Image, Labels


def to_render(viewer: Any, labels: Labels, preset: str = "") -> None:
    """Show the Render panel with these labels chosen and, if one is named, a preset."""
    open_panel(viewer, "Render").choose_labels(labels, preset)


def to_extract(viewer: Any, image: Image, labels: Labels) -> None:
    """Show the Tumors panel's Extract tab with this image and these labels chosen."""
    open_panel(viewer, "Tumors").extract_from(image, labels)


def to_train(viewer: Any, folder: Path) -> None:
    """Show the Train panel with a folder of cases as its data."""
    open_panel(viewer, "Train").choose_folder(folder)


def open_panel(viewer: Any, name: str) -> Any:
    """Return a panel of this plugin, opened or brought to the front.

    Raises
    ------
    ConfigError
        If the viewer has no window.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        raise ConfigError(f"the {name} panel cannot be opened: this viewer has no window")
    dock, panel = window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    dock.show()
    dock.raise_()
    return panel
