"""The figures of a report: counts of all cases, and measures of a sample of them, read one case at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.case import Case
from ..core.labels import MAX_LABEL, Label, LabelMap
from .folder import DatasetFolder
from .reader import Split

#: Most bins of an intensity histogram.
BINS = 96

#: A report measures at most so many cases, and so many voxels, but a few cases always.
MOST_CASES = 200
MOST_VOXELS = 150_000_000
FEWEST_CASES = 3

_RANGE_CASES = 8  # cases that the range of a histogram is taken from
_RARE = 0.0005  # share of voxels that may lie beyond either end of a histogram

Where = tuple[str, int]


@dataclass(frozen=True)
class Tally:
    """What is known of every case of a split without reading its voxels.

    Parameters
    ----------
    split
        Name of the split.
    cases
        How many it has.
    presence
        ``(S,)``: in how many of them each structure occurs.
    scenarios
        How many cases have each scenario, in the order in which they come up; cases without one are not counted.
    first
        The index of the first case of each scenario.
    spacing
        ``(2, 3)``: smallest and largest spacing in mm along ``(z, y, x)``.
    file, size
        Name of the file and its bytes.
    """

    split: str
    cases: int
    presence: npt.NDArray[np.int64]
    scenarios: Mapping[str, int]
    first: Mapping[str, int]
    spacing: npt.NDArray[np.float64]
    file: str
    size: int

    @classmethod
    def of(cls, name: str, split: Split) -> Tally:
        """Count a split."""
        named = [(scenario, index) for index, scenario in enumerate(split.scenarios) if scenario]
        return cls(
            split=name,
            cases=len(split),
            presence=split.presence.sum(axis=0, dtype=np.int64),
            scenarios=Counter(scenario for scenario, _ in named),
            first=dict(reversed(named)),
            spacing=np.stack([split.spacing.min(axis=0), split.spacing.max(axis=0)]),
            file=split.path.name,
            size=split.path.stat().st_size,
        )


@dataclass
class Measures:
    """What a sample of cases holds.

    Parameters
    ----------
    structures
        What is measured, in the order of the masks.
    edges
        ``(B + 1,)`` of the intensity histograms, in the image's unit; None if the cases have no images.
    whole
        ``(B,)`` voxels of whole images.
    parts
        ``(S, B)`` voxels of each structure.
    volumes
        For each structure its volumes in mL, one for each case that has it.
    cases
        How many cases were measured.
    """

    structures: Sequence[Label]
    edges: npt.NDArray[np.float64] | None
    whole: npt.NDArray[np.int64] = field(init=False)
    parts: npt.NDArray[np.int64] = field(init=False)
    volumes: list[list[float]] = field(init=False)
    cases: int = 0

    def __post_init__(self) -> None:
        self._bins = 1 if self.edges is None else len(self.edges) - 1
        self.whole = np.zeros(self._bins, np.int64)
        self.parts = np.zeros((len(self.structures), self._bins), np.int64)
        self.volumes = [[] for _ in self.structures]

    def add(self, case: Case) -> None:
        """Count the voxels of one case."""
        if case.labels is None:
            return
        self.cases += 1
        index = _structure_index(case.labels, self.structures)
        binned = np.zeros(index.shape, np.uint8) if case.image is None else self._binned(case.image.array)
        pairs = index.astype(np.int32) * self._bins + binned
        joint = np.bincount(pairs.reshape(-1), minlength=(len(self.structures) + 1) * self._bins).reshape(
            -1, self._bins
        )
        self.whole += joint.sum(axis=0)
        self.parts += joint[1:]
        for volumes, voxels in zip(self.volumes, joint[1:].sum(axis=1), strict=True):
            if voxels:
                volumes.append(float(voxels) * case.labels.voxel_ml)

    def _binned(self, image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Which bin each voxel falls into; what lies beyond an end falls into the last bin there."""
        if self.edges is None:
            return np.zeros(image.shape, np.uint8)
        low, high = self.edges[0], self.edges[-1]
        places = (image.astype(np.float32) - np.float32(low)) * np.float32(self._bins / (high - low))
        return np.asarray(np.clip(places, 0, self._bins - 1), np.uint8)


def tallies(folder: DatasetFolder) -> tuple[Tally, ...]:
    """Count every split of a dataset, without reading a voxel."""
    found = []
    for name, path in folder.splits.items():
        with Split.open(path) as split:
            found.append(Tally.of(name, split))
    return tuple(found)


def measured(folder: DatasetFolder, structures: Sequence[Label], sample: Sequence[Where]) -> Measures:
    """Measure the cases of a sample; memory does not grow with their number."""
    few = [sample[n] for n in _spread_over(len(sample), _RANGE_CASES)]
    measures = Measures(structures, _edges(cases_at(folder, few)))
    for case in cases_at(folder, sample):
        measures.add(case)
    return measures


def cases_at(folder: DatasetFolder, places: Iterable[Where]) -> Iterator[Case]:
    """Read cases one by one; ``places`` are split and index, those of one split together."""
    wanted: dict[str, list[int]] = {}
    for name, index in places:
        wanted.setdefault(name, []).append(index)
    for name, indices in wanted.items():
        with Split.open(folder.splits[name]) as split:
            yield from (split.case(index) for index in indices)


def typical(counted: Sequence[Tally], most: int) -> list[Where]:
    """Choose cases to look at: the first of each scenario, then others, evenly over all splits."""
    found: dict[str, Where] = {}
    for tally in counted:
        for scenario in tally.scenarios:
            found.setdefault(scenario, (tally.split, tally.first[scenario]))
    others = _places(counted)
    spread = [others[n] for n in _spread_over(len(others), most)]
    chosen = list(dict.fromkeys([*found.values(), *spread]))[:most]
    return sorted(chosen, key=others.index)


def sampled(counted: Sequence[Tally], voxels: int) -> list[Where]:
    """Choose cases evenly over all splits, as many as may be measured; always the same ones.

    Parameters
    ----------
    counted
        The splits.
    voxels
        Voxels of one case.
    """
    everything = _places(counted)
    affordable = max(MOST_VOXELS // max(voxels, 1), FEWEST_CASES)
    return [everything[n] for n in _spread_over(len(everything), min(MOST_CASES, affordable))]


def _places(counted: Sequence[Tally]) -> list[Where]:
    return [(tally.split, index) for tally in counted for index in range(tally.cases)]


def _spread_over(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` indices, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(float(n)) for n in np.linspace(0, count - 1, most)]


def _edges(cases: Iterable[Case]) -> npt.NDArray[np.float64] | None:
    """Edges that leave out but the rarest voxels at either end; None if there are no images.

    Each bin of whole numbers holds as many of them as the next.
    """
    ends, whole = list[tuple[float, float]](), True
    for case in cases:
        if case.image is not None:
            low, high = np.percentile(case.image.array, (100 * _RARE, 100 * (1 - _RARE)))
            ends.append((float(low), float(high)))
            whole &= case.image.array.dtype.kind in "iub"
    if not ends:
        return None
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    if whole:
        lowest, highest = math.floor(lowest) - 0.5, math.ceil(highest) + 0.5
        width = math.ceil((highest - lowest) / BINS)
        return np.arange(lowest, highest + width, width, dtype=np.float64)
    return np.linspace(lowest, highest if highest > lowest else lowest + 1, BINS + 1)


def _structure_index(labels: LabelMap, structures: Sequence[Label]) -> npt.NDArray[np.uint16]:
    """Which structure each voxel is: 0 for none, else 1 + its place in ``structures``."""
    table = np.zeros(MAX_LABEL + 1, np.uint16)
    table[[entry.value for entry in structures]] = np.arange(1, len(structures) + 1)
    return np.take(table, labels.array)
