"""Growing, shrinking, closing and filling of masks by whole voxels.

Shifted copies of a boolean array are ten times as fast here as the general routines of SciPy, and a mask that
meets the edge of the image is taken to go on behind it, as a lung in a clipped field of view does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
IN_PLANE = (1, 2)


def dilated(mask: Mask, axes: Iterable[int] = (0, 1, 2)) -> Mask:
    """Return ``mask`` grown by one voxel to both sides along each of ``axes``, not diagonally."""
    out = mask.copy()
    for axis in axes:
        ahead, behind = _shifts(mask.ndim, axis)
        out[ahead] |= mask[behind]
        out[behind] |= mask[ahead]
    return out


def eroded(mask: Mask, axes: Iterable[int] = (0, 1, 2)) -> Mask:
    """Return ``mask`` without the voxels that have background beside them along one of ``axes``."""
    return ~dilated(~mask, axes)


def closed(mask: Mask, steps: Sequence[int]) -> Mask:
    """Close gaps narrower than twice so many voxels along ``(z, y, x)``, with a shape between a ball and a box."""
    padded = np.pad(mask, [(n, n) for n in steps], mode="edge")
    out = ~_grown(~_grown(padded, steps), steps)
    return np.asarray(out[tuple(slice(n, size - n) for n, size in zip(steps, out.shape, strict=True))])


def _grown(mask: Mask, steps: Sequence[int]) -> Mask:
    """Grow by so many voxels along each axis; steps with and without diagonals in turn make an octagon."""
    for step in range(max(steps)):
        axes = [n for n, most in enumerate(steps) if step < most]
        if step % 2:
            mask = dilated(mask, axes)
        else:
            for axis in axes:
                mask = dilated(mask, (axis,))
    return mask


def filled(mask: Mask, small: float, spacing: Sequence[float]) -> Mask:
    """Fill what ``mask`` encloses on all sides, and in an axial slice holes of at most ``small`` mm².

    The limit keeps the dome of the liver out, which lung surrounds in a slice though it is open to below.
    """
    from scipy import ndimage

    plane = ndimage.generate_binary_structure(3, 1)
    plane[[0, 2]] = False
    holes, count = ndimage.label(~mask, plane)
    sizes = np.bincount(holes.reshape(-1), minlength=count + 1) * (spacing[1] * spacing[2])
    for edge in (holes[:, 0], holes[:, -1], holes[:, :, 0], holes[:, :, -1]):
        sizes[np.unique(edge)] = np.inf
    sizes[0] = 0
    mask = mask | (sizes <= small)[holes]
    return mask | _enclosed(mask)


def _enclosed(mask: Mask) -> Mask:
    from scipy import ndimage

    holes, count = ndimage.label(~mask)
    inside = np.ones(count + 1, dtype=bool)
    inside[0] = False
    for axis in range(3):
        for end in (0, -1):
            inside[np.unique(np.take(holes, end, axis=axis))] = False
    return np.asarray(inside[holes])


def without_specks(mask: Mask, share: float) -> Mask:
    """Keep the components that have at least ``share`` of the voxels of the largest."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    kept = (sizes >= share * sizes.max()) & (sizes > 0)
    return np.asarray(kept[labels])


def _shifts(ndim: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    everything = [slice(None)] * ndim
    ahead, behind = list(everything), list(everything)
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    return tuple(ahead), tuple(behind)
