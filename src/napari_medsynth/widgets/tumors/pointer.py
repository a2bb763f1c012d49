"""The mouse in the canvas: a click brings the ghost, a drag that begins on it moves it, any other drag pans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.errors import HostError
from .placer import Placer

if TYPE_CHECKING:
    from napari.components import ViewerModel

Point = npt.NDArray[np.float64]

_LEFT = 1
_CLICK_PIXELS = 4.0  #: a hand that clicks moves the mouse no further
_RAY_SAMPLES = 512


class Pointer:
    """Lets a person place the ghost with the mouse, in slices along any axis and in 3D.

    In 3D a click goes to the middle of the longest way through the organ under the cursor; without an organ, to the
    depth that the ghost has. A drag moves the ghost in the plane of the screen.

    Parameters
    ----------
    placer
        Whose ghost it moves.
    tell
        Is given one line when a click does nothing, or nothing to say when it does.
    """

    def __init__(self, placer: Placer, tell: Callable[[str], None]) -> None:
        self._placer = placer
        self._tell = tell

    def attach(self) -> None:
        """Listen to the viewer's mouse."""
        if self.on_drag not in self._placer.viewer.mouse_drag_callbacks:
            self._placer.viewer.mouse_drag_callbacks.append(self.on_drag)

    def detach(self) -> None:
        """Listen no longer."""
        if self.on_drag in self._placer.viewer.mouse_drag_callbacks:
            self._placer.viewer.mouse_drag_callbacks.remove(self.on_drag)

    def on_drag(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Follow the mouse from press to release, as napari's drag callbacks do."""
        if event.button != _LEFT or event.modifiers or not _is_free(viewer):
            return
        ghost = self._placer.ghost
        pressed, centre = np.array(event.pos, dtype=float), ghost.centre
        from_ = self._under(event)
        grabbed = centre is not None and self._is_on_ghost(event)
        event.handled = grabbed  # so that the camera does not pan
        yield
        moved = False
        while event.type == "mouse_move":
            moved = moved or bool(np.linalg.norm(np.array(event.pos, dtype=float) - pressed) > _CLICK_PIXELS)
            if grabbed and moved and centre is not None:
                self._drag(np.asarray(centre) + self._under(event) - from_)
            event.handled = grabbed
            yield
        event.handled = grabbed
        if not moved:
            self._click(event)
        elif grabbed and centre is not None:  # the last moves may not have been told
            self._drag(np.asarray(centre) + self._under(event) - from_)

    def _click(self, event: Any) -> None:
        self._placer.select_scan()
        try:
            self._placer.place((self._in_organ(event) if _is_3d(event) else self._under(event)).tolist())
        except HostError as error:
            self._tell(str(error))
        else:
            self._tell("")

    def _drag(self, to: Point) -> None:
        """Move the ghost as near to a place as it gets inside the scan."""
        last = np.asarray(self._placer.session.image.shape) - 1
        self._placer.place(np.clip(to, 0, last).tolist())

    def _under(self, event: Any) -> Point:
        """Return what lies under the cursor, ``(z, y, x)``; in 3D, at the depth of the ghost."""
        position = np.asarray(event.position, dtype=float)
        if _is_3d(event):
            shape = self._placer.session.image.shape
            centre = self._placer.ghost.centre or tuple(n // 2 for n in shape)
            aim = position.copy()
            aim[-3:] = self._placer.layer.data_to_world(centre)[-3:]
            along = np.asarray(event.view_direction, dtype=float)
            position += along * np.dot(aim - position, along)
        return np.asarray(self._placer.layer.world_to_data(position)[-3:], dtype=float)

    def _is_on_ghost(self, event: Any) -> bool:
        return self._placer.ghost.covers(self._ray(event) if _is_3d(event) else self._under(event))

    def _in_organ(self, event: Any) -> Point:
        """Return the middle of the longest way through the organ under the cursor."""
        host, ray = self._placer.host, self._ray(event)
        if len(ray) == 0:
            raise HostError("the click missed the scan; expected a place on it")
        if host is None:
            return self._under(event)
        inside = host.labels.array[tuple(np.rint(ray).astype(int).T)] != 0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        starts, stops = edges[::2], edges[1::2]
        if len(starts) == 0:
            raise HostError("there is no organ under the click; expected a place on it")
        longest = int(np.argmax(stops - starts))
        return np.asarray(ray[(starts[longest] + stops[longest]) // 2], dtype=float)

    def _ray(self, event: Any) -> Point:
        """Return places ``(n, 3)`` in the scan under the cursor, from near to far; none if it is not on the scan."""
        layer = self._placer.layer
        displayed = list(event.dims_displayed)
        near, far = layer.get_ray_intersections(list(event.position), np.asarray(event.view_direction), displayed)
        if near is None or far is None:
            return np.zeros((0, 3))
        share = np.linspace(0, 1, _RAY_SAMPLES)[:, None]
        points = np.asarray(near)[-3:] * (1 - share) + np.asarray(far)[-3:] * share
        return np.asarray(np.clip(points, 0, np.asarray(self._placer.session.image.shape) - 1), dtype=float)


def _is_3d(event: Any) -> bool:
    return len(event.dims_displayed) == 3


def _is_free(viewer: ViewerModel) -> bool:
    """Whether the mouse is not in use for painting, moving points and so on."""
    active = viewer.layers.selection.active
    return active is None or str(active.mode) == "pan_zoom"
