"""Sample data: made when asked for, never downloaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .layers import LayerData, case_layer_data, unique_name
from .preferences import default_seed

if TYPE_CHECKING:
    import napari


def thorax() -> list[LayerData]:
    """Make a chest CT with two tumors: image, labels and instances."""
    return _thorax(default_seed(), tumors=2)


def healthy_thorax() -> list[LayerData]:
    """Make a chest CT without tumors, to place some in: image and labels."""
    return _thorax(default_seed(), tumors=0)


def new_thorax(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`thorax` to the viewer, made in the background."""
    _add_thorax(viewer, tumors=2)


def new_healthy_thorax(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`healthy_thorax` to the viewer, made in the background."""
    _add_thorax(viewer, tumors=0)


def _add_thorax(viewer: napari.Viewer, tumors: int) -> None:
    from .jobs import one_step, start_job

    seed = default_seed()

    def add(made: list[LayerData]) -> None:
        for data, kwargs, kind in made:
            name = unique_name(viewer.layers, kwargs["name"])
            getattr(viewer, f"add_{kind}")(data, **{**kwargs, "name": name})

    start_job(one_step(lambda: _thorax(seed, tumors)), title="Making a chest CT", done=add)


def _thorax(seed: int, tumors: int) -> list[LayerData]:
    from ..phantom.thorax import thorax as make

    case = make(seed=seed, tumors=tumors)
    return case_layer_data(case if tumors else replace(case, id="thorax-healthy", instances=None))
