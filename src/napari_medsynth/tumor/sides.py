"""Which lung is which, also where the two touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .regions import IN_PLANE, Mask, dilated, eroded

RIGHT, LEFT = 1, 2
Sides = npt.NDArray[np.uint8]

#: The smaller lung holds this share of the larger at least; less is a part of one lung that was cut off.
_SMALLER = 0.12
#: Lungs touch along sheets a few mm thick; what holds together after this much erosion, in mm, is one lung.
_DEEPEST = 16.0


def tell_sides(lungs: Mask, middle: float, spacing: Sequence[float]) -> Sides:
    """Name every voxel of ``lungs`` by its side of the patient: 1 right, 2 left.

    Parameters
    ----------
    lungs
        ``(z, y, x)`` lung air without the airways; axes to the head, the back and the left.
    middle
        Column about which the body lies, for a patient with one lung.
    spacing
        Voxels in mm.

    Returns
    -------
    sides
        0, 1 and 2. Where there is one lung only, it is named after the side on which less of the body lies.
    """
    from scipy import ndimage

    labels, _ = ndimage.label(lungs)
    pair = _pair(labels) or _torn_pair(lungs, spacing)
    if pair is None:
        side = RIGHT if _centre_x(lungs) < middle else LEFT
        return lungs * np.uint8(side)
    return _grown(pair, lungs)


def _pair(labels: npt.NDArray[np.int32]) -> tuple[Mask, Mask] | None:
    """Return the two largest components, right one first, if they lie side by side."""
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    if len(sizes) < 3:
        return None
    second, first = np.argsort(sizes)[-2:]
    if sizes[second] < _SMALLER * sizes[first]:
        return None
    pair = labels == first, labels == second
    if not _side_by_side(*pair):
        return None
    return pair if _centre_x(pair[0]) < _centre_x(pair[1]) else (pair[1], pair[0])


def _side_by_side(one: Mask, other: Mask) -> bool:
    """Whether the two share half of the smaller one's height, and are apart there by a fifth of their common width."""
    slices_a, slices_b = one.any(axis=(1, 2)), other.any(axis=(1, 2))
    shared = slices_a & slices_b
    if shared.sum() < 0.5 * min(slices_a.sum(), slices_b.sum()):
        return False
    columns = (one[shared] | other[shared]).any(axis=(0, 1))
    width = np.ptp(np.flatnonzero(columns)) + 1
    return bool(abs(_centre_x(one[shared]) - _centre_x(other[shared])) > 0.2 * width)


def _centre_x(mask: Mask) -> float:
    columns = mask.sum(axis=(0, 1))
    return float(np.average(np.arange(mask.shape[2]), weights=columns))


def _torn_pair(lungs: Mask, spacing: Sequence[float]) -> tuple[Mask, Mask] | None:
    """Erode until the lungs come apart, then let each grow back as far as it was eroded."""
    from scipy import ndimage

    core = lungs
    for depth in range(1, 1 + round(_DEEPEST / min(spacing[1:]))):
        core = eroded(core, IN_PLANE)  # the sheets that join lungs run up and to the back
        labels, count = ndimage.label(core)
        pair = _pair(labels) if count > 1 else None
        if pair is not None:
            right, left = pair
            for _ in range(depth):
                right = dilated(right, IN_PLANE) & lungs & ~left
                left = dilated(left, IN_PLANE) & lungs & ~right
            return right, left
    return None


def _grown(pair: tuple[Mask, Mask], lungs: Mask) -> Sides:
    """Give what belongs to neither yet to the one that it touches most, else to the one whose middle is nearer."""
    from scipy import ndimage

    sides = pair[0] * np.uint8(RIGHT) + pair[1] * np.uint8(LEFT)
    rest, count = ndimage.label(lungs & (sides == 0))
    if count == 0:
        return sides
    touch = [np.bincount(rest[dilated(p)], minlength=count + 1) for p in pair]
    middle = (_centre_x(pair[0]) + _centre_x(pair[1])) / 2
    centres = np.array([c[2] for c in ndimage.center_of_mass(rest > 0, rest, range(1, count + 1))])
    to_left = np.concatenate([[False], centres > middle])
    to_left = np.where(touch[0] == touch[1], to_left, touch[1] > touch[0])
    return np.where(rest > 0, np.where(to_left[rest], np.uint8(LEFT), np.uint8(RIGHT)), sides)
