"""Writers for napari: images, label maps and cases, with the orientation and affine of the file they came from.

The history goes into the JSON sidecar, or into ``case.json``, and comes back with the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.case import Case, case_id
from ..core.errors import WriteError
from ..core.labels import LabelMap
from .from_layer import as_filed, labels_of, volume_of
from .layers import LayerData
from .metadata import history_of, info_of

if TYPE_CHECKING:
    from napari.layers import Layer

DEFAULT_SUFFIX = ".nii.gz"


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer; ``.nii.gz`` if the name has no suffix.

    Parameters
    ----------
    path
        ``.nii``, ``.nii.gz``, ``.mha`` or ``.nrrd``.
    data, attributes
        As napari gives them: array, and arguments of ``add_image``.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    WriteError
        If the format cannot hold it, or it cannot be written; nothing has changed then.
    GridError
        If the layer is rotated, sheared, in colour, or not 2D or 3D.
    """
    from ..io import write_volume

    layer, target = _layer(data, attributes, "image"), _with_suffix(path)
    write_volume(as_filed(volume_of(layer), info_of(layer)), target, history=history_of(layer))
    return [str(target)]


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one labels layer; as :func:`write_image`."""
    from ..io import write_labels as write

    layer, target = _layer(data, attributes, "labels"), _with_suffix(path)
    write(as_filed(labels_of(layer), info_of(layer)), target, history=history_of(layer))
    return [str(target)]


def write_case(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Write an image with its labels, and perhaps its instances, as a case folder.

    Which labels layer holds the instances is known for layers of ours; else the first one is the labels.

    Raises
    ------
    WriteError
        If the folder is in use, or cannot be written; nothing has changed then.
    GridError
        If the layers are not on one grid; both are stated.
    """
    from ..io import write_case as write

    made = [_layer(data, attributes, kind) for data, attributes, kind in layers]
    image = next(layer for layer, (_, _, kind) in zip(made, layers, strict=True) if kind == "image")
    masks = [layer for layer in made if layer is not image]
    case = Case(
        id=case_id(Path(path).name),
        image=as_filed(volume_of(image), info_of(image)),
        history=max((history_of(layer) for layer in made), key=len),
        **_by_role(masks),
    )
    return [str(write(case, path))]


def _by_role(layers: Sequence[Layer]) -> dict[str, LabelMap]:
    """Return labels and instances, by what the layers say of themselves, else in their order."""
    roles = [info.role if (info := info_of(layer)) else "" for layer in layers]
    if "instances" in roles and roles.index("instances") == 0 and len(layers) > 1:
        layers = layers[::-1]
    elif roles == ["instances"]:
        return {"instances": as_filed(labels_of(layers[0]), info_of(layers[0]))}
    names = ("labels", "instances")
    if len(layers) > len(names):
        raise WriteError(f"a case holds one labels layer and one of instances; found {len(layers)} labels layers")
    return {name: as_filed(labels_of(layer), info_of(layer)) for name, layer in zip(names, layers, strict=False)}


def _layer(data: Any, attributes: dict[str, Any], kind: str) -> Layer:
    from napari.layers import Layer

    return Layer.create(data, attributes, kind)


def _with_suffix(path: str) -> Path:
    target = Path(path)
    return target if target.suffix else target.with_name(target.name + DEFAULT_SUFFIX)
