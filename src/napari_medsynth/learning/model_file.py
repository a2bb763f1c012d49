"""Weights and card of a model on disk: ``NAME.safetensors`` and ``NAME.json``, a pair whose checksums agree.

Cards are read without PyTorch: a folder of models is listed at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ReadError
from ..io import write_bytes, write_json
from ..io.limits import require_affordable
from ..io.plainfile import read_json_value, reading
from .card import ModelCard

if TYPE_CHECKING:
    import torch

StrPath = str | os.PathLike[str]
Weights = Mapping[str, "torch.Tensor"]

SUFFIX = ".safetensors"


def model_paths(path: StrPath) -> tuple[Path, Path]:
    """Return the files of weights and card of a model named by either of them, or by both names' common part."""
    given = Path(path)
    stem = given.with_suffix("") if given.suffix in (SUFFIX, ".json") else given
    return stem.with_name(stem.name + SUFFIX), stem.with_name(stem.name + ".json")


def write_model(path: StrPath, weights: Weights, card: ModelCard) -> Path:
    """Write a model, weights first; returns the file of weights.

    A card is replaced after its weights: if that is cut short, the checksums differ and the model is refused.

    Raises
    ------
    WriteError
        If it cannot be written; nothing half-written is left.
    """
    from safetensors.torch import save

    file, beside = model_paths(path)
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, data)
    write_json(beside, replace(card, weights_sha256=hashlib.sha256(data).hexdigest()).to_json())
    return file


def read_card(path: StrPath) -> ModelCard:
    """Read the card of a model alone, e.g. to list a folder of models; its weights are not opened.

    Raises
    ------
    ReadError
        If there is none, or it is damaged.
    """
    _, beside = model_paths(path)
    return ModelCard.from_json(read_json_value(beside), str(beside))


def read_model(path: StrPath) -> tuple[dict[str, torch.Tensor], ModelCard]:
    """Read weights and card; nothing in them is executed.

    Raises
    ------
    ReadError
        If a file is missing or damaged, or they do not belong together.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    file, _ = model_paths(path)
    card = read_card(path)
    with reading(file):
        require_affordable(file, [max(1, file.stat().st_size)], 1)
        data = file.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != card.weights_sha256:
        expected = f"its card was written for {card.weights_sha256[:12] or 'no weights'}…"
        raise ReadError(f"{file} has checksum {found[:12]}…; {expected}: it is damaged, or the card is another model's")
    try:
        return load(data), card
    except SafetensorError as error:
        raise ReadError(f"{file} is not a whole safetensors file: {error}") from error


def model_problems(path: StrPath) -> list[str]:
    """Return what is wrong with a model; an empty list means that it is whole."""
    try:
        read_model(path)
    except ReadError as error:
        return [str(error)]
    return []
