"""Keeps the slice that is looked at up with the hand: :class:`Live`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from ...rendering.step import Render
from ..previewer import Previewer
from .draws import Draws
from .pictures import EMPTY, Picture, picture_of
from .preview import Preview
from .studio import Draft, Studio
from .where import Where, looked_at

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels


@dataclass(frozen=True)
class Wish:
    """What is to be seen: an image of a layer's labels."""

    layer: Labels
    studio: Studio
    step: Render
    seed: int


class Live(QObject):
    """The preview layer and the strip of other draws, for the slice that the viewer shows.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    drafted : Signal(Draft)
        A slice is shown.
    failed : Signal(Exception)
        It cannot be made.
    """

    drafted = Signal(object)
    failed = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._wish: Wish | None = None
        self._where: Where | None = None
        self._stop = threading.Event()
        self.preview, self.previewer = Preview(viewer), Previewer(self)
        self.draws = Draws(lambda: self.previewer.is_busy)
        self.previewer.made.connect(self._on_made)
        self.previewer.failed.connect(self.failed)
        for event in self._events():
            event.connect(self._on_view)

    def show(self, wish: Wish | None) -> None:
        """Show this from now on; None takes the preview away."""
        other = wish is None or self._wish is None or (wish.studio, wish.step) != (self._wish.studio, self._wish.step)
        self._wish = wish
        self._ask()
        if other:
            self._redraw()

    def rest(self) -> None:
        """Take the preview away until :meth:`show` is called again; the strip stays."""
        self._wish = None
        self._ask()

    def close(self) -> None:
        """Take the preview away and listen no longer."""
        self._stop.set()
        for event in self._events():
            event.disconnect(self._on_view)
        self.preview.remove()

    def _events(self) -> list[Any]:
        events = self._viewer.dims.events
        return [events.point, events.order, events.ndisplay]

    def _on_view(self) -> None:
        if self._wish is not None and self._looked_at() != self._where:
            self._ask()
            self._redraw()

    def _looked_at(self) -> Where | None:
        wish = self._wish
        return None if wish is None else looked_at(self._viewer, wish.layer, wish.studio.labels.shape)

    def _ask(self) -> None:
        """Have the slice made, at once in a thin box and, where that is not the whole truth, out of the whole image."""
        self._stop.set()
        self._stop = threading.Event()
        wish, self._where = self._wish, self._looked_at()
        if wish is None:
            self.previewer.forget()
            self.preview.remove()
        elif self._where is None:
            self.previewer.forget()
            self.preview.hide()
        else:
            call = partial(_thin, wish, self._where)
            self.previewer.ask(call, partial(_whole, wish, self._where, self._stop))

    def _redraw(self) -> None:
        wish, where = self._wish, self._where
        self.draws.show_with(None if wish is None or where is None else partial(_picture, wish, where))

    def _on_made(self, made: tuple[Wish, Draft | None]) -> None:
        wish, draft = made
        if draft is None:  # the first one was exact, or a hand moved on
            return
        if draft.array is None:
            self.preview.hide()
        else:
            self.preview.show(draft.array, draft.start, wish.layer, wish.studio.modality(wish.step))
        self.drafted.emit(draft)


def _thin(wish: Wish, where: Where) -> tuple[Wish, Draft]:
    return wish, wish.studio.draft(wish.step, wish.seed, where)


def _whole(wish: Wish, where: Where, stop: threading.Event) -> tuple[Wish, Draft | None]:
    return wish, wish.studio.exact(wish.step, wish.seed, where, stop)


def _picture(wish: Wish, where: Where, seed: int) -> Picture:
    array = wish.studio.draft(wish.step, seed, where).array
    return EMPTY if array is None else picture_of(array, where, wish.studio.labels.spacing)
