"""The layers of a case of a dataset: :func:`layers_of`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.volume import Volume
from ..layers import KEY, LayerData, case_layer_data
from ..phantom.looks import SOFT_TISSUE
from ..previews import compile_colours

_OPACITY = 0.5
_AIR_HU, _LUNG_HU = -950, -500  #: what is denser than air and lighter than this is lung
#: Of what is denser than air: an abdomen with the lowest parts of the lungs has 0.11 to 0.14, a chest more.
_MUCH = 0.15

if TYPE_CHECKING:
    from napari.layers import Layer

    from ...datasets.reader import Split


def layers_of(split: Split, index: int) -> list[LayerData]:
    """Read a case of a split into image, labels and instances, those that it has.

    CT with lungs in it is shown as in the dataset's report, from lungs to bone, other CT in the window of soft tissue,
    and bytes from 0 to 255.
    The metadata keep where the case is from.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    case = split.case(index)
    compile_colours()  # here, and not in the viewer's thread
    origin = {"dataset": {"file": str(split.path), "case": index}}
    looks = {"image": _window(case.image), "labels": {"opacity": _OPACITY}, "instances": {}}
    made = []
    for data, how, kind in case_layer_data(case):
        ours = how["metadata"][KEY]
        made.append((data, {**how, **looks[ours["role"]], "metadata": {KEY: {**ours, **origin}}}, kind))
    return made


def origin_of(layer: Layer) -> tuple[Path, int] | None:
    """Return the file and the number of the case that a layer shows; None if it is not from a dataset."""
    found = layer.metadata.get(KEY, {})
    origin = found.get("dataset") if isinstance(found, dict) else None
    if not isinstance(origin, dict) or not isinstance(origin.get("case"), int):
        return None
    return Path(str(origin.get("file"))), origin["case"]


def _window(image: Volume | None) -> dict[str, Any]:
    from ...datasets.planes import CT_WINDOW

    if image is None or image.channels:
        return {}
    if image.modality == "CT":
        return {"contrast_limits": CT_WINDOW if _shows_lungs(image) else SOFT_TISSUE}
    return {"contrast_limits": (0, 255)} if image.array.dtype == np.uint8 else {}


def _shows_lungs(image: Volume) -> bool:
    """Whether much of what is not air is as light as lung; in an abdomen, the lungs' lowest parts are little."""
    few = image.array[tuple(slice(None, None, max(1, n // 64)) for n in image.array.shape)]
    body = few[few > _AIR_HU]
    return body.size > 0 and float((body < _LUNG_HU).mean()) > _MUCH
