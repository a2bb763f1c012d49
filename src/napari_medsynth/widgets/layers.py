"""Images and label maps as napari layers, and back.

napari's world is ``(z, y, x)`` in millimetres to the head, to the back and to the left of the patient, so that a
slice appears as radiologists know it. Everything is shown with ``scale`` and ``translate`` alone: permuted or rotated
``affine`` matrices crash or degrade napari's slicing. The true affine travels in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from ..core.case import Case
from ..core.grid import Gridded
from ..core.labels import LabelMap
from ..core.record import Record
from ..core.volume import Volume
from .from_layer import labels_of, volume_of
from .metadata import KEY, LayerInfo, history_of, info_of, metadata_of, with_history
from .placement import spatial_kwargs

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = [
    "KEY",
    "LayerData",
    "add_layers",
    "case_layer_data",
    "history_of",
    "image_layer_data",
    "labels_layer_data",
    "labels_of",
    "metadata_of",
    "spatial_kwargs",
    "unique_name",
    "volume_of",
    "with_history",
]

#: What napari's readers and sample data give: array, arguments of ``add_<type>``, type.
LayerData = tuple[npt.NDArray[Any], dict[str, Any], str]

#: The lung window of CT, in HU: level -600, width 1500.
CT_WINDOW = (-1350, 150)

_MUCH = 0.1  #: of all voxels; labels that cover more are shown fainter, so that the image is seen through them
_OPACITY = 0.4
_PADDING = -4096  #: no scanner pads with less


def image_layer_data(
    volume: Volume, *, name: str, history: Iterable[Record] = (), like: Layer | None = None
) -> LayerData:
    """Return what ``viewer.add_image`` needs to show an image.

    Parameters
    ----------
    volume
        In any orientation; axes are permuted and flipped for display, voxels are neither copied nor resampled.
        Three or four channels of ``uint8`` are shown in colour, other channels as a layer each.
    name
        Name of the layer; see :func:`unique_name`.
    history
        The records of the steps that made it.
    like
        Layer that it was made from: a file written later gets the orientation of that layer's file.

    Returns
    -------
    tuple
        Array, arguments and ``"image"``.
    """
    upright = volume.reoriented()
    info = LayerInfo(
        shape=upright.shape,
        affine=upright.affine,
        original_affine=_original(volume, like),
        modality=volume.modality,
        history=tuple(history),
        role="image",
    )
    kwargs = {"name": name, **spatial_kwargs(upright), "metadata": {KEY: info.to_json()}}
    if volume.channels:
        array, how = _with_channels(upright.array)
        return array, kwargs | how, "image"
    if _is_ct(volume):
        kwargs["contrast_limits"] = CT_WINDOW
    return upright.array, {**kwargs, "colormap": "gray"}, "image"


def labels_layer_data(
    labels: LabelMap, *, name: str, history: Iterable[Record] = (), like: Layer | None = None, role: str = "labels"
) -> LayerData:
    """Return what ``viewer.add_labels`` needs to show a label map: a writable copy.

    Parameters
    ----------
    labels
        In any orientation. Colours of its table are used; hovering shows the names.
    name, history, like
        As for :func:`image_layer_data`.
    role
        ``"labels"``, or ``"instances"`` for numbered lesions.

    Returns
    -------
    tuple
        Array, arguments and ``"labels"``.
    """
    upright = labels.reoriented()
    info = LayerInfo(
        shape=upright.shape,
        affine=upright.affine,
        original_affine=_original(labels, like),
        table=labels.table,
        history=tuple(history),
        role=role,
    )
    kwargs = {"name": name, **spatial_kwargs(upright), "metadata": {KEY: info.to_json()}}
    counts = np.bincount(upright.array.reshape(-1), minlength=1)
    kwargs["features"] = _features(upright, counts)
    if counts[1:].sum() > _MUCH * counts.sum():
        kwargs["opacity"] = _OPACITY
    if any(entry.colour for entry in labels.table):
        kwargs["colormap"] = _colours(labels, counts)
    return np.array(upright.array, order="C"), kwargs, "labels"


def case_layer_data(case: Case) -> list[LayerData]:
    """Return the layers of a case: image, labels and instances, those that it has."""
    found = []
    if case.image is not None:
        found.append(image_layer_data(case.image, name=case.id, history=case.history))
    for role, labels in (("labels", case.labels), ("instances", case.instances)):
        if labels is not None:
            found.append(labels_layer_data(labels, name=f"{case.id} {role}", history=case.history, role=role))
    return found


def unique_name(viewer_layers: Iterable[Layer], name: str) -> str:
    """Return ``name``, or ``"name 2"``, ``"name 3"`` … if a layer has that name already.

    napari replaces the voxels of a layer when another of the same name arrives from a widget.
    """
    taken = {layer.name for layer in viewer_layers}
    tried, number = name, 1
    while tried in taken:
        number += 1
        tried = f"{name} {number}"
    return tried


def add_layers(viewer: ViewerModel, made: Iterable[LayerData]) -> None:
    """Add layers to the viewer, each under a name that no other one has."""
    for data, how, kind in made:
        getattr(viewer, f"add_{kind}")(data, **{**how, "name": unique_name(viewer.layers, how["name"])})


def _original(grid: Gridded, like: Layer | None) -> Affine:
    """Return the affine of the file's array; that of ``like`` if ``grid`` is on the grid that it shows."""
    info = None if like is None else info_of(like)
    if info is None or info.shape != grid.shape or not info.affine.is_close(grid.affine, grid.shape3):
        return grid.affine
    return info.original_affine


def _with_channels(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    if array.dtype == np.uint8 and array.shape[0] in (3, 4):
        return np.moveaxis(array, 0, -1), {"rgb": True}
    return array, {"channel_axis": 0, "colormap": "gray"}


def _is_ct(volume: Volume) -> bool:
    """Whether to show Hounsfield units: it is CT, or nobody says what it is and air is there (-1000 HU)."""
    if volume.modality or volume.array.dtype.kind not in "if":
        return volume.modality == "CT"
    few = volume.array[tuple(slice(None, None, max(1, n // 64)) for n in volume.array.shape)]
    return bool(_PADDING <= few.min() <= -900)


def _features(labels: LabelMap, counts: npt.NDArray[np.int64]) -> dict[str, list[Any]]:
    """One row per value present: its name and volume, shown when hovering and in napari's features table."""
    values = [int(v) for v in np.flatnonzero(counts) if v]
    return {
        "index": values,
        "name": [labels.table[v].name for v in values],
        "volume_mL": [round(float(counts[v]) * labels.voxel_ml, 3) for v in values],
    }


def _colours(labels: LabelMap, counts: npt.NDArray[np.int64]) -> Any:
    """Colours of the table; napari's own for values that have none there, and none for context: it hides the rest."""
    from napari.utils.colormaps import DirectLabelColormap, label_colormap

    listed = {entry.value: (0, 0, 0, 0) if entry.context else entry.colour for entry in labels.table}
    values = sorted({*listed, *(int(v) for v in np.flatnonzero(counts) if v)})
    usual = label_colormap()
    colours: dict[int | None, Any] = {v: listed.get(v) or tuple(usual.map(v)) for v in values}
    return DirectLabelColormap(color_dict={**colours, 0: (0, 0, 0, 0), None: (0.6, 0.6, 0.6, 1)})
