"""The air of the lungs on a coarse grid: what :func:`.lungs.find_lungs` refines.

Everything here works on arrays ``(z, y, x)`` whose axes run to the head, the back and the patient's left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.errors import HostError

Mask = npt.NDArray[np.bool_]
Hu = npt.NDArray[np.int16]

#: Aerated lung lies below, every soft tissue above; half-way between the two, as the Fleischner density mask has it.
AIR_HU = -400
#: Gas without tissue: the lumen of gut and windpipe, and the room. Even emphysema (-950 HU) is mostly above.
GAS_HU = -970
#: No patient is below this; scanners write -2000 or -3024 outside their circular field of view.
VOID_HU = -1100

#: Edge of the blocks that the coarse grid averages, in mm, most nearly.
_COARSE_MM = 2.0
#: Edge of the blocks on which the body is told from its table.
_BODY_MM = 4.0
#: A lung has a cross-section of this at least, in mm²; an infant's has about 1200.
_SMALLEST_SECTION = 900.0
#: Parts of a lung that a tumor or thick vessels cut off are kept from this size on, as a share of the largest part.
_SMALLEST_PART = 0.01


def coarsen(ct: npt.NDArray[np.number], spacing: Sequence[float]) -> tuple[Hu, tuple[int, ...]]:
    """Average blocks of voxels to about 2 mm.

    Parameters
    ----------
    ct
        ``(z, y, x)`` in HU, any real type; NaN counts as soft tissue.
    spacing
        Its voxels in mm, ``(z, y, x)``.

    Returns
    -------
    array, block
        The averages, clipped to -2048 … 2048 HU, and how many voxels each spans along ``(z, y, x)``. Along each
        axis at most two voxels of a block are read; that is enough against noise and independent of slice thickness.
    """
    block = tuple(max(1, round(_COARSE_MM / s)) for s in spacing)
    shape = tuple(-(-n // b) for n, b in zip(ct.shape, block, strict=True))
    coarse = np.empty(shape, dtype=np.int16)
    for z in range(shape[0]):  # slice by slice: what is worked on stays in the processor's cache
        first = z * block[0]
        plane = _int_plane(ct[first])
        if first + block[0] // 2 < ct.shape[0] and block[0] > 1:
            plane = (plane + _int_plane(ct[first + block[0] // 2])) >> 1
        coarse[z] = _halved(_halved(plane, block[1]).T, block[2]).T
    return coarse, block


def _int_plane(plane: npt.NDArray[np.number]) -> npt.NDArray[np.int16]:
    if plane.dtype.kind == "f":
        plane = np.nan_to_num(plane, nan=0.0)
    return np.clip(plane, -2048, 2048).astype(np.int16)


def _halved(plane: npt.NDArray[np.int16], block: int) -> npt.NDArray[np.int16]:
    """Average the first and the middle row of every ``block`` rows."""
    rows = plane[::block]
    if block == 1:
        return rows
    middle = plane[block // 2 :: block]
    rows = rows.copy()
    rows[: len(middle)] = (rows[: len(middle)] + middle) >> 1
    return rows


def lung_air(hu: Hu, spacing: Sequence[float]) -> Mask:
    """Find the air of lungs and central airways, without the room, the table and gas in the gut.

    Parameters
    ----------
    hu
        ``(z, y, x)`` from :func:`coarsen`.
    spacing
        Its voxels in mm.

    Raises
    ------
    HostError
        If nothing in the volume can be a lung.
    """
    from scipy import ndimage

    labels, count = ndimage.label(_patient_air(hu))
    if count == 0:
        raise HostError(
            f"no lung found: no air within the image, lowest value {hu.min()} HU; expected a chest CT in HU"
        )
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    likely = _lung_like(hu, labels, sizes, spacing)
    sizes[~likely] = 0
    largest = int(sizes.argmax())
    section = _largest_section(labels == largest, spacing) if sizes[largest] else 0.0
    if section < _SMALLEST_SECTION:
        found = f"the largest lung-like cross-section is {section / 100:.1f} cm²"
        raise HostError(
            f"no lung found: {found}; expected at least {_SMALLEST_SECTION / 100:.0f} cm² in a chest CT in HU"
        )
    kept = sizes >= _SMALLEST_PART * sizes[largest]
    return np.asarray(kept[labels])


def _patient_air(hu: Hu) -> Mask:
    """Everything as thin as lung, save what the scanner wrote for "nothing": one value, the lowest, next to the edge."""
    lowest = max(int(hu.min()), VOID_HU) if hu.min() <= -1000 else -2049
    return (hu < AIR_HU) & (hu > lowest)


def _lung_like(hu: Hu, labels: npt.NDArray[np.int32], sizes: npt.NDArray[np.int64], spacing: Sequence[float]) -> Mask:
    """Which components lie in the body and hold more than gas; ``(count + 1,)``."""
    step = tuple(max(1, round(_BODY_MM / s)) for s in spacing)
    few = tuple(slice(None, None, n) for n in step)
    sides = _sides_with_body(hu[few] > AIR_HU)
    thin, ids = hu[few], labels[few].reshape(-1)
    count = np.maximum(np.bincount(ids, minlength=len(sizes)), 1)
    gas = np.bincount(ids, weights=(thin < GAS_HU).reshape(-1), minlength=len(sizes)) / count
    within = np.bincount(ids, weights=sides.reshape(-1) >= 3, minlength=len(sizes)) / count
    around = np.bincount(ids, weights=sides.reshape(-1), minlength=len(sizes)) / count
    # A field of view that cuts through a lung takes one or two of its sides away.
    cut = np.zeros(len(sizes), dtype=bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        cut[np.unique(edge)] = True
    return np.asarray((gas < 0.6) & ((within > 0.5) | (cut & (around > 2.0))))


def _sides_with_body(tissue: Mask) -> npt.NDArray[np.uint8]:
    """Count on how many of its four sides (front, back, right, left) each voxel has the body."""
    from scipy import ndimage

    # Eroding takes away the shells of the table, clothes and tubes, and what joins them to the skin.
    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    labels, _ = ndimage.label(ndimage.binary_erosion(tissue, cross, border_value=1))
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    body = (labels == sizes.argmax()).view(np.uint8) if sizes.any() else np.zeros(tissue.shape, np.uint8)
    sides = np.zeros(tissue.shape, dtype=np.uint8)
    for axis in (1, 2):
        sides += np.maximum.accumulate(body, axis=axis)
        sides += np.flip(np.maximum.accumulate(np.flip(body, axis), axis=axis), axis)
    return sides


def body_centre(hu: Hu, lungs: Mask) -> float:
    """Return the column ``x`` about which the body lies in the slices that hold lung."""
    slices = lungs.any(axis=(1, 2))
    body = (hu[slices] > AIR_HU).sum(axis=(0, 1))
    return float(np.average(np.arange(hu.shape[2]), weights=body)) if body.any() else hu.shape[2] / 2


def _largest_section(mask: Mask, spacing: Sequence[float]) -> float:
    """Largest area of an axial section in mm²."""
    return float(mask.sum(axis=(1, 2)).max() * spacing[1] * spacing[2])
