"""The case that is looked at, in the viewer: :class:`Preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers import KEY, LayerData, unique_name
from ..previews import point_kept

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_NAMES = {"image": "case (preview)", "labels": "case labels (preview)", "instances": "case instances (preview)"}


class Preview:
    """One layer each for image, labels and instances, used again for case after case.

    They are tagged ``"preview"`` in their metadata and are the only layers that are changed. How a person shows them
    (contrast, colours, opacity, what is visible) stays so from case to case.

    Parameters
    ----------
    viewer
        Where to show it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layers: dict[str, Layer] = {}

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers that are in the viewer, by role."""
        return {role: layer for role, layer in self._layers.items() if layer in self._viewer.layers}

    def show(self, made: list[LayerData]) -> None:
        """Show a case in place of the one before."""
        by_role = {how["metadata"][KEY]["role"]: (data, how, kind) for data, how, kind in made}
        kept = {role: layer for role, layer in self.layers.items() if _can_take(layer, by_role.get(role))}
        self._drop([layer for role, layer in self.layers.items() if role not in kept])
        self._layers = {}
        is_new = not kept
        for role, (data, how, kind) in by_role.items():
            if role in kept:
                with point_kept(self._viewer):
                    _replace(kept[role], data, how)
            self._layers[role] = kept.get(role) or self._added(role, data, how, kind)
        if is_new and self._layers:
            self._look_at(next(iter(self._layers.values())))

    def set_visible(self, visible: bool) -> None:
        """Show or hide all of it."""
        for layer in self.layers.values():
            if layer.visible != visible:  # setting it redraws the layer in any case
                layer.visible = visible

    def remove(self) -> None:
        """Take it out of the viewer."""
        self._drop(list(self.layers.values()))
        self._layers = {}

    def _drop(self, layers: list[Layer]) -> None:
        for layer in layers:
            self._viewer.layers.remove(layer)

    def _added(self, role: str, data: Any, how: dict[str, Any], kind: str) -> Layer:
        name = unique_name(self._viewer.layers, _NAMES[role])
        made = getattr(self._viewer, f"add_{kind}")(data, **{**how, "name": name, "metadata": _tagged(how)})
        if kind == "labels":
            made.editable = False
        return made

    def _look_at(self, layer: Layer) -> None:
        """Bring it into sight, at its middle: other layers may be elsewhere."""
        low, high = layer.extent.world
        for axis in range(-layer.ndim, 0):
            self._viewer.dims.set_point(self._viewer.dims.ndim + axis, float((low[axis] + high[axis]) / 2))
        if len(self._viewer.layers) > len(self._layers):
            self._viewer.reset_view()


def _can_take(layer: Layer, wanted: LayerData | None) -> bool:
    kind = layer.__class__.__name__.lower()  # not type(layer): napari gives panels proxies of its viewer and layers
    return wanted is not None and wanted[2] == kind and wanted[0].ndim == np.ndim(layer.data)


def _replace(layer: Layer, data: Any, how: dict[str, Any]) -> None:
    """Show other voxels; what costs a redraw is set only where it differs."""
    for name in ("scale", "translate"):
        if not np.array_equal(getattr(layer, name), how[name]):
            setattr(layer, name, how[name])
    before = layer.metadata[KEY].get("table")
    layer.metadata = _tagged(how)
    if "features" in how:
        layer.features = how["features"]
        if layer.metadata[KEY]["table"] != before and "colormap" in how:
            layer.colormap = how["colormap"]
    layer.data = data


def _tagged(how: dict[str, Any]) -> dict[str, Any]:
    return {KEY: {**how["metadata"][KEY], "preview": True}}
