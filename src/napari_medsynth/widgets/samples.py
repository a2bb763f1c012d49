"""Sample data: made when asked for, never downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .layers import LayerData, add_layers, case_layer_data
from .preferences import default_seed

if TYPE_CHECKING:
    import napari

#: What is not the default in the torsos that are made, by the name of their layers; sizes are in voxels, (z, y, x).
_TORSOS: dict[str, dict[str, Any]] = {
    "abdomen": {"region": "abdomen", "image_size": (110, 140, 190), "scenario": "normal_complete"},
    "lumbar-spine": {"region": "lumbar spine", "image_size": (160, 100, 100), "scenario": "normal_complete"},
    "nephrectomy": {"region": "abdomen", "image_size": (110, 140, 190), "scenario": "left_nephrectomy"},
}


def thorax() -> list[LayerData]:
    """Make a chest CT with two tumors: image, labels and instances."""
    return _thorax(default_seed(), tumors=2)


def healthy_thorax() -> list[LayerData]:
    """Make a chest CT without tumors, to place some in: image and labels."""
    return _thorax(default_seed(), tumors=0)


def abdomen() -> list[LayerData]:
    """Make an abdominal CT of 3 × 2 × 2 mm: image and labels."""
    return _torso(default_seed(), "abdomen")


def lumbar_spine() -> list[LayerData]:
    """Make a CT of the lumbar spine of 1.5 mm: image and labels."""
    return _torso(default_seed(), "lumbar-spine")


def nephrectomy() -> list[LayerData]:
    """Make an abdominal CT after the left kidney was taken out: image and labels."""
    return _torso(default_seed(), "nephrectomy")


def new_thorax(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`thorax` to the viewer, made in the background."""
    _add(viewer, "Making a chest CT", partial(_thorax, default_seed(), 2))


def new_healthy_thorax(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`healthy_thorax` to the viewer, made in the background."""
    _add(viewer, "Making a chest CT", partial(_thorax, default_seed(), 0))


def new_abdomen(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`abdomen` to the viewer, made in the background."""
    _add(viewer, "Making an abdominal CT", partial(_torso, default_seed(), "abdomen"))


def new_lumbar_spine(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`lumbar_spine` to the viewer, made in the background."""
    _add(viewer, "Making a CT of the lumbar spine", partial(_torso, default_seed(), "lumbar-spine"))


def new_nephrectomy(viewer: napari.Viewer) -> None:
    """Add the layers of :func:`nephrectomy` to the viewer, made in the background."""
    _add(viewer, "Making an abdominal CT", partial(_torso, default_seed(), "nephrectomy"))


def _add(viewer: napari.Viewer, title: str, make: Callable[[], list[LayerData]]) -> None:
    from .jobs import one_step, start_job

    def add(made: list[LayerData]) -> None:
        add_layers(viewer, made)

    start_job(one_step(make), title=title, done=add)


def _thorax(seed: int, tumors: int) -> list[LayerData]:
    from ..phantom.thorax import thorax as make

    case = make(seed=seed, tumors=tumors)
    return case_layer_data(case if tumors else replace(case, id="thorax-healthy", instances=None))


def _torso(seed: int, name: str) -> list[LayerData]:
    from ..core.case import Case
    from ..phantom.catalogue import catalogue
    from ..phantom.step import Phantom
    from .phantom.looks import phantom_layers

    phantom = Phantom(anatomy="torso", **_TORSOS[name])
    return phantom_layers(phantom(Case(id=name), seed=seed), catalogue("torso"))
