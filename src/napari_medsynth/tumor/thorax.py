"""The air of the lungs on a coarse grid: what :func:`.lungs.find_lungs` refines.

Everything here works on arrays ``(z, y, x)`` whose axes run to the head, the back and the patient's left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.errors import HostError
from .regions import IN_PLANE, Mask, dilated, eroded

Hu = npt.NDArray[np.int16]

#: Aerated lung lies below, every soft tissue above; half-way between the two, as the Fleischner density mask has it.
AIR_HU = -400
#: Lung below this is emphysema (Gevenois et al. 1995); even then most of a lung lies above, and gas below.
EMPHYSEMA_HU = -950
#: Above this, what looks like lung is mostly a voxel half in air and half in skin.
TISSUE_MIX_HU = -500
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
#: Room air under a flank or a shoulder borders on the room with more than this share of its voxels.
_OPEN = 0.03


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
    if plane.dtype != np.int16:
        plane = np.nan_to_num(plane.astype(np.float32), nan=0.0)
    return np.asarray(np.clip(plane, -2048, 2048), dtype=np.int16)


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

    air = (hu < AIR_HU) & (hu > VOID_HU)
    inside = _inside(hu, spacing)
    # Through an open mouth the lungs reach the room and, along the skin, everything. Only what is deeper than a
    # skin of mixed voxels may lie outside: a lung that the field of view cuts.
    deep = air & (inside | _opened((hu > EMPHYSEMA_HU) & (hu < TISSUE_MIX_HU)))
    labels, count = ndimage.label(deep)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    room = eroded(air & ~deep, IN_PLANE)
    open_to_room = np.bincount(labels[dilated(dilated(room))], minlength=count + 1) > _OPEN * sizes
    sizes[~_lung_like(hu, inside, labels, sizes) | open_to_room] = 0
    largest = int(sizes.argmax())
    section = _largest_section(labels == largest, spacing) if sizes[largest] else 0.0
    if section < _SMALLEST_SECTION:
        found = f"the largest lung-like section is {section / 100:.1f} cm² and values run from {hu.min()} to {hu.max()}"
        expected = f"expected a chest CT in HU with at least {_SMALLEST_SECTION / 100:.0f} cm²"
        raise HostError(f"no lung found in ct: {found}; {expected}")
    return np.asarray((sizes >= _SMALLEST_PART * sizes[largest])[labels])


def _opened(mask: Mask) -> Mask:
    return dilated(dilated(eroded(eroded(mask)))) & mask


def _lung_like(hu: Hu, inside: Mask, labels: npt.NDArray[np.int32], sizes: npt.NDArray[np.int64]) -> Mask:
    """Which components lie in the body and hold more than gas; ``(count + 1,)``."""
    few = (slice(None), slice(None, None, 2), slice(None, None, 2))
    core = eroded(labels > 0, IN_PLANE)  # at the rim, gas and tissue mix to what looks like lung
    ids = np.where(core[few], labels[few], 0).reshape(-1)
    total = np.bincount(ids, minlength=len(sizes)).astype(np.float64)
    total[total == 0] = np.nan  # too thin to tell: a comparison with NaN is false, so it is not kept

    def share(where: Mask) -> npt.NDArray[np.float64]:
        return np.bincount(ids, weights=where[few].reshape(-1), minlength=len(sizes)) / total

    thin = share(hu < EMPHYSEMA_HU)
    likely = (thin < 0.5) & (share(inside) > 0.5)
    likely[0] = False
    # Emphysema makes a whole lung thin, not a small part of one; that is gut, or room air under a shoulder.
    largest = sizes[likely].max(initial=0)
    return np.asarray(likely & ((sizes > 0.2 * largest) | (thin < 0.3)))


def _inside(hu: Hu, spacing: Sequence[float]) -> Mask:
    """Voxels that have the body before and behind them and on one flank; where an image edge cuts it, it goes on."""
    size = min(_BODY_MM, 0.01 * max(n * s for n, s in zip(hu.shape[1:], spacing[1:], strict=True)))
    step = [max(1, round(size / s)) for s in spacing]
    thin = hu[tuple(slice(None, None, n) for n in step)]
    body = _body(thin > AIR_HU)
    lung = eroded((thin > EMPHYSEMA_HU) & (thin < TISSUE_MIX_HU), IN_PLANE)
    for edge in ((slice(None), 0), (slice(None), -1), (..., 0), (..., -1)):
        body[edge] |= lung[edge]
    body |= lung & dilated(dilated(thin < VOID_HU, IN_PLANE), IN_PLANE)
    front, back = _reaches(body, 1)
    right, left = _reaches(body, 2)
    inside = front & back & (right | left)
    for axis, (n, size_) in enumerate(zip(step, hu.shape, strict=True)):
        inside = np.repeat(inside, n, axis=axis).take(range(size_), axis=axis) if n > 1 else inside
    return inside


def _body(tissue: Mask) -> Mask:
    """Return the largest piece of tissue; eroding first takes away the shells of the table, clothes and tubes."""
    from scipy import ndimage

    labels, _ = ndimage.label(eroded(tissue, IN_PLANE))
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    return np.asarray((labels == sizes.argmax()) & (labels > 0))


def _reaches(body: Mask, axis: int) -> tuple[Mask, Mask]:
    """Whether there is body on the low and on the high side along ``axis``."""
    low = np.logical_or.accumulate(body, axis=axis)
    return low, np.flip(np.logical_or.accumulate(np.flip(body, axis), axis=axis), axis)


def body_centre(hu: Hu, lungs: Mask) -> float:
    """Return the column ``x`` about which the body lies in the slices that hold lung."""
    slices = lungs.any(axis=(1, 2))
    body = (hu[slices] > AIR_HU).sum(axis=(0, 1))
    return float(np.average(np.arange(hu.shape[2]), weights=body)) if body.any() else hu.shape[2] / 2


def _largest_section(mask: Mask, spacing: Sequence[float]) -> float:
    """Largest area of an axial section in mm²."""
    return float(mask.sum(axis=(1, 2)).max() * spacing[1] * spacing[2])
