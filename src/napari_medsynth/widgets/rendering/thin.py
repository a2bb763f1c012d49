"""How much of a volume has to be made to see one slice of it: :func:`box_around`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.box import Box
from .where import Where

#: The scanner's voxels on both sides of the one looked at: what they and their neighbours see reaches no further.
MARGIN = 2


def box_around(where: Where, shape: Sequence[int], spacing: Sequence[float], params: Mapping[str, Any]) -> Box:
    """Return a box around a slice in which it looks as in the whole image.

    It ends where voxels of the scanner end, to the nearest voxel of the labels, so that thick slices lie where they do
    in the whole image.

    Parameters
    ----------
    where
        The slice, counted in the part that is rendered.
    shape
        Voxels of that part, ``(z, y, x)``.
    spacing
        Millimetres per voxel.
    params
        What the ``render`` step drew.
    """
    axis, size = where.axis, shape[where.axis]
    taken = params["channels"][0]["resolution"]
    voxel = spacing[axis] if taken is None else max(taken["voxel"][axis], spacing[axis])
    count = min(size, max(1, round(size * spacing[axis] / voxel)))
    ratio = size / count
    middle = int((where.index + 0.5) / ratio)
    first, last = max(middle - MARGIN, 0), min(middle + 1 + MARGIN, count)
    start, stop = [0] * len(shape), list(shape)
    start[axis], stop[axis] = round(first * ratio), round(last * ratio)
    return Box(tuple(start), tuple(stop))
