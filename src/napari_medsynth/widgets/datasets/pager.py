"""Reads cases beside the viewer, the one that is wanted now: :class:`Pager`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from ..background import in_background
from ..layers import LayerData
from .case_layers import layers_of

if TYPE_CHECKING:
    from ...datasets.reader import Split


@dataclass(frozen=True, eq=False)
class Page:
    """A case that was read, as layers."""

    split: Split
    index: int
    layers: list[LayerData]


class Pager(QObject):
    """Reads one case at a time in a worker thread; of several wishes meanwhile, the last one counts.

    Parameters
    ----------
    parent
        Whose lifetime it shares.

    Attributes
    ----------
    arrived : Signal(Page)
        A case was read. While a slider is being dragged, this may be one that was wanted a moment ago.
    failed : Signal(Exception)
        The case that is wanted cannot be read.
    """

    arrived = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted: tuple[Split, int] | None = None
        self._reading: tuple[Split, int] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is being read."""
        return self._reading is not None

    def want(self, split: Split, index: int) -> None:
        """Read a case as soon as may be."""
        self._wanted = (split, index)
        self._go_on()

    def want_none(self) -> None:
        """Forget what was wanted; what is being read is dropped."""
        self._wanted = None

    def _go_on(self) -> None:
        if self._wanted is None or self._reading is not None:
            return
        split, index = self._reading = self._wanted
        in_background(self, partial(layers_of, split, index), self._on_read, self._on_error)

    def _on_read(self, layers: list[LayerData]) -> None:
        done, self._reading = self._reading, None
        wanted = self._wanted
        if done is not None and wanted is not None and done[0] is wanted[0]:
            if done == wanted:
                self._wanted = None
            self.arrived.emit(Page(*done, layers))
        self._go_on()

    def _on_error(self, error: Exception) -> None:
        done, self._reading = self._reading, None
        if done == self._wanted:
            self._wanted = None
            self.failed.emit(error)
        self._go_on()
