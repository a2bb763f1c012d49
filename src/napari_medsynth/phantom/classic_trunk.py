"""The trunk that the classic organs lie in: a superelliptic cylinder with shoulders and a neck."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .catalogue import Structure
from .classic_paint import Sheet
from .frame import Frame

FloatArray = npt.NDArray[np.float32]


def paint_trunk(sheet: Sheet, entry: Structure, drawn: Mapping[str, Any], air: float) -> None:
    """Fill a sheet with a trunk in air.

    Its section is ``|y|³ + |x|³ <= w³``, where ``w`` is 1 up to the shoulders and falls to the neck's share above them.
    """
    frame, values, labels = sheet.frame, sheet.values, sheet.labels
    inside, outside = _section(frame, drawn, sheet.width)
    intensity = np.float32(drawn["intensity"] - air)
    shares = _shares(frame, entry)
    starts = np.flatnonzero(np.diff(shares, prepend=np.float32(-1)))  # most slices are alike: one run of them
    for start, stop in pairwise([*starts, len(shares)]):
        t = np.clip(shares[start] * inside - outside + np.float32(0.5), 0, 1)
        labels[start:stop] = np.multiply(t > 0.5, np.uint8(entry.label.value))
        values[start:stop] = t * t * (3 - 2 * t) * intensity + np.float32(air)


def _section(frame: Frame, drawn: Mapping[str, Any], width: float) -> tuple[FloatArray, FloatArray]:
    """Return the two maps ``(y, x)`` whose difference, the first times a share, is the depth inside in edge widths."""
    parts = []
    for axis in (1, 2):
        line = frame.lines()[axis] - np.float32(drawn["centre"][axis])
        parts.append((np.abs(line) * np.float32(2 / drawn["size"][axis]), drawn["size"][axis] / 2 / frame.step[axis]))
    (y, tall), (x, wide) = parts
    y, x = y[:, None], x[None]
    gauge = np.cbrt(np.maximum(y * y * y + x * x * x, np.float32(1e-6)))
    slope = np.sqrt((y * y / np.float32(tall)) ** 2 + (x * x / np.float32(wide)) ** 2) / (gauge * gauge)
    inside = 1 / np.maximum(slope * np.float32(width), np.float32(1e-6))
    return inside, gauge * inside


def _shares(frame: Frame, entry: Structure) -> FloatArray:
    """Return how wide the trunk is at each slice, relative to its full width."""
    shoulder, neck = entry.details["shoulder"], entry.details["neck"]
    above = np.clip((frame.lines()[0] - shoulder) / (0.5 - shoulder), 0, 1)
    return np.asarray(neck + (1 - neck) * np.sqrt(1 - above**2), dtype=np.float32)
