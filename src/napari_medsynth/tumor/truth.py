"""The ground truth of a case with lesions: the tumor's value, the numbers of the lesions, the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.case import Case
from ..core.errors import GridError, HostError
from ..core.labels import Label, LabelMap, LabelTable
from ..core.volume import Volume

Mask = npt.NDArray[np.bool_]

TUMOR_COLOUR = (0.9, 0.2, 0.2)


def require_image(case: Case) -> Volume:
    """Return the case's image if lesions can be placed in it.

    Raises
    ------
    GridError, HostError
        If there is none, it is 2D or has channels, or it holds NaN or infinite voxels.
    """
    if case.image is None:
        raise HostError(f"case {case.id!r} has no image; expected a scan to place lesions in")
    if case.image.ndim != 3 or case.image.channels:
        raise GridError(f"case {case.id!r} has an image of shape {case.image.array.shape}; expected (z, y, x)")
    if not case.image.is_finite:
        raise HostError(f"case {case.id!r} has NaN or infinite voxels; expected a finite image")
    return case.image


def lesions_of(case: Case, value: int | None = None) -> Iterator[tuple[Box, Mask]]:
    """Boxes and masks of the lesions in ``instances``, and of those in ``labels``: named so, or of ``value``."""
    from scipy import ndimage

    maps = [] if case.instances is None else [case.instances.array]
    if case.labels is not None:
        values = {*case.labels.table.lesions(), *(() if value is None else (value,))}
        maps += [case.labels.mask(values).view(np.uint8)] if values else []
    for array in maps:
        for value, found in enumerate(ndimage.find_objects(array), 1):
            if found is not None:
                box = Box(tuple(s.start for s in found), tuple(s.stop for s in found))
                yield box, array[found] == value


def next_instance(case: Case) -> int:
    """Return the first number that no lesion of the case has yet."""
    return 1 if case.instances is None else int(case.instances.array.max()) + 1


def tumor_value(labels: LabelMap | None, asked: int | None = None) -> int:
    """Return the value that tumors get: the one asked for, else the table's lesion, else the next that is free."""
    if asked is not None:
        return asked
    if labels is None:
        return 1
    lesions = labels.table.lesions()
    return lesions[0] if lesions else max((*labels.values(), *(e.value for e in labels.table), 0)) + 1


def table_with_tumor(labels: LabelMap | None, value: int) -> LabelTable:
    """Return the label table with an entry for tumors, an existing one kept."""
    table = LabelTable() if labels is None else labels.table
    known = any(entry.value == value for entry in table)
    return table if known else table.with_label(Label(value, "tumor", tissue="lesion", colour=TUMOR_COLOUR))


def instance_table(instances: npt.NDArray[Any]) -> LabelTable:
    """Return a table that calls the lesions ``"tumor 1"``, ``"tumor 2"`` and so on."""
    return LabelTable(tuple(Label(n, f"tumor {n}", tissue="lesion") for n in range(1, int(instances.max()) + 1)))


def writable(labels: LabelMap | None, image: Volume, top: int) -> npt.NDArray[Any]:
    """Return a copy of a label map, or an empty one, that can hold values up to ``top``."""
    dtype = np.uint8 if top < 256 else np.uint16
    if labels is None:
        return np.zeros(image.shape, dtype)
    return labels.array.astype(np.promote_types(labels.array.dtype, dtype))
