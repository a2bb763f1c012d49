"""A dataset that is planned and not made, and the arrays of one phantom: :class:`PlannedDataset`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import index as whole_number
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..core.case import Case
from ..core.errors import shown
from ..core.labels import LabelMap
from ..core.recipe import Recipe
from ..core.rng import stream
from ..core.settings import nearest
from ..core.volume import Volume
from ..datasets.plan import plan_splits
from ..datasets.schema import scenario_of
from ..phantom.anatomy import anatomy
from ..phantom.masks import masks_of
from ..phantom.step import Phantom

#: Image float32 ``(Z, Y, X)``, masks uint8 ``(S, Z, Y, X)``, presence uint8 ``(S,)``.
Sample = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class PlannedDataset(Mapping[str, "PlannedSplit"]):
    """A dataset that is planned but not made: ``dataset["train"][0]`` makes that sample.

    Sample ``n`` of a split is the one that a saved dataset has there, voxel for voxel.

    Parameters
    ----------
    step
        What makes each sample.
    seed
        Seed of all random draws.
    total_samples
        How many there are in all splits together.
    validation_split, test_split
        Fractions of them that are held back.

    Raises
    ------
    ConfigError
        If a value cannot be used.
    """

    step: Phantom
    seed: int
    total_samples: int
    validation_split: float
    test_split: float
    _splits: dict[str, range] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stream(self.seed)
        object.__setattr__(self, "_splits", plan_splits(self.total_samples, self.validation_split, self.test_split))

    @property
    def recipe(self) -> Recipe:
        """The recipe that makes these samples."""
        return Recipe(steps=(self.step,), seed=self.seed)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures in the order of masks and presence."""
        return structure_names(self.step)

    def __getitem__(self, split: str) -> PlannedSplit:
        if split not in self._splits:
            raise KeyError(f"there is no split {shown(split)}; {nearest(str(split), self._splits)}")
        return PlannedSplit(self, self._splits[split])

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)


@dataclass(frozen=True)
class PlannedSplit(Sequence[dict[str, Any]]):
    """The samples of one split, each made when it is asked for."""

    dataset: PlannedDataset
    indices: range

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures in the order of masks and presence."""
        return self.dataset.structure_names

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        """Return a sample as arrays, with the names that ``LazyMedicalDataset`` uses; a slice gives fewer samples."""
        if isinstance(index, slice):
            return PlannedSplit(self.dataset, self.indices[index])
        case = self.case(index)
        image, masks, presence = sample_of(case, self.dataset.step)
        spacing = _grids(case)[0].spacing
        return {
            "image": image,
            "masks": masks,
            "presence_labels": presence.astype(np.float32),
            "scenario": scenario_of(case),
            "case_id": case.id,
            "spacing": np.asarray(spacing, np.float32),
        }

    def case(self, index: int) -> Case:
        """Return a sample as a case: image, labels, where they lie and how they were made."""
        number = self.indices[whole_number(index)]
        return self.dataset.recipe(Case(id=f"case_{number:06d}"), index=number)


def structure_names(step: Phantom) -> tuple[str, ...]:
    """Return the names of the structures of what ``step`` makes, in the order of masks and presence."""
    return tuple(entry.name for entry in anatomy(step.anatomy).catalogue.targets)


def sample_of(case: Case, step: Phantom) -> Sample:
    """Return image, masks and presence of a case that ``step`` made."""
    image, labels = _grids(case)
    targets = anatomy(step.anatomy).catalogue.targets
    presence = np.isin([entry.label.value for entry in targets], labels.values())
    return image.array.astype(np.float32), masks_of(labels, targets).view(np.uint8), presence.astype(np.uint8)


def _grids(case: Case) -> tuple[Volume, LabelMap]:
    """Return image and labels of a case; a phantom has both."""
    return cast("tuple[Volume, LabelMap]", (case.image, case.labels))
