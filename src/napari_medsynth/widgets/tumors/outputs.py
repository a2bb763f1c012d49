"""The layers that lesions are placed into: :class:`Outputs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.volume import Volume
from ...tumor.truth import instance_table
from ..layers import history_of, image_layer_data, unique_name, with_history
from ..metadata import KEY, LayerInfo
from ..previews import look, placement, selection_kept
from .session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer


class Outputs:
    """A new image layer and a new instance labels layer, over the scan that they were made from.

    They are made with the first lesion and show the session's own arrays. The scan's layer is never changed.

    Parameters
    ----------
    viewer
        Where to show them.
    source
        The scan's layer.
    session
        Its lesions.
    """

    def __init__(self, viewer: ViewerModel, source: Image, session: Session) -> None:
        self._viewer = viewer
        self._source = source
        self._session = session
        self.image: Image | None = None
        self.instances: Labels | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that were made; none before the first lesion."""
        return tuple(layer for layer in (self.image, self.instances) if layer is not None)

    def show(self, names: dict[int, str]) -> None:
        """Show the session's voxels as they are now, with their history.

        Parameters
        ----------
        names
            What each lesion was made of.
        """
        if self.image is None or self.instances is None:
            self._make()
        history = (*history_of(self._source), *self._session.records())
        for layer in self.layers:
            with_history(layer, history)
            layer.refresh()
        if self.instances is not None:
            self._name_lesions(self.instances, names)

    def _make(self) -> None:
        source, session = self._source, self._session
        working = Volume(session.voxels, session.image.affine, session.image.modality)
        _, about, _ = image_layer_data(working, name=source.name, like=source)
        image_info = LayerInfo.from_json(about["metadata"][KEY])
        at = placement(source)
        with selection_kept(self._viewer):
            self.image = self._viewer.add_image(
                session.voxels,
                **at,
                name=unique_name(self._viewer.layers, f"{source.name} + tumors"),
                metadata={KEY: image_info.to_json()},
                **look(source),
            )
            self.instances = self._viewer.add_labels(
                session.instances,
                **at,
                name=unique_name(self._viewer.layers, f"{source.name} tumors"),
                metadata={KEY: {**image_info.to_json(), "role": "instances", "modality": ""}},
                opacity=0.5,
            )
            self.instances.contour = 1
        for offset, layer in enumerate(self.layers):  # over the scan, and under previews and what a person put on top
            here, wanted = self._viewer.layers.index(layer), self._viewer.layers.index(source) + 1 + offset
            self._viewer.layers.move(here, wanted)

    @staticmethod
    def _name_lesions(layer: Labels, names: dict[int, str]) -> None:
        """Name the lesions for hovering, for napari's features table and for files."""
        layer.features = {"index": list(names), "name": [f"tumor {n}" for n in names], "seed": list(names.values())}
        table = instance_table(np.array([max(names, default=0)]))
        layer.metadata = {**layer.metadata, KEY: {**layer.metadata[KEY], "table": table.to_json()}}
