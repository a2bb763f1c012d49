"""A small picture of a seed: the axial slice where it is largest, with its contour."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.labels import LabelMap
from ..core.volume import Volume
from .measure import AERATED_BELOW, Mask
from .seed import LESION, Seed

#: Width and height of a thumbnail in pixels.
SIZE = 96

#: Lowest and highest HU shown: the usual lung and soft tissue windows.
LUNG_WINDOW = (-1350.0, 150.0)
SOFT_WINDOW = (-160.0, 240.0)

_CONTOUR = (255, 96, 64)


def thumbnail_png(seed: Seed) -> bytes:
    """Return a seed's thumbnail as the bytes of a PNG file, always the same for the same seed."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(draw_thumbnail(seed)).save(file, format="PNG")
    return file.getvalue()


def draw_thumbnail(seed: Seed) -> npt.NDArray[np.uint8]:
    """Draw a seed as radiologists look at it: the patient's front is up, the right side is on the left.

    Returns
    -------
    ndarray of uint8
        ``(96, 96, 3)``; millimetres have the same size both ways, what the crop does not cover is black.
    """
    from scipy import ndimage

    grey, lesion = _axial(seed.image.reoriented(), seed.mask.reoriented())
    shades = _scaled(_windowed(grey, seed), seed)
    inside = _scaled(lesion.astype(np.float32), seed) > 0.5
    picture = np.repeat(np.rint(shades).astype(np.uint8)[..., None], 3, axis=-1)
    picture[inside & ~ndimage.binary_erosion(inside)] = _CONTOUR
    return picture


def _axial(image: Volume, mask: LabelMap) -> tuple[npt.NDArray[Any], Mask]:
    lesion = mask.mask(LESION)
    largest = int(lesion.sum(axis=(1, 2)).argmax())
    return image.array[largest], lesion[largest]


def _windowed(grey: npt.NDArray[Any], seed: Seed) -> npt.NDArray[np.float32]:
    """Shades 0 to 255: HU through a window, anything else from its darkest to its brightest."""
    low, high = LUNG_WINDOW if seed.info.ring_hu < AERATED_BELOW else SOFT_WINDOW
    if seed.image.modality not in ("", "CT"):
        low, high = float(grey.min()), float(grey.max())
    shades = (grey.astype(np.float32) - low) / max(high - low, 1e-6) * 255
    clipped: npt.NDArray[np.float32] = np.clip(shades, 0, 255)
    return clipped


def _scaled(plane: npt.NDArray[np.float32], seed: Seed) -> npt.NDArray[np.float32]:
    """Bring a plane ``(y, x)`` to the thumbnail's size, centred."""
    from PIL import Image

    _, height, width = np.multiply(seed.image.reoriented().shape, seed.image.reoriented().spacing)
    scale = SIZE / max(height, width)
    rows, columns = (min(max(round(n * scale), 1), SIZE) for n in (height, width))
    small = Image.fromarray(plane).resize((columns, rows), Image.Resampling.BILINEAR)
    out = np.zeros((SIZE, SIZE), dtype=np.float32)
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    out[top : top + rows, left : left + columns] = np.asarray(small)
    return out
