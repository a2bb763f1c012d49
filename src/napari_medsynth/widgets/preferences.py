"""What the user set on this plugin's page of napari's preferences (declared in ``napari.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLUGIN = "napari-medsynth"
DEFAULT_LIBRARY = "~/medsynth-seeds"


def default_seed() -> int:
    """Return the root seed that panels start with, 0 unless set."""
    return int(_setting("default_seed", 0))


def library_folder() -> Path:
    """Return the folder of seeds that panels start with, ``~/medsynth-seeds`` unless set."""
    return Path(str(_setting("library_folder", "")).strip() or DEFAULT_LIBRARY).expanduser()


def _setting(name: str, default: Any) -> Any:
    from napari.settings import get_plugin_settings

    try:
        settings = get_plugin_settings(PLUGIN)
    except KeyError:  # imported, but not registered with napari: a script, or a plugin that the user disabled
        return default
    return getattr(settings.tumors, name)
