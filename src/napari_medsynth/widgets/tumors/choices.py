"""Which layers and label values can be chosen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.labels import LabelMap
from ..layers import labels_of
from ..metadata import info_of
from ..previews import is_preview

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer


@dataclass(frozen=True)
class Organ:
    """Where lesions are held: the lungs, found in the image; nowhere; or values of a labels layer (all, if none)."""

    title: str
    find: bool = False
    layer: Labels | None = None
    values: tuple[int, ...] = ()

    def label_map(self) -> LabelMap | None:
        """Return the organ, if a layer says where it is; raises :class:`LabelError` if it holds no labels."""
        if self.layer is None:
            return None
        labels = labels_of(self.layer)
        mask = labels.mask(self.values) if self.values else labels.array != 0
        return LabelMap(mask, labels.affine)


LUNGS = Organ("Lungs, found in the image", find=True)
NOWHERE = Organ("No organ")


def scans(viewer: ViewerModel, without: Collection[Layer] = ()) -> list[Image]:
    """Return the image layers that may be a scan, the one on top first."""
    from napari.layers import Image

    def fits(layer: Layer) -> bool:
        return isinstance(layer, Image) and layer.ndim == 3 and not layer.rgb and not is_preview(layer)

    return [layer for layer in reversed(viewer.layers) if fits(layer) and layer not in without]


def label_layers(viewer: ViewerModel, like: Image | None = None, without: Collection[Layer] = ()) -> list[Labels]:
    """Return the labels layers, the one on top first; with ``like``, those of its shape."""
    from napari.layers import Labels

    found = [layer for layer in reversed(viewer.layers) if isinstance(layer, Labels) and layer.ndim == 3]
    shape = None if like is None else _shape(like)
    fitting = [layer for layer in found if shape is None or _shape(layer) == shape]
    return [layer for layer in fitting if not is_preview(layer) and layer not in without]


def organs(viewer: ViewerModel, like: Image | None, without: Collection[Layer] = ()) -> list[Organ]:
    """Return where lesions could be held: lungs, nowhere, and what labels layers on the scan's grid name."""
    found = [LUNGS, NOWHERE]
    for layer in label_layers(viewer, like, without) if like is not None else []:
        found.append(Organ(f"{layer.name}: all labels", layer=layer))
        info = info_of(layer)
        named = [] if info is None else [e for e in info.table if e.tissue != "lesion"]
        found += [Organ(f"{layer.name}: {entry.name}", layer=layer, values=(entry.value,)) for entry in named]
    return found


def _shape(layer: Layer) -> tuple[int, ...]:
    return tuple(int(n) for n in (layer.data[0] if layer.multiscale else layer.data).shape)
