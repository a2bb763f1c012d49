"""Made lesions as entries of the seed list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ...tumor.synthetic import KINDS, Kind, SyntheticLesion
from ...tumor.thumbnail import SIZE, draw_thumbnail
from .seed_view import SeedItem, pixmap_of

#: What the keys of made lesions begin with; ids of seeds have no colon.
PREFIX = "made:"

Picture = npt.NDArray[np.uint8]


def draw_kinds() -> dict[Kind, Picture]:
    """Draw an example of each kind; a second's work, so not in the main thread."""
    return {kind: draw_thumbnail(SyntheticLesion(kind=kind, diameter_mm=12.0).make()) for kind in KINDS}


def made_items(pictures: Mapping[Kind, Picture]) -> list[SeedItem]:
    """Return an entry for each kind, grey until its picture is drawn."""
    return [_item(kind, pictures.get(kind, np.full((SIZE, SIZE, 3), 60, np.uint8))) for kind in KINDS]


def kind_of(key: str) -> Kind | None:
    """Return the kind that a key stands for; None if it is that of a seed."""
    return next((kind for kind in KINDS if key == PREFIX + kind), None)


def _item(kind: Kind, picture: Picture) -> SeedItem:
    draw: Any = partial(pixmap_of, picture)
    return SeedItem(PREFIX + kind, f"Made: {kind}", kind, f"A {kind} lesion made of numbers, in no patient", draw)
