"""How a rendered image looks in the viewer: names, window, colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.case import Case
from ...core.errors import ConfigError
from ..layers import LayerData, history_of, image_layer_data, labels_layer_data
from .window import window_of

if TYPE_CHECKING:
    from napari.layers import Labels


def render_layers(case: Case, source: Labels, preset: str) -> list[LayerData]:
    """Return the image layer of a rendering, and a labels layer if its labels are no longer those of the source.

    Parameters
    ----------
    case
        What the ``render`` step made.
    source
        The layer of the labels that it was made of.
    preset
        Name of the preset, for the names of the layers.

    Returns
    -------
    list of tuple
        Array, arguments and type of each layer.
    """
    if case.image is None:
        raise ConfigError(f"case {case.id!r} was rendered and has no image")
    history = (*history_of(source), *case.history)
    name = f"{source.name} {preset}"
    image, kwargs, kind = image_layer_data(case.image, name=name, history=history, like=source)
    kwargs["contrast_limits"] = window_of(image, case.image.modality)
    found = [(image, kwargs, kind)]
    if case.labels is not None and is_changed(case):
        found.append(labels_layer_data(case.labels, name=f"{name} labels", history=history, like=source))
    return found


def is_changed(case: Case) -> bool:
    """Whether the labels were warped, flipped or cropped, or are on the voxels of the scanner."""
    record = case.history[-1]
    moved = any(record.params[name] is not None for name in ("crop", "warp", "flip"))
    return moved or record.config["grid"] != "labels"
