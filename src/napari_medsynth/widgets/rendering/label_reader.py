"""The labels of a layer, read beside the viewer whenever they change: :class:`LabelReader`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from ...core.case import Case
from ...core.progress import Job, Progress
from ...core.schemes import scheme, scheme_names
from ...rendering.presets import preset, preset_names
from ...rendering.step import Render
from ..background import in_background
from ..controls import later
from ..layers import labels_of
from .studio import Studio

if TYPE_CHECKING:
    from napari.layers import Labels

_REST_MS = 300  #: a brush that paints rests no longer than this


class LabelReader(QObject):
    """Follows a labels layer and reads it anew when it was painted on, or a stroke was taken back.

    Parameters
    ----------
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    changed : Signal()
        There is another :attr:`studio`, or none.
    failed : Signal(Exception)
        The layer cannot be read.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.layer: Labels | None = None
        self.studio: Studio | None = None
        self._number = 0
        self._pending = 0
        self._again = later(self, self._read)
        self._again.setInterval(_REST_MS)

    @property
    def is_busy(self) -> bool:
        """Whether the layer is being read, or is about to be."""
        return bool(self._pending) or self._again.isActive()

    def follow(self, layer: Labels | None) -> None:
        """Read this layer from now on; None if there is none."""
        if layer is self.layer:
            return
        for event in self._events():
            event.disconnect(self._on_painted)
        self.layer, self.studio = layer, None
        self._number += 1
        for event in self._events():
            event.connect(self._on_painted)
        self.changed.emit()
        self._read()

    def close(self) -> None:
        """Listen to the layer no longer."""
        for event in self._events():
            event.disconnect(self._on_painted)
        self.layer = None
        self._number += 1

    def _events(self) -> list[Any]:
        if self.layer is None:
            return []
        events = self.layer.events
        return [events.paint, events.data, events.set_data]  # undo sends but the last one, as looking elsewhere does

    def _on_painted(self) -> None:
        self._again.start()

    def _read(self) -> None:
        if self.layer is None:
            return
        self._number += 1
        self._pending += 1
        call = partial(_studio_of, self.layer, self.studio)
        in_background(self, call, partial(self._on_read, self._number), partial(self._on_failed, self._number))

    def _on_read(self, number: int, studio: Studio) -> None:
        self._pending -= 1
        if number == self._number and studio is not self.studio:
            self.studio = studio
            self.changed.emit()

    def _on_failed(self, number: int, error: Exception) -> None:
        self._pending -= 1
        if number == self._number:
            self.studio = None
            self.failed.emit(error)


def making(layer: Labels, step: Render, seed: int) -> Job[Case]:
    """Make the image of a layer's labels as they are by then, in full: events may not have told of all changes."""
    yield Progress(0, 1, "reading the labels")
    return (yield from Studio(labels_of(layer)).making(step, seed))


def _studio_of(layer: Labels, before: Studio | None) -> Studio:
    """Return the studio of a layer; ``before`` if nothing has changed."""
    for name in scheme_names():  # their files are read here, and not in the viewer's thread
        scheme(name)
    for name in preset_names():
        preset(name)
    studio = Studio(labels_of(layer))
    return before if before is not None and before.is_of(studio.labels) else studio
