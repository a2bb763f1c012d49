"""Two label maps of one scan against each other: :func:`comparing`. Neither Qt nor layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import GridError
from ...core.labels import LabelMap, LabelTable
from ...core.progress import Job, Progress, told_as
from ...io import write_labels
from ...io.plainfile import read_json
from ...metrics import StructureScore
from ..child import child

#: Values of the overlay, and what they are called.
MISSED, EXTRA, OTHER = 1, 2, 3

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Compared:
    """How two label maps differ.

    Parameters
    ----------
    scores
        One a structure that either has.
    overlay
        uint8 of the labels' shape: 0 where both agree, else :data:`MISSED`, :data:`EXTRA`, or :data:`OTHER` where both
        have something, but not the same.
    worst
        Of each structure, the index along each axis of the slice in which most of its voxels differ; a structure in
        which none differs is not listed.
    left_out
        How many structures of the truth were not looked for, and so are not missed.
    """

    scores: tuple[StructureScore, ...]
    overlay: npt.NDArray[np.uint8]
    worst: Mapping[int, tuple[int, ...]]
    left_out: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """Voxels that are missed, extra, and of another structure."""
        found = np.bincount(self.overlay.reshape(-1), minlength=4)
        return int(found[MISSED]), int(found[EXTRA]), int(found[OTHER])


def comparing(found: LabelMap, truth: LabelMap, looked_for: LabelTable | None = None) -> Job[Compared]:
    """Compare label maps, as a job; distances are measured in a process of its own, for the same reasons as a network.

    Parameters
    ----------
    found
        What is judged, e.g. what a model found.
    truth
        What it is compared with.
    looked_for
        What a model finds; other structures of the truth count as background. Left out, all count.

    Raises
    ------
    GridError
        If they are not on one grid.
    """
    require_comparable(found, truth)
    yield Progress(0, 0, "differences")
    present = truth.values()
    if looked_for is not None:
        kept = truth.mask({*found.values(), *(entry.value for entry in looked_for)})
        truth = replace(truth, array=truth.array * kept)
    overlay, worst = difference(found.array, truth.array)
    made = yield from measuring(found, truth)
    return Compared(made, overlay, worst, len(present) - len(truth.values()))


def measuring(found: LabelMap, truth: LabelMap) -> Job[tuple[StructureScore, ...]]:
    """Work out the figures by ``medsynth compare``, as a job."""
    with TemporaryDirectory(prefix="medsynth-", ignore_cleanup_errors=True) as place:
        files = [Path(place) / name for name in ("found.nii", "truth.nii", "scores.json")]
        for labels, file in zip((found, truth), files, strict=False):
            write_labels(labels, file)
        words = ["compare", *map(str, files[:2]), "-o", str(files[2])]
        yield from told_as(child(words), lambda _: Progress(0, 0, "Dice and distances"))
        told = read_json(files[2])["scores"]
    return tuple(_score(entry) for entry in told)


def require_comparable(found: LabelMap, truth: LabelMap) -> None:
    """Raise :class:`GridError` if both do not lie on the same voxels."""
    try:
        truth.require_same_grid(found, "what it is compared with", "what is compared")
    except GridError as error:
        raise GridError(f"{error}; only labels of the same voxels can be compared") from error


def difference(
    found: npt.NDArray[Any], truth: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.uint8], dict[int, tuple[int, ...]]]:
    """Return the overlay and the worst slices; see :class:`Compared`."""
    overlay = np.zeros(found.shape, dtype=np.uint8)
    overlay[(found == 0) & (truth != 0)] = MISSED
    overlay[(found != 0) & (truth == 0)] = EXTRA
    overlay[(found != 0) & (truth != 0) & (found != truth)] = OTHER
    where = np.nonzero(overlay)
    pairs = np.stack([truth[where], found[where]]).astype(np.intp)
    values = [int(value) for value in np.unique(pairs) if value]
    return overlay, {value: _worst(where, (pairs == value).any(axis=0), found.shape) for value in values}


def _score(told: Mapping[str, Any]) -> StructureScore:
    """Make a score of what it told as JSON, in which None is what has no value."""
    given: dict[str, Any] = {name: nan if value is None else value for name, value in told.items()}
    return StructureScore(**given)


def _worst(where: tuple[IntArray, ...], hit: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[int, ...]:
    counts = (np.bincount(axis[hit], minlength=size) for axis, size in zip(where, shape, strict=True))
    return tuple(int(np.argmax(count)) for count in counts)
