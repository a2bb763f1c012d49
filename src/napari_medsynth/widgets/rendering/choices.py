"""Which layers can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..previews import is_preview

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer


def label_layers(viewer: ViewerModel) -> list[Labels]:
    """Return the labels layers that can be rendered, the one on top first."""
    from napari.layers import Labels

    return [x for x in reversed(viewer.layers) if isinstance(x, Labels) and x.ndim in (2, 3) and not is_preview(x)]


def images_like(viewer: ViewerModel, labels: Labels | None) -> list[Image]:
    """Return the image layers with as many voxels as the labels along each axis, the one on top first."""
    from napari.layers import Image

    def fits(layer: Layer) -> bool:
        return isinstance(layer, Image) and not layer.rgb and not is_preview(layer)

    if labels is None:
        return []
    return [x for x in reversed(viewer.layers) if fits(x) and shape_of(x) == shape_of(labels)]


def shape_of(layer: Layer) -> tuple[int, ...]:
    """Return the voxels of a layer along each axis, those of its finest resolution."""
    return tuple(int(n) for n in (layer.data[0] if layer.multiscale else layer.data).shape)
