"""How a rendered image looks in the viewer: names, window, colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.case import Case
from ...core.errors import ConfigError
from ...core.progress import Job
from ...rendering.step import Render
from ..layers import LayerData, history_of, image_layer_data, labels_layer_data
from .label_reader import making
from .window import window_of

if TYPE_CHECKING:
    from napari.layers import Labels


def making_layers(layer: Labels, step: Render, seed: int) -> Job[tuple[Case, list[LayerData]]]:
    """Make the image of a layer's labels in full, and its layers: to count voxels of each label takes a moment too."""
    case = yield from making(layer, step, seed)
    return case, render_layers(case, layer, step.preset)


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
    if all(str(unit) == "pixel" for unit in source.units):  # they count as millimetres; napari warns of a mixture
        found = [(data, {**given, "units": source.units}, kind) for data, given, kind in found]
    return found


def is_changed(case: Case) -> bool:
    """Whether the labels were warped, flipped or cropped, or are on the voxels of the scanner."""
    record = case.history[-1]
    moved = any(record.params[name] is not None for name in ("crop", "warp", "flip"))
    return moved or record.config["grid"] != "labels"
