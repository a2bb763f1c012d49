"""A model applied to a layer: :func:`segmenting`, in a process of its own.

The network runs in ``medsynth segment`` rather than in a thread of the viewer: PyTorch keeps what it took of a GPU's
memory until its process ends; loading it, and MONAI, holds other threads up; and a process can be stopped in the middle
of a tile. The price is a start of a few seconds, and a copy of the image on disk.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...core.labels import LabelMap
from ...core.progress import Job, Progress, told_as
from ...core.volume import Volume
from ...io import read_labels, read_sidecar, read_volume, write_volume
from ..child import child
from ..from_layer import volume_of
from ..layers import LayerData, history_of, image_layer_data, labels_layer_data
from ..previews import compile_colours
from .asked import Asked

if TYPE_CHECKING:
    from napari.layers import Image

    from ...core.record import Record


def segmenting(layer: Image, asked: Asked) -> Job[list[LayerData]]:
    """Segment an image layer, as a job; the layer itself is not changed.

    Returns
    -------
    list of tuple
        The uncertainty, if it was asked for (hidden: it lies over the image), and the labels: array, arguments and
        type of each layer.

    Raises
    ------
    MedsynthError
        If the layer is no image that can be written, or the command fails, with its own message.
    """
    with TemporaryDirectory(prefix="medsynth-", ignore_cleanup_errors=True) as place:
        yield Progress(0, 0, "handing the image over")
        files = {name: Path(place) / f"{name}.nii" for name in ("image", "labels", "uncertainty")}
        image = volume_of(layer)
        write_volume(image, files["image"])
        yield from told_as(child(asked.words(*map(str, files.values()))), _told)
        yield Progress(0, 0, "taking the labels over")
        compile_colours()  # here, and not in the viewer's thread
        made = read_sidecar(files["labels"]).history
        labels = read_labels(files["labels"])
        uncertainty = read_volume(files["uncertainty"]) if asked.options.uncertainty else None
        return _layers(layer, image, asked, (labels, uncertainty), made)


def _told(progress: Progress) -> Progress:
    """What the process says; until it says something it loads PyTorch, which takes seconds."""
    return progress if progress.note else Progress(0, 0, "starting")


def _layers(
    source: Image,
    image: Volume,
    asked: Asked,
    found: tuple[LabelMap, Volume | None],
    made: tuple[Record, ...],
) -> list[LayerData]:
    """Return the layers, where the image is: what a file's header rounds is taken from the layer."""
    labels, uncertainty = found
    history = (*history_of(source), *made)
    placed = LabelMap(labels.array, image.affine, asked.card.labels)
    placed.require_same_grid(image, "the result", "the image")
    name = asked.name if asked.name.startswith(source.name) else f"{source.name} {asked.name}"
    layers = [labels_layer_data(placed, name=name, history=history, like=source)]
    if uncertainty is not None:
        shown = Volume(uncertainty.array, image.affine)
        data, how, kind = image_layer_data(shown, name=f"{name} uncertainty", history=history, like=source)
        how |= {"colormap": "inferno", "blending": "additive", "contrast_limits": (0.0, 1.0), "visible": False}
        layers.insert(0, (data, how, kind))
    if all(str(unit) == "pixel" for unit in source.units):  # they count as millimetres; napari warns of a mixture
        layers = [(data, {**how, "units": source.units}, kind) for data, how, kind in layers]
    return layers
