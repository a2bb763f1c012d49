"""Weights that other programs wrote, as numbers and nothing else: :func:`read_foreign_weights`.

The only module that unpickles: with PyTorch's restricted reader, which builds tensors and plain containers and refuses
to call anything else, and only archives whose parts are stored as they are, so that no small file becomes a large one.
"""

from __future__ import annotations

import pickle  # noqa: TID251 - for the name of its error
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ..core.errors import ReadError
from ..io.limits import require_affordable
from ..io.plainfile import reading

#: Keys under which programs put the weights beside other things, e.g. the state of an optimizer.
_INNER = ("state_dict", "model", "model_state_dict", "network_weights")


def read_foreign_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a ``.safetensors`` file, or a ``.pt`` or ``.pth`` file as ``torch.save`` writes it since PyTorch 1.6.

    Returns
    -------
    dict
        Tensors by name, on the processor.

    Raises
    ------
    ReadError
        If it is missing, damaged or too large, or holds anything but tensors by name. Nothing in it is executed.
    """
    with reading(path):
        require_affordable(path, [max(1, path.stat().st_size)], 1)
        if path.suffix == ".safetensors":
            return _safetensors(path)
        _require_stored(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - this is that module
    except pickle.UnpicklingError as error:
        raise ReadError(f"{path} holds more than tensors; expected weights only, nothing of it was executed") from error
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError) as error:
        raise ReadError(f"{path} is damaged: {' '.join(str(error).split())[:200]}") from error
    return _tensors(found, path)


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load(path.read_bytes())
    except SafetensorError as error:
        raise ReadError(f"{path} is not a whole safetensors file: {error}") from error


def _require_stored(path: Path) -> None:
    """Raise :class:`ReadError` unless it is a zip archive whose parts are not compressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [part.filename for part in archive.infolist() if part.compress_type != zipfile.ZIP_STORED]
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ReadError(f"{path} is not an archive of PyTorch's; expected what torch.save writes") from error
    if packed:
        raise ReadError(f"{path} has compressed parts; expected an archive as torch.save writes it")


def _tensors(found: object, path: Path) -> dict[str, torch.Tensor]:
    inner = next(
        (found[key] for key in _INNER if isinstance(found, Mapping) and isinstance(found.get(key), Mapping)), found
    )
    if not isinstance(inner, Mapping) or not inner:
        raise ReadError(f"{path} holds {type(inner).__name__}; expected tensors by name")
    for name, tensor in inner.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ReadError(f"{path} holds {type(tensor).__name__} among its weights; expected tensors by name")
    return dict(inner)
