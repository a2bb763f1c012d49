"""The file that a layer was read from, for texts that begin with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import ConfigError
from .metadata import info_of

if TYPE_CHECKING:
    from napari.layers import Layer


def path_of(layer: Layer, otherwise: str) -> str:
    """Return the path of the layer's file; ``otherwise`` if it is from none."""
    return str(layer.source.path or otherwise)


def require_upright(layer: Layer) -> None:
    """Raise :class:`ConfigError` if the viewer turned the file: draws would fall on other voxels."""
    info = info_of(layer)
    if info is not None and info.original_affine.orientation != info.affine.orientation:
        found = f"the file's axes run {info.original_affine.orientation} and the viewer's {info.affine.orientation}"
        raise ConfigError(f"{found}; copy as Python, which turns them first")
