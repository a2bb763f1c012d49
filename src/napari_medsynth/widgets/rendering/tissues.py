"""What a person says that labels are made of: kept with the layer, and in files.

::

    tissues:
      3: cortex
      41: white matter
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ConfigError, shown
from ...core.labels import MAX_LABEL
from ...core.yaml_text import read_yaml
from ...io.atomic import write_text
from ..metadata import KEY, metadata_of

if TYPE_CHECKING:
    from napari.layers import Layer

#: Value of a label and what it is made of.
Tissues = dict[int, str]

_WORD = "tissues"


def tissues_of(layer: Layer) -> Tissues:
    """Return what is kept with a layer; empty if nothing is.

    Raises
    ------
    ConfigError
        If it is not of that form.
    """
    pairs = metadata_of(layer).get(_WORD, [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise ConfigError(f"layer {layer.name!r} keeps tissues = {shown(pairs)}; expected pairs of a value and a word")
    return _checked({pair[0]: pair[1] for pair in pairs}, f"layer {layer.name!r}")


def keep_tissues(layer: Layer, tissues: Mapping[int, str]) -> None:
    """Keep tissues with a layer; whatever else is in its metadata stays."""
    ours = {**metadata_of(layer), _WORD: [[value, tissue] for value, tissue in sorted(tissues.items())]}
    if not tissues:
        del ours[_WORD]
    layer.metadata = {**layer.metadata, KEY: ours}


def read_tissues(path: Path) -> Tissues:
    """Read a file of tissues.

    Raises
    ------
    ReadError
        If it cannot be read.
    ConfigError
        If it does not map values of labels to words.
    """
    found = read_yaml(path, f"{_WORD} of labels")
    if not isinstance(found, Mapping) or set(found) != {_WORD} or not isinstance(found[_WORD], Mapping):
        raise ConfigError(f"{path} is {shown(found)}; expected 'tissues' with a value and a word in each line")
    return _checked(found[_WORD], str(path))


def write_tissues(tissues: Mapping[int, str], path: Path) -> None:
    """Write a file of tissues; :class:`WriteError` if it cannot be."""
    import yaml

    text = yaml.safe_dump({_WORD: dict(sorted(tissues.items()))}, allow_unicode=True, default_flow_style=False)
    write_text(path, text)


def _checked(tissues: Mapping[object, object], where: str) -> Tissues:
    kept: Tissues = {}
    for value, tissue in tissues.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LABEL:
            raise ConfigError(f"{where} gives label {shown(value)} a tissue; expected a whole number 1 … {MAX_LABEL}")
        if not isinstance(tissue, str) or not tissue.strip():
            raise ConfigError(f"{where} gives label {value} the tissue {shown(tissue)}; expected a word")
        kept[value] = tissue.strip()
    return kept
