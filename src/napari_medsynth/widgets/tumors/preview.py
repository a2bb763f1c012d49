"""How the lesion that is not placed yet looks in the viewer: :class:`Preview`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.box import Box
from ...tumor.blend import Patch
from ..layers import KEY, unique_name
from ..previews import look, placement, selection_kept

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

FINE, WARNED = 1, 2  #: values of the contour: a place that keeps the rules, and one that does not
_COLOURS = {None: (0, 0, 0, 0), FINE: (0.2, 0.95, 0.95, 1), WARNED: (1.0, 0.6, 0.1, 1)}


class Preview:
    """Two layers as large as the lesion's box, laid over a scan: the blended voxels and their contour.

    What they cost does not depend on the scan's size. They are tagged ``"preview"`` in their metadata, are never
    saved as part of a case, and go away with :meth:`remove`.

    Parameters
    ----------
    viewer
        Where to show it.
    under
        The scan's layer.
    """

    def __init__(self, viewer: ViewerModel, under: Image) -> None:
        self._viewer = viewer
        self._under = under
        self._image: Image | None = None
        self._contour: Labels | None = None
        self._shown: tuple[npt.NDArray[np.bool_], int] | None = None
        for event in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.connect(self._on_view)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are in the viewer, none before the first :meth:`show`."""
        return tuple(layer for layer in (self._image, self._contour) if layer is not None)

    def show(self, patch: Patch, *, warned: bool) -> None:
        """Show the voxels that the lesion would change, with an orange contour if it is ``warned``."""
        if self._image is None or self._contour is None or not self._is_whole():
            self.remove()
            self._make(patch)
        self._shown = patch.mask, WARNED if warned else FINE
        place = _place(self._under, patch.box)
        for layer, array in ((self._image, patch.values), (self._contour, self._outline())):
            if layer is not None:
                layer.data = array
                layer.translate = place
                layer.visible = True

    def hide(self) -> None:
        """Hide it until it is shown again; that is quicker than adding layers anew."""
        for layer in self.layers:
            layer.visible = False

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._image = self._contour = None

    def close(self) -> None:
        """Take the layers out and listen no longer."""
        self.remove()
        for event in (self._viewer.dims.events.ndisplay, self._viewer.dims.events.order):
            event.disconnect(self._on_view)

    def _is_whole(self) -> bool:
        return all(layer in self._viewer.layers for layer in self.layers)

    def _make(self, patch: Patch) -> None:
        under = self._under
        common = placement(under) | {"metadata": {KEY: {"preview": True}}}
        with selection_kept(self._viewer):
            self._image = self._viewer.add_image(
                patch.values,
                **common,
                name=unique_name(self._viewer.layers, "lesion (preview)"),
                **look(under),
                blending="translucent_no_depth",
            )
            self._contour = self._viewer.add_labels(
                patch.mask.astype(np.uint8),
                **common,
                name=unique_name(self._viewer.layers, "lesion (contour)"),
                colormap=_colours(),
                opacity=0.9,
            )
        self._contour.editable = False
        self._image.opacity = 1.0 if self._viewer.dims.ndisplay == 2 else 0.0

    def _on_view(self) -> None:
        """In slices the voxels and their contour; in 3D the lesion's body in place of both."""
        if self._image is not None and self._contour is not None and self._shown is not None:
            self._image.opacity = 1.0 if self._viewer.dims.ndisplay == 2 else 0.0
            self._contour.data = self._outline()

    def _outline(self) -> npt.NDArray[np.uint8]:
        """The contour in the slices that are shown, 0 elsewhere.

        napari's own contours are not for this: it warns of them whenever the view changes to 3D.
        """
        mask, value = self._shown if self._shown is not None else (np.zeros((1, 1, 1), dtype=bool), FINE)
        dims = self._viewer.dims
        if dims.ndisplay == 3:
            return mask.astype(np.uint8) * np.uint8(value)
        axes = [axis - (dims.ndim - 3) for axis in dims.displayed]
        return (mask & ~_inner(mask, [axis for axis in axes if axis >= 0])).astype(np.uint8) * np.uint8(value)


def _inner(mask: npt.NDArray[np.bool_], axes: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Voxels whose neighbours along ``axes`` are all in ``mask``; what lies beyond the array is not."""
    inner = mask.copy()
    for axis in axes:
        here, kept = np.moveaxis(mask, axis, 0), np.moveaxis(inner, axis, 0)  # views
        kept[1:] &= here[:-1]
        kept[:-1] &= here[1:]
        kept[0] = kept[-1] = False
    return inner


def _place(under: Layer, box: Box) -> tuple[float, ...]:
    """Where the first voxel of ``box`` lies, in the coordinates of the layer's ``translate``."""
    return tuple(float(v) for v in np.asarray(under.translate) + np.asarray(under.scale) * box.start)


def _colours() -> Any:
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict=_COLOURS)
