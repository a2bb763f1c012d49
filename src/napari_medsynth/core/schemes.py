"""What the label values of well-known data sets and tools mean."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from .errors import ConfigError, shown
from .labels import LabelTable
from .settings import nearest
from .yaml_text import parse_yaml

_FOLDER = files(__package__) / "scheme_data"


def scheme_names() -> tuple[str, ...]:
    """Return the names of all schemes, in alphabetical order."""
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    )


@cache
def scheme(name: str) -> LabelTable:
    """Return the label table of a scheme.

    Raises
    ------
    ConfigError
        If there is no scheme of that name; the nearest is given.
    """
    key = name.lower().replace("_", "-")
    if key not in scheme_names():
        raise ConfigError(f"there is no scheme {shown(name)}; {nearest(key, scheme_names())}")
    file = _FOLDER / f"{key}.yaml"
    return LabelTable.from_json(parse_yaml(file.read_text(encoding="utf-8"), file.name))
