"""The file that a layer was read from, for texts that begin with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import ConfigError
from ..io import read_labels
from .metadata import info_of

if TYPE_CHECKING:
    from napari.layers import Layer


def path_of(layer: Layer, otherwise: str) -> str:
    """Return the path of the layer's file; ``otherwise`` if it is from none."""
    return str(layer.source.path or otherwise)


def warning_of(layer: Layer, otherwise: str) -> str:
    """Say why a text that begins with :func:`path_of` would not begin with the labels of a layer; empty if it would.

    It reads the file: to be called in a worker thread.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    if layer.source.path is None:
        return f"the layer is in no file yet: save it as {otherwise}, which the copy reads"
    filed = read_labels(Path(layer.source.path)).reoriented()
    if np.array_equal(filed.array, np.asarray(layer.data[0] if layer.multiscale else layer.data)):
        return ""
    return f"the layer is no longer what {Path(layer.source.path).name} holds, which the copy reads: save it first"


def require_upright(layer: Layer) -> None:
    """Raise :class:`ConfigError` if the viewer turned the file: draws would fall on other voxels."""
    info = info_of(layer)
    if info is not None and info.original_affine.orientation != info.affine.orientation:
        found = f"the file's axes run {info.original_affine.orientation} and the viewer's {info.affine.orientation}"
        raise ConfigError(f"{found}; copy as Python, which turns them first")
