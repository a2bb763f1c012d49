"""MONAI bundles, of which nothing is executed: :func:`read_bundle`.

A bundle's configuration is a program: MONAI itself evaluates its ``$`` expressions and calls whatever ``_target_``
names. Here it is plain data, of which one entry is looked at, ``network_def``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.errors import ReadError, shown
from ..core.labels import LabelTable
from ..core.yaml_text import read_yaml
from ..io.plainfile import read_json
from ..learning.card import ModelCard
from .foreign import ForeignNetwork, classes_of
from .model import KIND, SegmentationModel
from .spec import InputSpec

_CONFIGS = tuple(f"{name}{suffix}" for name in ("inference", "train") for suffix in (".json", ".yaml", ".yml"))
_WEIGHTS = ("model.safetensors", "model.pt", "model.pth")
_TARGET = re.compile(r"(?:monai\.networks\.nets\.(?:\w+\.)?)?(\w+)")

#: References that lead to references.
_DEEPEST = 8


def read_bundle(folder: Path, spec: InputSpec) -> SegmentationModel:
    """Make a model of a bundle's network and weights.

    Parameters
    ----------
    folder
        It has ``configs`` with ``metadata.json`` and ``inference.json`` (or ``.yaml``, or ``train``), and ``models``
        with ``model.safetensors`` or ``model.pt``.
    spec
        What the network is given. A bundle says this with programs, so its user has to: kind, voxel size, patch,
        channels, intensities. An empty modality is taken from the metadata.

    Raises
    ------
    ReadError
        If something is missing or damaged, the network is none of
        :data:`~napari_medsynth.segmentation.foreign.ARCHITECTURES`, its arguments are more than plain values, its
        classes overlap, or its orientation is not RAS.
    """
    from ..learning.foreign_weights import read_foreign_weights

    config, where = _config(folder)
    metadata = read_json(folder / "configs" / "metadata.json")
    described = _network(config, where)
    file = _first(folder / "models", _WEIGHTS, "weights")
    network = described.build(spec.ndim, read_foreign_weights(file))
    patch = tuple(-(-n // described.divisor) * described.divisor for n in spec.patch)
    count = classes_of(network, (1, spec.in_channels, *patch))
    formats = metadata.get("network_data_format")
    formats = formats if isinstance(formats, dict) else {}
    card = ModelCard(
        kind=KIND,
        name=str(metadata.get("name") or folder.name)[:100],
        network=described.to_json(),
        inputs=replace(spec, modality=spec.modality or _modality(formats)).to_json(),
        labels=_labels(formats, count, folder),
        training={"source": "MONAI bundle", "version": str(metadata.get("version", ""))[:100]},
        weights_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    return SegmentationModel(network.eval(), card)


def is_bundle(path: Path) -> bool:
    """Whether it is the folder of a MONAI bundle."""
    return (path / "configs").is_dir()


def _config(folder: Path) -> tuple[dict[str, Any], str]:
    path = _first(folder / "configs", _CONFIGS, "configuration")
    values = read_json(path) if path.suffix == ".json" else read_yaml(path, "a bundle's configuration")
    if not isinstance(values, dict):
        raise ReadError(f"{path} holds {type(values).__name__}; expected a mapping")
    _require_orientation(values, str(path))
    return values, str(path)


def _first(folder: Path, names: tuple[str, ...], what: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ReadError(f"{folder} has no {what}; expected one of {', '.join(names)}")


def _network(config: Mapping[str, Any], where: str) -> ForeignNetwork:
    entry = config.get("network_def")
    if not isinstance(entry, dict) or not isinstance(entry.get("_target_"), str):
        raise ReadError(f"{where} has network_def = {shown(entry)}; expected one with a '_target_'")
    found = _TARGET.fullmatch(entry["_target_"])
    if found is None:
        raise ReadError(f"{where} has the network {shown(entry['_target_'])}; expected one of monai.networks.nets")
    arguments = {key: _literal(value, config, where, 0) for key, value in entry.items() if key != "_target_"}
    try:
        return ForeignNetwork(found[1], arguments)
    except ReadError as error:
        raise ReadError(f"{where}: {error}") from error


def _literal(value: object, config: Mapping[str, Any], where: str, depth: int) -> object:
    """Return a value with references to other entries replaced by these; they are checked like all others."""
    if depth > _DEEPEST:
        raise ReadError(f"{where} is nested too deeply at {shown(value)}")
    if isinstance(value, list):
        return [_literal(part, config, where, depth + 1) for part in value]
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    entry: object = config
    for key in re.split(r"#|::", value[1:]):
        if isinstance(entry, list) and key.isdigit() and int(key) < len(entry):
            entry = entry[int(key)]
        elif isinstance(entry, dict) and key in entry:
            entry = entry[key]
        else:
            raise ReadError(f"{where} has the reference {shown(value)}; expected an entry of its own")
    return _literal(entry, config, where, depth + 1)


def _require_orientation(values: object, where: str, depth: int = 0) -> None:
    """Raise :class:`ReadError` if images are brought to another orientation than RAS."""
    if depth > 2 * _DEEPEST:
        raise ReadError(f"{where} is nested too deeply")
    if isinstance(values, dict):
        axes = values.get("axcodes") if str(values.get("_target_", "")).endswith("Orientationd") else None
        if axes is not None and axes != "RAS" and axes != ["R", "A", "S"]:
            raise ReadError(f"{where} brings images to the orientation {shown(axes)}; expected RAS")
    for part in values.values() if isinstance(values, dict) else values if isinstance(values, list) else ():
        _require_orientation(part, where, depth + 1)


def _modality(formats: Mapping[str, Any]) -> str:
    found = _entry(formats, "inputs", "image").get("modality")
    return {"CT": "CT", "MR": "MR", "MRI": "MR", "US": "US"}.get(str(found).upper(), "")


def _labels(formats: Mapping[str, Any], count: int, folder: Path) -> LabelTable:
    """Return what the classes are called; the first has to be the background."""
    names = _entry(formats, "outputs", "pred").get("channel_def")
    names = names if isinstance(names, dict) else {}
    first = str(names.get("0", "background")).lower()
    if "background" not in first:
        found = f"{folder} gives {shown(names)}"
        raise ReadError(f"{found}; expected the background first, and one class for each voxel")
    return LabelTable.from_names({k: str(names.get(str(k), f"label {k}"))[:100] for k in range(1, count)})


def _entry(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values
