"""A picture of what was placed: each lesion before and after."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ..core.case import Case
from ..tumor.table import Row, lesion_rows

Pixels = npt.NDArray[np.uint8]

_SIDE_MM = 90.0
_SIDE = 256
_GAP = 6
_TITLE = 22
_LUNG_WINDOW = (-1350.0, 150.0)
_CONTOUR = (255, 80, 70)
_HEADS = ("before", "after", "with its exact outline", "from the front")


def before_after(before: Case, after: Case) -> bytes:
    """Draw every lesion that ``after`` has and ``before`` had not, one a row, in the lung window.

    Returns
    -------
    bytes
        A PNG: axial before, axial after, axial with the outline of the ground truth, and coronal after.
    """
    old = set() if before.instances is None else set(before.instances.values())
    rows = [row for row in lesion_rows(after) if row.figures.instance not in old][:8]
    width = 4 * _SIDE + 3 * _GAP
    sheet = Image.new("RGB", (width, _TITLE + max(1, len(rows)) * (_SIDE + _TITLE + _GAP)), (18, 18, 20))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for column, head in enumerate(_HEADS):
        draw.text((column * (_SIDE + _GAP) + 6, 3), head, fill=(220, 220, 220), font=font)
    for number, row in enumerate(rows):
        top = _TITLE + number * (_SIDE + _TITLE + _GAP)
        for column, panel in enumerate(_panels(before, after, row)):
            sheet.paste(Image.fromarray(panel), (column * (_SIDE + _GAP), top))
        text = f"{row.figures.instance}: {row.seed}, {row.diameter_mm:.1f} mm, {row.figures.volume_ml:.2f} mL"
        draw.text((6, top + _SIDE + 2), text, fill=(220, 220, 220), font=font)
    data = io.BytesIO()
    sheet.save(data, "PNG", optimize=True)
    return data.getvalue()


def _panels(before: Case, after: Case, row: Row) -> list[Pixels]:
    if before.image is None or after.image is None or after.instances is None:
        return []
    canonical = [v.reoriented() for v in (before.image, after.image, after.instances)]
    centre = canonical[1].affine.to_index(row.figures.centre_mm)
    spacing = canonical[1].spacing
    was, now = (_grey(_plane(v.array, centre, spacing, 0)) for v in canonical[:2])
    inside = _plane((canonical[2].array == row.figures.instance).astype(np.float32), centre, spacing, 0) > 0.5
    return [was, now, _outlined(now, inside), _grey(_plane(canonical[1].array, centre, spacing, 1))]


def _plane(
    array: npt.NDArray[np.generic], centre: npt.NDArray[np.float64], spacing: tuple[float, ...], axis: int
) -> npt.NDArray[np.float32]:
    """Cut a square plane across ``axis`` through ``centre``, with square pixels; z runs up."""
    from scipy import ndimage

    offsets = (np.arange(_SIDE) - _SIDE / 2) * _SIDE_MM / _SIDE
    across = [n for n in range(3) if n != axis]
    index = np.empty((3, _SIDE, _SIDE))
    index[axis] = np.round(centre[axis])
    index[across[0]] = (centre[across[0]] + (offsets if axis == 0 else -offsets) / spacing[across[0]])[:, None]
    index[across[1]] = (centre[across[1]] + offsets / spacing[across[1]])[None, :]
    start = np.maximum(np.floor(index.reshape(3, -1).min(axis=1)).astype(int), 0)
    stop = np.minimum(np.ceil(index.reshape(3, -1).max(axis=1)).astype(int) + 2, array.shape)
    box = array[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].astype(np.float32)
    return np.asarray(
        ndimage.map_coordinates(box, index - start[:, None, None], order=1, cval=float(box.min())), np.float32
    )


def _grey(plane: npt.NDArray[np.float32]) -> Pixels:
    low, high = _LUNG_WINDOW
    grey = np.clip((plane - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _outlined(panel: Pixels, inside: npt.NDArray[np.bool_]) -> Pixels:
    from scipy import ndimage

    out = panel.copy()
    out[inside & ~ndimage.binary_erosion(inside)] = _CONTOUR
    return out
