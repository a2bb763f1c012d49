"""Which scan is worked on, and whether lesions are being placed in it: :class:`Desk`, without Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from .keys import Keys, nudge
from .placer import Placer
from .pointer import Pointer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


class Desk:
    """Keeps a :class:`Placer` for each scan, and gives mouse and keys to the one that is worked on.

    Parameters
    ----------
    viewer
        The viewer.
    redraw
        What the key R does.

    Attributes
    ----------
    changed : Signal()
        Ghost, lesions, scan or mode have changed.
    told : Signal(str)
        One line for the person.
    """

    changed = Signal()
    told = Signal(str)

    def __init__(self, viewer: ViewerModel, redraw: Callable[[], None]) -> None:
        self.viewer = viewer
        self.placer: Placer | None = None
        self.busy = ""  #: what keeps lesions from being placed or taken out just now
        self._placers: dict[Layer, Placer] = {}
        self._pointer: Pointer | None = None
        calls: dict[str, Callable[..., Any]] = {
            "place": self.commit,
            "redraw": redraw,
            "stop": self.stop,
            "undo": self.undo,
            "redo": self.redo,
            "nudge": self.nudge,
        }
        self._keys = Keys(viewer, calls)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def is_placing(self) -> bool:
        """Whether clicks in the canvas place the ghost."""
        return self._pointer is not None

    @property
    def made_layers(self) -> tuple[Layer, ...]:
        """The layers that lesions were placed into."""
        return tuple(layer for placer in self._placers.values() for layer in placer.outputs.layers)

    def open(self, layer: Image | None) -> bool:
        """Work on this scan from now on; True if it is a new one. Raises as :class:`Placer` does."""
        self.stop()
        self.placer = None
        new = layer is not None and layer not in self._placers
        if layer is not None:
            self.placer = self._placers.get(layer) or self._made(layer)
        self.changed.emit()
        return new

    def start(self) -> None:
        """Let clicks place the ghost."""
        if self.placer is not None:
            self.placer.select_scan()
        if self.placer is not None and not self.is_placing:
            self._pointer = Pointer(self.placer, self.told.emit)
            self._pointer.attach()
            self._keys.bind()
        self.changed.emit()

    def stop(self) -> None:
        """Put the ghost away and give mouse and keys back."""
        if self._pointer is not None:
            self._pointer.detach()
            self._pointer = None
            self._keys.release()
        if self.placer is not None:
            self.placer.ghost.source = None
            self.placer.hide()
        self.changed.emit()

    def commit(self) -> None:
        """Place the ghost, if it has a place."""
        if self.placer is not None and not self.busy and self.placer.ghost.is_shown:
            self.placer.commit()

    def undo(self) -> None:
        """Take the last thing that was done back."""
        if self.placer is not None and not self.busy:
            self.placer.undo()

    def redo(self) -> None:
        """Do what was undone again."""
        if self.placer is not None and not self.busy:
            self.placer.redo()

    def remove(self, instance: int) -> None:
        """Take a lesion out."""
        if self.placer is not None and not self.busy:
            self.placer.remove(instance)

    def nudge(self, rows: int, columns: int, slices: int) -> None:
        """Move the ghost by voxels along the view's rows, columns and slices."""
        if self.placer is not None:
            nudge(self.placer, rows, columns, slices)

    def set_busy(self, reason: str) -> None:
        """Say what keeps lesions from being placed or taken out; nothing any more if empty."""
        self.busy = reason
        self.changed.emit()

    def close(self) -> None:
        """Give everything back to the viewer; what was placed stays."""
        self.stop()
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        for placer in self._placers.values():
            placer.close()
        self._placers = {}
        self.placer = None

    def _made(self, layer: Image) -> Placer:
        placer = Placer(self.viewer, layer)
        placer.ghost_changed.connect(self.changed.emit)
        placer.lesions_changed.connect(partial(self._bind_undo, placer))
        self._placers[layer] = placer
        return placer

    def _bind_undo(self, placer: Placer) -> None:
        """Make Ctrl+Z undo lesions also while their own labels layer is selected, which has an undo of its own."""
        layer = placer.outputs.instances
        if layer is not None and "Ctrl+Z" not in {str(key) for key in layer.keymap}:
            layer.bind_key("Control-Z", lambda _: self.undo())
            layer.bind_key("Control-Shift-Z", lambda _: self.redo())
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        """Forget a scan that was taken out of the viewer, or whose lesions were."""
        for layer, placer in list(self._placers.items()):
            if event.value is layer or event.value in placer.outputs.layers:
                if placer is self.placer:
                    self.stop()
                    self.placer = None
                del self._placers[layer]
                placer.close()
                self.told.emit(f"{event.value.name!r} was removed: its lesions can no longer be changed.")
        self.changed.emit()
