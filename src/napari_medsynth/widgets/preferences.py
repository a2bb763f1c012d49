"""What the user set on this plugin's page of napari's preferences (declared in ``napari.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

PLUGIN = "napari-medsynth"
DEFAULT_LIBRARY = "~/medsynth-seeds"
DEFAULT_MODELS = "models/saved"
DEFAULT_CASES = "~/medsynth-cases"


def default_seed() -> int:
    """Return the root seed that panels start with, 0 unless set."""
    return int(_setting("tumors", "default_seed", 0))


def library_folder() -> Path:
    """Return the folder of seeds that panels start with, ``~/medsynth-seeds`` unless set."""
    return Path(str(_setting("tumors", "library_folder", "")).strip() or DEFAULT_LIBRARY).expanduser()


def models_folder() -> Path:
    """Return the folder of models that panels start with, ``models/saved`` in the working folder unless set."""
    return Path(str(_setting("segmentation", "models_folder", "")).strip() or DEFAULT_MODELS).expanduser().absolute()


def cases_folder() -> Path:
    """Return the folder that corrected cases are added to, ``~/medsynth-cases`` unless set."""
    return Path(str(_setting("segmentation", "cases_folder", "")).strip() or DEFAULT_CASES).expanduser()


def remember(name: Literal["models_folder", "cases_folder"], folder: Path) -> None:
    """Keep a folder that was chosen in a panel for the next time; napari writes it down."""
    settings = _settings()
    if settings is not None:
        setattr(settings.segmentation, name, str(folder))


def _setting(group: str, name: str, default: Any) -> Any:
    settings = _settings()
    return default if settings is None else getattr(getattr(settings, group), name)


def _settings() -> Any:
    """Return this plugin's page; None if it is imported, but not registered: by a script, or the user disabled it."""
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:
        return None
