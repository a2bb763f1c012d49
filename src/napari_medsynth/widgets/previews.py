"""Layers beside others: shown and placed as they are, or tagged as a preview of what might be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .metadata import KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


def look(layer: Image) -> dict[str, Any]:
    """Return how an image is shown, for a layer that is to look the same."""
    names = ("contrast_limits", "colormap", "gamma", "interpolation2d", "interpolation3d", "rendering")
    return {name: getattr(layer, name) for name in names}


def placement(layer: Layer) -> dict[str, Any]:
    """Return the arguments that place a new layer where another one is."""
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "affine": layer.affine,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


@contextmanager
def selection_kept(viewer: ViewerModel) -> Iterator[None]:
    """Add layers without taking the selection, and with it the mouse, from the layer that a person works on."""
    active = viewer.layers.selection.active
    yield
    viewer.layers.selection.active = active


@contextmanager
def point_kept(viewer: ViewerModel) -> Iterator[None]:
    """Exchange a layer's voxels and their place without leaving the slice that a person looks at.

    Between the two changes the layer is of another size, and napari moves to a slice that it has then.
    """
    before = tuple(viewer.dims.point)
    yield
    if len(before) == viewer.dims.ndim and tuple(viewer.dims.point) != before:
        viewer.dims.point = before


@cache
def compile_colours() -> None:
    """Let napari compile what looks up the colours of labels, and load pandas, in which it keeps what they are called.

    Most of a second, once, best in a worker thread.
    """
    import numpy as np
    from napari.utils.colormaps import DirectLabelColormap

    clear = (0.0, 0.0, 0.0, 0.0)
    DirectLabelColormap(color_dict={None: clear, 0: clear, 1: clear}).map(np.zeros((1, 1), dtype=np.uint8))
    import_module("pandas")


def is_preview(layer: Layer) -> bool:
    """Whether a layer only shows what might be."""
    found = layer.metadata.get(KEY, {})
    return isinstance(found, dict) and bool(found.get("preview"))
