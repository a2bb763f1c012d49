"""The layers that show a body which is not made yet: :class:`Preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.labels import LabelTable
from ..layers import KEY, spatial_kwargs, unique_name
from ..previews import is_preview, point_kept, selection_kept
from .looks import OPACITY
from .made import Made

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_PLACE = ("scale", "translate")
_LOOK = ("contrast_limits", "colormap")


class Preview:
    """An image and a labels layer tagged ``"preview"``: the only ones whose voxels it ever replaces.

    How a person shows them stays: the window until another anatomy needs its own, the opacity until the view changes
    between slices and 3D.

    Parameters
    ----------
    viewer
        Where to show it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layers: dict[str, Layer] = {}
        self._shown: Made | None = None
        viewer.dims.events.ndisplay.connect(self._on_view)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are in the viewer; none before the first :meth:`show`."""
        return tuple(layer for layer in self._layers.values() if layer in self._viewer.layers)

    def show(self, made: Made) -> None:
        """Show a body, in place of the one that was shown before."""
        if self._shown is None or len(self.layers) < len(self._layers):
            self.remove()
            self._add(made)
        else:
            if made.about is not self._shown.about:
                self._restyle(made)
            with point_kept(self._viewer):
                self._replace(made)
            if not np.allclose(_edges(made), _edges(self._shown)):
                self._fit(made)
        self._shown = made

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self.layers:
            self._viewer.layers.remove(layer)
        self._layers, self._shown = {}, None

    def close(self) -> None:
        """Take the layers out and listen no longer."""
        self.remove()
        self._viewer.dims.events.ndisplay.disconnect(self._on_view)

    def _add(self, made: Made) -> None:
        for data, kwargs, kind in made.layers():
            own = {"name": unique_name(self._viewer.layers, f"{kind} (preview)"), "metadata": {KEY: {"preview": True}}}
            with selection_kept(self._viewer):
                self._layers[kind] = getattr(self._viewer, f"add_{kind}")(data, **{**kwargs, **own})
        self._layers["image"].interpolation2d = "linear"  # its voxels are coarse
        self._layers["labels"].editable = False
        self._layers["labels"].features = _names(made.about.table)
        self._on_view()

    def _on_view(self) -> None:
        """In slices the image under its labels; in 3D the organs' surfaces, which the image would wash out."""
        if self._layers:
            in_3d = self._viewer.dims.ndisplay == 3
            self._layers["image"].opacity = 0.0 if in_3d else 1.0
            self._layers["labels"].opacity = 1.0 if in_3d else OPACITY

    def _replace(self, made: Made) -> None:
        for kind, layer in self._layers.items():
            grid: Any = getattr(made.case, kind)
            layer.data = grid.array
            place = spatial_kwargs(grid)
            for name in _PLACE:
                if not np.array_equal(getattr(layer, name), place[name]):
                    setattr(layer, name, place[name])

    def _restyle(self, made: Made) -> None:
        for _, kwargs, kind in made.layers():
            for name in _LOOK:
                if name in kwargs:
                    setattr(self._layers[kind], name, kwargs[name])
        self._layers["labels"].features = _names(made.about.table)

    def _fit(self, made: Made) -> None:
        """Show all of another field of view, unless other layers are looked at too."""
        if all(is_preview(layer) for layer in self._viewer.layers):
            self._viewer.dims.set_point(range(3), _edges(made).mean(axis=0))
            self._viewer.fit_to_view()


def _edges(made: Made) -> npt.NDArray[np.float64]:
    """Where the field of view begins and ends in the viewer's world, in mm along ``(z, y, x)``."""
    image: Any = made.case.image
    place = spatial_kwargs(image)
    first = np.asarray(place["translate"]) - np.asarray(place["scale"]) / 2
    return np.array([first, first + np.multiply(place["scale"], image.shape)])


def _names(table: LabelTable) -> dict[str, list[Any]]:
    """Names for hovering; volumes are those of the body that is made in full."""
    return {"index": [entry.value for entry in table], "name": [entry.name for entry in table]}
