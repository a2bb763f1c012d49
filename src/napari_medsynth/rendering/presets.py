"""Contrasts and scanners that come with the package: :class:`Preset`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..core.errors import ConfigError, shown
from ..core.settings import nearest
from ..core.yaml_text import parse_yaml
from .prior import Prior
from .stage import Stage

_FOLDER = files(__package__) / "preset_data"
_TEXTS = ("name", "description", "modality", "source", "scheme", "toward")


@dataclass(frozen=True)
class Preset:
    """Intensities of tissues, and what the scanner does, under one name.

    Parameters
    ----------
    name
        What it is asked for by, e.g. ``"spine-t2"``.
    description
        What its images show, in one line.
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    source
        Where the intensities come from.
    scheme
        What label values mean where the label map does not say; None if that depends.
    toward
        The preset of opposite contrast; None if there is none.
    prior
        Intensities of each class.
    stages
        What happens besides, by name; those left out do not happen.
    """

    name: str
    description: str
    modality: str
    source: str
    scheme: str | None
    toward: str | None
    prior: Prior
    stages: Mapping[str, Stage]


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets: ``synthseg`` first, the others in alphabetical order."""
    names = sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(names, key=lambda name: name != "synthseg"))


@cache
def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises
    ------
    ConfigError
        If there is none; the nearest name is given.
    """
    key = name.lower().replace("_", "-")
    if key not in preset_names():
        raise ConfigError(f"there is no preset {shown(name)}; {nearest(key, preset_names())}")
    file = _FOLDER / f"{key}.yaml"
    values: Any = parse_yaml(file.read_text(encoding="utf-8"), file.name)
    texts = {text: values.pop(text, None) for text in _TEXTS}
    stages = values.pop("stages", {})
    return Preset(**texts, prior=Prior.from_json(values, f"preset {key!r}"), stages=_stages(stages, key))


def _stages(values: Mapping[str, Any], name: str) -> dict[str, Stage]:
    from .stages import STAGES  # it imports every stage, which reading intensities alone does not need

    return {stage: STAGES[stage].from_json(settings or {}, f"{name}, {stage}") for stage, settings in values.items()}
