"""The rows of the table of labels: :func:`label_rows`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...core.labels import LabelMap
from ...rendering.contrast import classes_of
from ...rendering.prior import Prior
from .tissue_table import TissueRow

if TYPE_CHECKING:
    from napari.layers import Labels


def label_rows(
    labels: LabelMap,
    layer: Labels,
    prior: Prior,
    tissues: Mapping[int, str],
    drawn: Iterable[tuple[float, float, float]] = (),
) -> list[TissueRow]:
    """Return one row for each value present.

    Parameters
    ----------
    labels
        With the names that they have here.
    layer
        The layer that shows them.
    prior
        Intensities of the classes.
    tissues
        What a person chose.
    drawn
        Value, mean and standard deviation of each label of the image that is looked at.
    """
    classes = classes_of(labels, prior, tissues.items())
    intensities = {int(value): (mean, std) for value, mean, std in drawn}
    return [
        TissueRow(
            value,
            labels.table[value].name,
            labels.table[value].tissue,
            value in tissues,
            classes[value] or "",
            intensities.get(value),
            _colour(layer, value),
        )
        for value in labels.values()
    ]


def _colour(layer: Labels, value: int) -> tuple[float, float, float]:
    colour = layer.get_color(value)
    return (0.5, 0.5, 0.5) if colour is None else (float(colour[0]), float(colour[1]), float(colour[2]))
