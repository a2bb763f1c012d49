"""The rows of the table of labels: :class:`LabelRows`, and what is said of those without a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.labels import LabelMap
from ...rendering.contrast import classes_of
from ...rendering.prior import Prior
from .tissue_table import TissueRow

if TYPE_CHECKING:
    from napari.layers import Labels

_MOST_NAMED = 3


class LabelRows:
    """Makes the rows; but for the intensities they stay while the labels and what is said of them do."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._rows: list[TissueRow] = []

    def of(
        self,
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
        of = (id(labels), id(layer), id(layer.colormap), id(prior), dict(tissues))
        if of != self._of:
            self._of, self._rows = of, _rows(labels, layer, prior, tissues)
            self._kept = (labels, layer.colormap, prior)  # as long as they are kept, no other has their id
        intensities = {int(value): (mean, std) for value, mean, std in drawn}
        return [replace(row, intensity=intensities.get(row.value)) for row in self._rows]


def complaint(where: str, missing: Sequence[TissueRow], instead: str) -> str:
    """Say which labels have no class, and what would help; empty if all have one.

    Parameters
    ----------
    where
        What has no class for them, after a space; empty: what is chosen.
    missing
        Rows of those labels.
    instead
        What else would help, with ", or " at its end.
    """
    if not missing:
        return ""
    words = [f"{row.value} ({row.name}{f' as {row.tissue}' if row.chosen else ''})" for row in missing]
    more = f" and {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    found = f"no intensities{where} for {', '.join(words[:_MOST_NAMED])}{more}"
    return f"{found}; {instead}choose their tissue in the tab Labels"


def _rows(labels: LabelMap, layer: Labels, prior: Prior, tissues: Mapping[int, str]) -> list[TissueRow]:
    classes = classes_of(labels, prior, tissues.items())
    named = ((value, labels.table[value]) for value in labels.values())
    return [
        TissueRow(value, entry.name, entry.tissue, value in tissues, classes[value] or "", None, _colour(layer, value))
        for value, entry in named
    ]


def _colour(layer: Labels, value: int) -> tuple[float, float, float]:
    colour = layer.get_color(value)
    return (0.5, 0.5, 0.5) if colour is None else (float(colour[0]), float(colour[1]), float(colour[2]))
