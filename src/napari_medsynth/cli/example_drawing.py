"""The pictures of ``medsynth example``: columns beside each other, and curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

_GAP, _TITLE = 6, 22
_BACK, _TEXT, _GRID = (18, 18, 20), (226, 226, 226), (58, 58, 64)

#: Colour of curves.
_LINE = (106, 176, 255)


class Column(NamedTuple):
    """Pictures of one size above each other, and what stands over them."""

    title: str
    pictures: tuple[Image.Image, ...]


def sheet(columns: Sequence[Column]) -> Image.Image:
    """Put columns beside each other."""
    width, height = columns[0].pictures[0].size
    rows = max(len(column.pictures) for column in columns)
    made = Image.new("RGB", (len(columns) * (width + _GAP) - _GAP, _TITLE + rows * (height + _GAP) - _GAP), _BACK)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(size=14)
    for number, column in enumerate(columns):
        left = number * (width + _GAP)
        draw.text((left + 4, 2), column.title, fill=_TEXT, font=font)
        for row, picture in enumerate(column.pictures):
            made.paste(picture, (left, _TITLE + row * (height + _GAP)))
    return made


def stacked(*parts: Image.Image) -> Image.Image:
    """Put pictures above each other."""
    height = sum(part.height for part in parts) + _GAP * (len(parts) - 1)
    made = Image.new("RGB", (max(part.width for part in parts), height), _BACK)
    top = 0
    for part in parts:
        made.paste(part, (0, top))
        top += part.height + _GAP
    return made


def curve(values: Sequence[float], size: tuple[int, int]) -> Image.Image:
    """Draw values against their number, from 1; the axis begins at 0.

    Parameters
    ----------
    values
        None below 0.
    size
        Width and height of the picture.
    """
    made = Image.new("RGB", size, _BACK)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(size=14)
    left, top, right, bottom = 48, 10, size[0] - 12, size[1] - 26
    most, count = max(values) or 1.0, len(values)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - share * (bottom - top)
        draw.line([(left, y), (right, y)], fill=_GRID)
        draw.text((left - 6, y), f"{share * most:.2f}", fill=_TEXT, font=font, anchor="rm")
    for number in sorted({1, (count + 1) // 2, count}):
        draw.text((_across(number, count, left, right), bottom + 6), str(number), fill=_TEXT, font=font, anchor="ma")
    points = [(_across(n, count, left, right), bottom - v / most * (bottom - top)) for n, v in enumerate(values, 1)]
    draw.line(points, fill=_LINE, width=2, joint="curve")
    return made


def _across(number: int, count: int, left: int, right: int) -> float:
    return left + (number - 1) / max(count - 1, 1) * (right - left)


def grey(array: npt.NDArray[np.float32], scale: float) -> Image.Image:
    """Draw a slice ``(row, column)`` upright, rows running to the head; 0 … 1 from black to white."""
    pixels = np.round(np.clip(array[::-1], 0, 1) * 255).astype(np.uint8)
    width, height = round(array.shape[1] * scale), round(array.shape[0] * scale)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC).convert("RGB")


def coloured(classes: npt.NDArray[np.int64], scale: float) -> Image.Image:
    """Draw classes ``(row, column)`` upright: background black, neighbours in colours far apart."""
    hues = (np.arange(256) * 97) % 256
    palette = np.stack([hues, np.full(256, 140), np.full(256, 235)], axis=-1).astype(np.uint8)
    palette[0] = 0
    pixels = Image.fromarray(palette[classes[::-1]], "HSV").convert("RGB")
    width, height = round(classes.shape[1] * scale), round(classes.shape[0] * scale)
    return pixels.resize((width, height), Image.Resampling.NEAREST)


def png(picture: Image.Image) -> bytes:
    """Return a picture as a PNG."""
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
