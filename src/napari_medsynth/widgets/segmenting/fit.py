"""Whether a model fits an image: :class:`Fit`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from ...core.errors import MedsynthError
from ...segmentation.fitting import misfit, obstacle
from ..background import in_background
from ..from_layer import volume_of

if TYPE_CHECKING:
    from napari.layers import Image

    from ...learning.card import ModelCard


class Fit(QObject):
    """Finds out in the background: a layer may have to be read for it.

    Parameters
    ----------
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    misfit
        Why the model does not fit; empty if it does, or nobody knows yet.
    can_run
        Whether it could be run nevertheless.
    problem
        Why the layer is no image for any model.
    changed : Signal()
        It was found out.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.misfit = self.problem = ""
        self.can_run = False
        self._asked = self._known = 0

    @property
    def is_busy(self) -> bool:
        """Whether it is being found out."""
        return self._asked != self._known

    def ask(self, layer: Image | None, card: ModelCard | None) -> None:
        """Find out about another layer or model."""
        self.misfit = self.problem = ""
        self._asked += 1
        if layer is None or card is None:
            self._known = self._asked
            return
        call = partial(_misfit, layer, card)
        in_background(self, call, partial(self._on_known, self._asked), partial(self._on_failed, self._asked))

    def _on_known(self, number: int, found: tuple[str, bool]) -> None:
        if number == self._asked:
            self._known = number
            self.misfit, self.can_run = found
            self.changed.emit()

    def _on_failed(self, number: int, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        if number == self._asked:
            self._known, self.problem = number, str(error)
            self.changed.emit()


def _misfit(layer: Image, card: ModelCard) -> tuple[str, bool]:
    image = volume_of(layer)
    return misfit(card, image), not obstacle(card, image)
