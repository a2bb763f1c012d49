"""What a split holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .reader import Split


def class_distribution(split: Split) -> dict[str, dict[str, float]]:
    """Return how many cases have each structure: ``{name: {"count", "total", "presence_rate"}}``."""
    total = len(split)
    counts = split.presence.sum(axis=0).tolist()
    return {
        name: {"count": count, "total": total, "presence_rate": count / total if total else 0.0}
        for name, count in zip(split.structure_names, counts, strict=True)
    }


def scenario_shares(split: Split) -> dict[str, float]:
    """Return the fraction of cases of each scenario, the most frequent first; cases without one are left out."""
    counts = Counter(name for name in split.columns.scenarios if name)
    return {name: count / len(split) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def volumes_ml(split: Split, indices: Iterable[int] | None = None) -> npt.NDArray[np.float64]:
    """Return the volume of each structure in some cases, or all.

    Returns
    -------
    array
        ``(cases, S)`` float64 in mL; 0 where a structure is absent. In a 2D image voxels count as 1 mm thick.

    Raises
    ------
    ReadError
        If a case is damaged or has no labels.
    """
    chosen = range(len(split)) if indices is None else list(indices)
    volumes = np.zeros((len(chosen), len(split.meta.structures)))
    top = max(split.meta.values, default=0)
    for row, index in enumerate(chosen):
        counts = np.bincount(split.labels(index).reshape(-1), minlength=top + 1)
        volumes[row] = counts[list(split.meta.values)] * _voxel_ml(split, index)
    return volumes


def intensity_histogram(
    split: Split, edges: npt.NDArray[np.float64], indices: Iterable[int] | None = None, structure: str | None = None
) -> npt.NDArray[np.int64]:
    """Return how many voxels of some cases, or all, lie between each two of ``edges``.

    Parameters
    ----------
    edges
        Ascending, as for :func:`numpy.histogram`; voxels outside are left out.
    structure
        Count only the voxels of this structure.

    Raises
    ------
    ReadError
        If a case is damaged or has no image, or no labels where a structure is asked for.
    ValueError
        If there is no such structure.
    """
    counts = np.zeros(len(edges) - 1, np.int64)
    value = None if structure is None else split.meta.values[split.structure_names.index(structure)]
    for index in range(len(split)) if indices is None else indices:
        image = split.image(index)
        counts += np.histogram(image if value is None else image[split.labels(index) == value], edges)[0]
    return counts


def _voxel_ml(split: Split, index: int) -> float:
    size = split.spacing[index][-len(split.image_size) :]
    return float(np.prod(size)) / 1000
