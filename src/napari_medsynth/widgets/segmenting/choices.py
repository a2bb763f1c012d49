"""Which layers can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..previews import is_preview

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer


def images(viewer: ViewerModel) -> list[Image]:
    """Return the image layers that may be a scan, the one on top first."""
    from napari.layers import Image

    def fits(layer: Layer) -> bool:
        return isinstance(layer, Image) and layer.ndim in (2, 3) and not layer.rgb and not is_preview(layer)

    return [layer for layer in reversed(viewer.layers) if fits(layer)]


def labels_like(viewer: ViewerModel, like: Layer | None = None) -> list[Labels]:
    """Return the labels layers, the one on top first; with ``like``, those of as many voxels, and not itself."""
    from napari.layers import Labels

    def fits(layer: Layer) -> bool:
        return isinstance(layer, Labels) and layer.ndim in (2, 3) and not is_preview(layer)

    found = [layer for layer in reversed(viewer.layers) if fits(layer) and layer is not like]
    return found if like is None else [layer for layer in found if shape_of(layer) == shape_of(like)]


def shape_of(layer: Layer) -> tuple[int, ...]:
    """Return the voxels of a layer along each axis, those of its finest resolution."""
    return tuple(int(n) for n in (layer.data[0] if layer.multiscale else layer.data).shape)
