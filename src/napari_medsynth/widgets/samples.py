"""Sample data: made when asked for, never downloaded."""

from __future__ import annotations

from .layers import LayerData, case_layer_data


def thorax() -> list[LayerData]:
    """Make a chest CT with two tumors: image, labels and instances."""
    return _thorax(tumors=2)


def healthy_thorax() -> list[LayerData]:
    """Make a chest CT without tumors, to place some in: image and labels."""
    return _thorax(tumors=0)


def _thorax(tumors: int) -> list[LayerData]:
    from dataclasses import replace

    from ..phantom.thorax import thorax as make
    from .preferences import default_seed

    case = make(seed=default_seed(), tumors=tumors)
    if tumors == 0:
        case = replace(case, id="thorax-healthy", instances=None)
    return case_layer_data(case)
