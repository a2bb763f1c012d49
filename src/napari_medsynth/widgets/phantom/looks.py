"""How a phantom looks in the viewer: names, window, colours."""

from __future__ import annotations

from typing import Any

from ...core.case import Case
from ...phantom.catalogue import Catalogue
from ..layers import LayerData, case_layer_data

#: Soft-tissue window of CT, in HU: level 40, width 400.
SOFT_TISSUE = (-160.0, 240.0)

#: Of labels over an image.
OPACITY = 0.5


def phantom_layers(case: Case, about: Catalogue) -> list[LayerData]:
    """Return the image and labels layers of a made body.

    Parameters
    ----------
    case
        What the ``phantom`` step made.
    about
        The catalogue of its anatomy.

    Returns
    -------
    list of tuple
        Array, arguments and type of each layer.
    """
    made = {"image": _window(about), "labels": {"opacity": OPACITY, "iso_gradient_mode": "smooth"}}
    return [(data, kwargs | made[kind], kind) for data, kwargs, kind in case_layer_data(case)]


def _window(about: Catalogue) -> dict[str, Any]:
    return {"contrast_limits": SOFT_TISSUE if about.modality == "CT" else about.limits}
