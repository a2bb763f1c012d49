"""How far apart the surfaces of two shapes lie: 95 % Hausdorff distance and surface Dice, by MONAI."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.labels import LabelMap

Mask = npt.NDArray[np.bool_]


def surface_agreement(
    truth: Mask, found: Mask, spacing: Sequence[float], tolerance_mm: float = 2.0
) -> tuple[float, float]:
    """Return the 95 % Hausdorff distance and the surface Dice of two shapes, neither of which may be empty.

    Parameters
    ----------
    truth, found
        ``(z, y, x)`` or ``(y, x)``. Along an axis of one voxel a shape has no surface.
    spacing
        Millimetres per voxel along each axis.
    tolerance_mm
        How far surfaces may lie apart and still count as the same, in mm.

    Returns
    -------
    hd95_mm
        The larger one of the two directed 95th percentiles of distances between voxels of the surfaces (Huttenlocher
        et al., IEEE PAMI 15, 1993, with percentiles), in mm.
    surface_dice
        Share of both surfaces, by area, that lies within the tolerance of the other one, 0 … 1 (Nikolov et al.,
        "Clinically applicable segmentation of head and neck anatomy", JMIR 23, 2021).

    Notes
    -----
    A shape has a surface at the edge of the image too.
    """
    import torch
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.surface_dice import compute_surface_dice

    kept = _extended_axes(truth.shape)
    shape = tuple(truth.shape[axis] for axis in kept)
    steps = [float(spacing[axis]) for axis in kept]
    one, other = (torch.from_numpy(np.ascontiguousarray(m.reshape(shape)))[None, None] for m in (truth, found))
    with warnings.catch_warnings():
        # MONAI 1.6 still passes to itself an argument that it deprecates.
        warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
        hd = compute_hausdorff_distance(other, one, include_background=True, percentile=95, spacing=steps)
        nsd = compute_surface_dice(
            other, one, class_thresholds=[tolerance_mm], include_background=True, spacing=steps, use_subvoxels=True
        )
    return float(hd), float(nsd)


def boxes_of(*maps: LabelMap) -> dict[int, Box]:
    """Return the box around each label's voxels in any of some label maps on one grid, in one pass over each."""
    from scipy.ndimage import find_objects

    boxes: dict[int, Box] = {}
    for labels in maps:
        for value, slices in enumerate(find_objects(labels.array), start=1):
            if slices is None:
                continue
            start, stop = tuple(s.start for s in slices), tuple(s.stop for s in slices)
            if value in boxes:
                start = tuple(map(min, start, boxes[value].start))
                stop = tuple(map(max, stop, boxes[value].stop))
            boxes[value] = Box(start, stop)
    return boxes


def _extended_axes(shape: Sequence[int]) -> list[int]:
    """Return the axes of more than one voxel; two at least."""
    kept = [axis for axis, size in enumerate(shape) if size > 1]
    spare = [axis for axis in range(len(shape)) if axis not in kept]
    return sorted([*kept, *spare[len(kept) - 2 :]] if len(kept) < 2 else kept)
