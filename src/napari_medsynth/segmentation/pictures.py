"""What a network finds on one slice, as a picture: :func:`write_sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..core.case import Case
from ..core.labels import LabelMap, LabelTable
from ..datasets.planes import Colour, Plane, shown_structures
from ..io.atomic import atomic_path
from .learner import Sample

#: Height of each of the three pictures, in pixels.
_HEIGHT = 256
_GAP = 4


def write_sample(path: Path, sample: Sample, labels: LabelTable) -> None:
    """Write image, truth and prediction side by side, structures in the colours of their labels.

    Parameters
    ----------
    path
        A PNG file.
    sample
        What was found; of a 3D image, the head or the front is put up, the patient's right or front on the left.
    labels
        Class ``k`` is the ``k``-th entry.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    turn = (slice(None, None, -1 if sample.upright else 1),) * 2
    grey = _grey(sample.image[turn])
    colours = _colours(labels)
    size = (float(_HEIGHT), float(_HEIGHT * grey.shape[1] / grey.shape[0]))
    planes = [
        Plane("", ("", ""), grey, np.ascontiguousarray(marks, np.int32), size)
        for marks in (sample.truth[turn], sample.found[turn])
    ]
    (plain, truth), (_, found) = (plane.drawn(1.0, colours) for plane in planes)
    sheet = Image.new("RGB", (3 * plain.width + 2 * _GAP, plain.height))
    for number, picture in enumerate((plain, truth, found)):
        sheet.paste(picture, (number * (plain.width + _GAP), 0))
    with atomic_path(path, durable=False) as temp:
        sheet.save(temp)


def _grey(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    low, high = (float(value) for value in np.percentile(image, (0.2, 99.8)))
    shades: npt.NDArray[Any] = np.clip((image - low) / max(high - low, 1e-6) * 255, 0, 255)
    return np.ascontiguousarray(np.rint(shades), np.uint8)


def _colours(labels: LabelTable) -> list[Colour]:
    named = LabelMap(np.zeros((1, 1), np.uint8), table=labels)
    return [shown.colour for shown in shown_structures(Case(id="sample", labels=named), [e.name for e in labels])]
