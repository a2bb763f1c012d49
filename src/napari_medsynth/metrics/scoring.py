"""How well one label map agrees with another, structure by structure: :func:`scores`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core.errors import ConfigError
from ..core.labels import LabelMap
from .intervals import finite
from .overlap import Overlap


@dataclass(frozen=True)
class StructureScore:
    """How well one structure was found.

    ============================  ===========  ==========  ==========  =======================
    structure is …                ``dice``     ``hd95``    surface     ``volume_error``
    ============================  ===========  ==========  ==========  =======================
    in both                       0 … 1        mm          0 … 1       (found − truth) / truth
    in the truth only (missed)    0            diagonal    0           −1
    found only (false)            0            diagonal    0           nan
    in neither                    nan          nan         nan         nan
    ============================  ===========  ==========  ==========  =======================

    *diagonal* is the length of the image's diagonal: no distance in it is larger, so that missing a structure is never
    better than finding it badly (Maier-Hein et al., "Metrics reloaded", Nature Methods 21, 2024). A nan is left out of
    means and intervals.

    Parameters
    ----------
    value, name
        The label's value and name.
    dice
        Twice the common volume over the sum of both volumes, 0 … 1.
    hd95_mm
        95th percentile of the distance between the surfaces, the larger one of both directions, in mm.
    surface_dice
        Share of both surfaces that lies within the tolerance of the other one, 0 … 1.
    truth_ml, found_ml
        Volumes in mL; of a 2D image, as if it were 1 mm thick.
    volume_error
        Error of the volume as a share of the true one; −1 … ∞.
    """

    value: int
    name: str
    dice: float
    hd95_mm: float
    surface_dice: float
    truth_ml: float
    found_ml: float
    volume_error: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None for what is nan."""
        return {k: finite(v) if isinstance(v, float) else v for k, v in asdict(self).items()}


def scores(
    truth: LabelMap,
    found: LabelMap,
    *,
    tolerance_mm: float = 2.0,
    values: Sequence[int] | None = None,
    surfaces: bool = True,
) -> tuple[StructureScore, ...]:
    """Compare two label maps, structure by structure; background is none.

    Parameters
    ----------
    truth, found
        On one grid.
    tolerance_mm
        How far surfaces may lie apart and still count as the same, in mm.
    values
        Labels to compare; left out, all that the truth's table lists, but context, and all that either map holds.
        Give the labels that the truth can hold if it says nothing of some that a model finds.
    surfaces
        Whether distances between surfaces are measured, which is most of the work; else they are nan.

    Returns
    -------
    tuple of StructureScore
        Ascending by value. See there for structures that are missing from one or both.

    Raises
    ------
    GridError
        If they are not on one grid.
    ConfigError
        If the tolerance is not a number from 0.
    """
    truth.require_same_grid(found, "truth", "found")
    if not 0 <= tolerance_mm < math.inf:
        raise ConfigError(f"tolerance_mm is {tolerance_mm:g}; expected a number of mm from 0")
    overlap = Overlap.of(truth, found)
    chosen = _compared(truth, overlap) if values is None else sorted({int(v) for v in values})
    distances = dict.fromkeys(chosen, (math.nan, math.nan))
    if surfaces:
        distances |= _distances(truth, found, overlap, chosen, tolerance_mm)
    return tuple(_score(truth, found, overlap, value, *distances[value]) for value in chosen)


def mean_dice(found: Iterable[StructureScore]) -> float:
    """Return the mean Dice over the structures for which it is defined; nan if there are none."""
    values = [score.dice for score in found if not math.isnan(score.dice)]
    return float(np.mean(values)) if values else math.nan


def _compared(truth: LabelMap, overlap: Overlap) -> list[int]:
    context = {entry.value for entry in truth.table if entry.context}
    listed = {entry.value for entry in truth.table}
    return sorted((listed | set(overlap.present())) - context)


def _distances(
    truth: LabelMap, found: LabelMap, overlap: Overlap, values: Sequence[int], tolerance_mm: float
) -> dict[int, tuple[float, float]]:
    """Return the 95 % Hausdorff distance and the surface Dice of each structure that is in either map."""
    from .surface import boxes_of, surface_agreement

    extent = [n * s for n, s in zip(truth.shape, truth.spacing, strict=True)]
    measured, both = {}, [v for v in values if overlap.truth[v] and overlap.found[v]]
    boxes = boxes_of(truth, found) if both else {}
    for value in values:
        if overlap.truth[value] and overlap.found[value]:
            one, other = (m.array[boxes[value].slices] == value for m in (truth, found))
            measured[value] = surface_agreement(one, other, truth.spacing, tolerance_mm)
        elif overlap.truth[value] or overlap.found[value]:
            measured[value] = (math.hypot(*extent), 0.0)
    return measured


def _score(
    truth: LabelMap, found: LabelMap, overlap: Overlap, value: int, hd95: float, surface_dice: float
) -> StructureScore:
    true_voxels, found_voxels = int(overlap.truth[value]), int(overlap.found[value])
    listed = any(entry.value == value for entry in truth.table)
    name = (truth if listed else found).table[value].name
    error = (found_voxels - true_voxels) / true_voxels if true_voxels else math.nan
    ml = truth.voxel_ml
    dice = overlap.dice(value)
    return StructureScore(value, name, dice, hd95, surface_dice, true_voxels * ml, found_voxels * ml, error)
