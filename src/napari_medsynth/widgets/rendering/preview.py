"""The slice that is not made yet: :class:`Preview`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..layers import KEY, unique_name
from ..previews import placement, point_kept, selection_kept
from .window import window_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

FloatArray = npt.NDArray[np.float32]

_NAME = "render (preview)"


class Preview:
    """An image layer of one slice, tagged ``"preview"``, where that slice of the labels is.

    Its window follows the image until a person sets another one.

    Parameters
    ----------
    viewer
        Where to show it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._under: Labels | None = None
        self._limits: tuple[float, float] | None = None

    @property
    def layer(self) -> Image | None:
        """The layer, if it is in the viewer."""
        return self._layer if self._layer in self._viewer.layers else None

    def show(self, array: FloatArray, start: Sequence[int], under: Labels, modality: str = "") -> None:
        """Show a slice, in place of what was shown before.

        Parameters
        ----------
        array
            Its voxels, ``(z, y, x)`` with one voxel along an axis, or ``(y, x)``.
        start
            Index of its first voxel in the labels.
        under
            The layer of the labels that it is an image of.
        modality
            What it shows, for its window.
        """
        layer = self.layer
        if layer is None or under is not self._under:
            self.remove()
            self._add(array, _place(under, start), under)
        else:
            with point_kept(self._viewer):
                layer.data = array
                if not np.array_equal(layer.translate, _place(under, start)):  # napari draws anew even if they are
                    layer.translate = _place(under, start)
            if not layer.visible:
                layer.visible = True
        self._window(array, modality)

    def hide(self) -> None:
        """Hide it until it is shown again; that is quicker than adding it anew."""
        if self.layer is not None:
            self.layer.visible = False

    def remove(self) -> None:
        """Take it out of the viewer."""
        if self.layer is not None:
            self._viewer.layers.remove(self.layer)
        self._layer = self._under = self._limits = None

    def _add(self, array: FloatArray, place: tuple[float, ...], under: Labels) -> None:
        with selection_kept(self._viewer), point_kept(self._viewer):
            self._layer = self._viewer.add_image(
                array,
                **{**placement(under), "translate": place},
                name=unique_name(self._viewer.layers, _NAME),
                colormap="gray",
                metadata={KEY: {"preview": True}},
            )
        self._under, self._limits = under, None

    def _window(self, array: FloatArray, modality: str) -> None:
        """Follow the image with the window, unless a person has set one."""
        layer = self.layer
        if layer is not None and self._limits in (None, tuple(layer.contrast_limits)):
            layer.contrast_limits = window_of(array, modality)
            self._limits = tuple(layer.contrast_limits)


def _place(under: Labels, start: Sequence[int]) -> tuple[float, ...]:
    """Where the first voxel lies, in the coordinates of the layer's ``translate``."""
    return tuple(float(v) for v in np.asarray(under.translate) + np.asarray(under.scale) * start)
