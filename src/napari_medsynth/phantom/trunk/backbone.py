"""The line that the spine follows: :class:`Backbone`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .part import Part

FloatArray = npt.NDArray[np.floating]

TOP = 312.0  #: z of the first thoracic vertebra's upper face; where it lies does not depend on how tall a body is
_BEYOND = 40, 165  #: mm of the line above that, and below the last lumbar disc
_APEX, _APEX_Y = 14.6, 12.0  #: how many vertebrae down the line comes furthest to the front, and its y there
_SEGMENT = 20.0  #: mm of the line between the tilts that are given for the sacrum


class Backbone:
    """The line through the middles of the vertebral bodies, in the sagittal plane.

    Parameters
    ----------
    vertebrae
        T1 to L5. Their sizes and discs say how the length is shared; the whole keeps its length.
    sacrum
        Gives the tilts of what lies below.
    bend
        How much of the usual kyphosis and lordosis there is.

    Attributes
    ----------
    tops
        ``(18,)``: mm along the line from the first vertebra's upper face to that of each vertebra and the sacrum.
    heights
        ``(17,)``: height of each vertebral body.
    """

    def __init__(self, vertebrae: Sequence[Part], sacrum: Part, bend: float) -> None:
        self.vertebrae, self.sacrum = tuple(vertebrae), sacrum
        heights = np.array([p.entry.size[0] * p.size[0] for p in vertebrae])
        pitch = heights + [p.details["disc"] * p.size[0] for p in vertebrae]
        share = sum(p.entry.size[0] + p.details["disc"] for p in vertebrae) / pitch.sum()
        self.heights = heights * share
        self.tops = np.concatenate(([0.0], np.cumsum(pitch * share)))
        below = self.tops[-1] + _SEGMENT * np.arange(len(sacrum.details["tilts"]))
        tilts = [*(bend * p.details["tilt"] for p in vertebrae), *sacrum.details["tilts"]]
        self._s = np.arange(-_BEYOND[0], self.tops[-1] + _BEYOND[1])
        self._tilt = np.deg2rad(np.interp(self._s, [*self.middles, *below], tilts))
        fall, run = np.cumsum(np.cos(self._tilt)), np.cumsum(np.sin(self._tilt))
        self._z = TOP + fall[_BEYOND[0]] - fall
        apex = np.interp(_APEX, np.arange(len(self.tops)), self.tops)
        self._y = _APEX_Y + run - np.interp(apex, self._s, run)

    @property
    def middles(self) -> npt.NDArray[np.float64]:
        """``(17,)``: mm along the line to the middle of each vertebral body."""
        return np.asarray(self.tops[:-1] + self.heights / 2)

    def heights_of(self, s: FloatArray) -> FloatArray:
        """Return ``z`` of places along the line."""
        return np.asarray(np.interp(s, self._s, self._z))

    def middle(self, z: FloatArray) -> FloatArray:
        """Return where the line lies along ``y`` at each height."""
        return np.asarray(np.interp(z, self._z[::-1], self._y[::-1]), dtype=np.float32)

    def straightened(self, z: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how far along the line, and how far behind it, places of the sagittal plane lie."""
        s = np.interp(z, self._z[::-1], self._s[::-1]) + 0 * y
        for _ in range(2):
            tilt, dz, dy = self._from(s, z, y)
            s = s - np.cos(tilt) * dz + np.sin(tilt) * dy
        tilt, dz, dy = self._from(s, z, y)
        return s.astype(np.float32), (np.sin(tilt) * dz + np.cos(tilt) * dy).astype(np.float32)

    def _from(self, s: FloatArray, z: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        tilt = np.interp(s, self._s, self._tilt)
        return tilt, z - np.interp(s, self._s, self._z), y - np.interp(s, self._s, self._y)
