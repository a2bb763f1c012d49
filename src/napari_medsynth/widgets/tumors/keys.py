"""Keys in the canvas while lesions are placed: :class:`Keys`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .placer import Placer

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: What each key does, as :class:`Keys` is told to call it.
ACTIONS = {
    "Enter": "place",
    "R": "redraw",
    "Escape": "stop",
    "Control-Z": "undo",
    "Control-Shift-Z": "redo",
    "Control-Y": "redo",
}

#: Rows, columns and slices of the view that an arrow moves the ghost by.
ARROWS = {
    "Up": (-1, 0, 0),
    "Down": (1, 0, 0),
    "Left": (0, -1, 0),
    "Right": (0, 1, 0),
    "PageUp": (0, 0, 1),
    "PageDown": (0, 0, -1),
}


class Keys:
    """Binds keys of a viewer while lesions are placed, and then gives back what they did before.

    Parameters
    ----------
    viewer
        The viewer.
    calls
        What to call for each action: ``place``, ``redraw``, ``stop``, ``undo``, ``redo``, and ``nudge`` with rows,
        columns and slices.
    """

    def __init__(self, viewer: ViewerModel, calls: Mapping[str, Callable[..., Any]]) -> None:
        self._viewer = viewer
        self._calls = calls
        self._before: dict[str, Any] = {}

    @property
    def are_bound(self) -> bool:
        """Whether the keys are bound now."""
        return bool(self._before)

    def bind(self) -> None:
        """Bind the keys."""
        if self.are_bound:
            return
        for key, action in ACTIONS.items():
            self._bind(key, self._calls[action])
        for key, way in ARROWS.items():
            self._bind(key, partial(self._calls["nudge"], *way))

    def release(self) -> None:
        """Give the keys back."""
        for key, function in self._before.items():
            self._viewer.bind_key(key, function, overwrite=True)
        self._before = {}

    def _bind(self, key: str, call: Callable[[], Any]) -> None:
        def pressed(_viewer: ViewerModel) -> None:
            call()

        self._before[key] = self._viewer.bind_key(key, pressed, overwrite=True)


def nudge(placer: Placer, rows: int, columns: int, slices: int) -> None:
    """Move the ghost by voxels along the rows and columns of the view, or by slices, which the view follows."""
    dims = placer.viewer.dims
    first = dims.ndim - 3
    order = [axis - first for axis in dims.order if axis >= first]  # the scan's axes: slices, rows, columns
    step = [0, 0, 0]
    for axis, count in zip(order, (slices, rows, columns), strict=True):
        step[axis] = count * (1 if placer.layer.scale[axis] > 0 else -1)
    placer.nudge(step)
    if slices and placer.ghost.centre is not None and dims.ndisplay == 2:
        world = placer.layer.data_to_world(placer.ghost.centre)
        dims.set_point(order[0] + first, world[-3:][order[0]])
