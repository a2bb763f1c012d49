"""Where two label maps differ, over the image: :class:`Overlay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..layers import unique_name
from ..metadata import KEY
from ..previews import placement, selection_kept
from .comparing import EXTRA, MISSED, OTHER, Compared

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

#: Of Okabe and Ito's palette, which people with colour blindness can tell apart too (Nature Methods 8, 441, 2011).
COLOURS = {MISSED: (0.90, 0.62, 0.0), EXTRA: (0.0, 0.45, 0.70), OTHER: (0.80, 0.47, 0.65)}
NAMES = {MISSED: "missed", EXTRA: "extra", OTHER: "another structure"}

_OPACITY = 0.8


class Overlay:
    """A labels layer of its own, tagged as a preview: replaced by the next comparison, and taken away at the end.

    Parameters
    ----------
    viewer
        Where it is shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None

    @property
    def layer(self) -> Labels | None:
        """The layer; None if there is none, or a person took it away."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def show(self, compared: Compared, like: Labels) -> None:
        """Show what differs, on the voxels of a layer; what was shown before is taken away."""
        self.remove()
        name = unique_name(self._viewer.layers, f"{like.name} differences")
        kinds = list(NAMES)
        features: dict[str, list[Any]] = {"index": kinds, "name": list(NAMES.values())}
        with selection_kept(self._viewer):
            self._layer = self._viewer.add_labels(
                compared.overlay,
                name=name,
                colormap=_colours(),
                opacity=_OPACITY,
                features=features,
                metadata={KEY: {"preview": True, "role": "differences"}},
                **placement(like),
            )
            self._layer.editable = False

    def set_visible(self, wanted: bool) -> None:
        """Show or hide it."""
        if self.layer is not None:
            self.layer.visible = wanted

    def remove(self) -> None:
        """Take it out of the viewer."""
        if self.layer is not None:
            self._viewer.layers.remove(self._layer)
        self._layer = None


def _colours() -> Any:
    from napari.utils.colormaps import DirectLabelColormap

    clear = (0.0, 0.0, 0.0, 0.0)
    colours: dict[int | None, Any] = {kind: (*colour, 1.0) for kind, colour in COLOURS.items()}
    return DirectLabelColormap(color_dict={None: clear, 0: clear, **colours})
