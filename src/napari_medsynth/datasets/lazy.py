"""One split of a dataset as PyTorch loads it: :class:`LazyMedicalDataset`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from operator import index as whole_number
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..core.case import Case
from ..core.errors import ConfigError, ReadError, shown
from ..core.settings import nearest
from .folder import DatasetFolder
from .reader import Split
from .statistics import class_distribution

#: Takes ``(image, masks)`` and gives both; where masks are not loaded, takes and gives the image alone.
Transform = Callable[..., Any]


class LazyMedicalDataset(Dataset[dict[str, Any]]):
    """The samples of one split, each read from disk when it is asked for.

    It can be given to a ``DataLoader`` with any number of workers, however they are started: every process opens the
    file for itself.

    Parameters
    ----------
    data_path
        Folder of the dataset.
    split
        ``"train"``, ``"val"`` or ``"test"``.
    transform
        Called with ``(image, masks)``, returns both; with ``load_masks=False``, called with ``image``, returns it.
        It must be picklable if workers are spawned.
    load_masks
        Whether items have masks; without them, less is read.
    preload_metadata
        Whether presence and scenarios of all samples are made ready at once; otherwise when one is first asked for.

    Raises
    ------
    ReadError
        If there is no such dataset or split, or it is damaged, not finished or of a newer version.
    ConfigError
        If a ``transform`` is given for a dataset without images.
    """

    def __init__(
        self,
        data_path: str | Path,
        split: str = "train",
        transform: Transform | None = None,
        load_masks: bool = True,
        preload_metadata: bool = True,
    ) -> None:
        self.data_path = Path(data_path)
        self.split = split
        self.transform = transform
        self.load_masks = load_masks
        self._cases = Split.open(_file_of(self.data_path, split))
        if transform is not None and not self._cases.has_images:
            raise ConfigError(f"a transform is given, and {self._cases.path} has no images; expected none")
        if preload_metadata:
            _ = self._presence, self._scenarios

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a sample; negative numbers count from the end.

        Returns
        -------
        dict
            ``image``: float32 ``(Z, Y, X)``, values as stored; left out if the dataset has no images.
            ``masks``: uint8 ``(S, Z, Y, X)``, 0 or 1; left out unless they are loaded and there are some.
            ``presence_labels``: float32 ``(S,)``, 0 or 1, as losses want them.
            ``scenario``, ``case_id``: str. ``spacing``: float32 ``(3,)``, mm along z, y, x.

        Raises
        ------
        IndexError
            If there is no such sample.
        TypeError
            If ``index`` is not a whole number.
        ReadError
            If the sample is damaged.
        ConfigError
            If the transform does not return what it was given.
        """
        number = self._number(index)
        return {
            **self._transformed(self._tensors(number)),
            "presence_labels": self._presence[number].clone(),
            "scenario": self._scenarios[number],
            "case_id": self._cases.columns.case_ids[number],
            "spacing": torch.tensor(self._cases.spacing[number], dtype=torch.float32),
        }

    def case(self, index: int) -> Case:
        """Return a sample as a case: image, labels, where they lie and how they were made; no transform is applied."""
        return self._cases.case(self._number(index))

    @property
    def image_size(self) -> tuple[int, ...]:
        """Voxels of every image along ``(z, y, x)``, or ``(y, x)`` in a dataset of 2D images."""
        return self._cases.image_size

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures in the order of masks and presence."""
        return self._cases.structure_names

    def get_structure_names(self) -> list[str]:
        """Return the names of the structures in the order of masks and presence."""
        return list(self.structure_names)

    def get_class_distribution(self) -> dict[str, dict[str, float]]:
        """Return for each structure how many samples have it: ``{name: {"count", "total", "presence_rate"}}``."""
        return class_distribution(self._cases)

    @cached_property
    def _presence(self) -> torch.Tensor:
        return torch.from_numpy(self._cases.presence.astype(np.float32))

    @cached_property
    def _scenarios(self) -> tuple[str, ...]:
        return self._cases.columns.scenarios

    def _number(self, index: int) -> int:
        try:
            number = whole_number(index)
        except TypeError as error:
            found = f"sample {shown(index)} was asked for; expected a whole number"
            raise TypeError(f"{found} (torch.utils.data.Subset gives several)") from error
        if not -len(self) <= number < len(self):
            raise IndexError(f"sample {number} was asked for; {self._cases.path} has {len(self)}")
        return number % len(self)

    def _tensors(self, number: int) -> dict[str, torch.Tensor]:
        tensors = {}
        if self._cases.has_images:
            tensors["image"] = torch.from_numpy(self._cases.image(number).astype(np.float32))
        if self.load_masks and self._cases.has_labels:
            tensors["masks"] = torch.from_numpy(self._cases.masks(number))
        return tensors

    def _transformed(self, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
        if self.transform is None:
            return tensors
        made = self.transform(*tensors.values())
        if len(tensors) == 1:
            return {"image": made}
        if not isinstance(made, tuple | list) or len(made) != 2:
            raise ConfigError(f"the transform returned {type(made).__name__}; expected a pair, image and masks")
        return {"image": made[0], "masks": made[1]}


def _file_of(folder: Path, split: str) -> Path:
    """Return the file of a split; the other files of the dataset need not be there."""
    found = sorted(path.stem for path in folder.glob("*.h5"))
    if split in found:
        return folder / f"{split}.h5"
    known = found or sorted(DatasetFolder.open(folder).splits)  # which says why nothing is there
    raise ReadError(f"{folder} has no split {shown(split)}; {nearest(str(split), known)}")
