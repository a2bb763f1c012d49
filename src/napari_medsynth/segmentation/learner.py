"""A segmentation network in training: :class:`SegmentationLearner`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..core.labels import LabelTable
from ..learning.learner import Learner
from ..learning.losses import DiceCE
from ..learning.settings import FitSettings
from .model import SegmentationModel
from .prepare import Prepared
from .validation import Sums, View, logits_of, views


@dataclass(frozen=True, eq=False)
class Sample:
    """What was found on one slice of the first validation case.

    Parameters
    ----------
    image
        float32 ``(row, column)``, as the network gets it.
    truth, found
        Classes ``(row, column)``.
    upright
        Whether it is a plane of a 3D image in RAS+ orientation, to be shown with the head or the front up.
    """

    image: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    upright: bool


class SegmentationLearner(Learner):
    """Dice and cross-entropy of a network.

    Parameters
    ----------
    model
        What is trained, in place.
    settings
        How.
    """

    measure = "validation Dice"

    def __init__(self, model: SegmentationModel, settings: FitSettings) -> None:
        super().__init__(model.network, settings)
        self.loss = DiceCE()
        self.sample: Sample | None = None
        self._names = _names(model.labels)
        self._sums = Sums(len(model.labels) + 1)

    def training_step(self, batch: dict[str, Any], index: int) -> torch.Tensor:
        """Return the loss of ``image`` ``(B, C, *patch)`` and ``labels`` ``(B, *patch)``."""
        loss: torch.Tensor = self.loss(self.network(batch["image"]), batch["labels"])
        return loss

    def validation_step(self, case: Prepared, index: int) -> None:
        """Add a case to the sums; the fullest slice of the first one becomes the sample."""
        fullest = -1.0
        for view in views(case):
            truth = torch.from_numpy(view.classes).to(self.device)
            logits = logits_of(self.network, torch.from_numpy(view.inputs).to(self.device), case.spec.patch)
            found = logits.argmax(1)
            self._sums.add(truth, found, self.loss(logits, truth))
            number, full = view.fullest()
            if index == 0 and full > fullest:
                fullest = full
                middle = case.spec.slab // 2 if case.spec.kind == "slab" else 0
                self.sample = _sample(view, number, middle, truth, found, case.classes.ndim == 3)
        self._sums.end_case()

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Bring a batch to the device; of validation cases only views go there."""
        return batch if isinstance(batch, Prepared) else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def validated(self) -> Mapping[str, Any]:
        """Return loss, Dice of each structure by name, and their mean, which is the score."""
        flat = self._sums.flat()
        if self.trainer.world_size > 1:
            flat = self.trainer.strategy.reduce(flat.to(self.device), reduce_op="sum")
        loss, dice = Sums.read(flat.cpu())
        self._sums = Sums(len(self._names) + 1)
        known = [value for value in dice if value is not None]
        mean = sum(known) / len(known) if known else None
        named = dict(zip(self._names, dice, strict=True))
        finite = loss if loss is not None and math.isfinite(loss) else None
        return {"val_loss": finite, "val_dice": mean, "dice": named, "score": mean}


def _sample(view: View, number: int, channel: int, truth: torch.Tensor, found: torch.Tensor, upright: bool) -> Sample:
    arrays = (view.inputs[:, channel], truth.cpu().numpy(), found.cpu().numpy())
    image, there, seen = (np.copy(view.planes(array)[number]) for array in arrays)
    return Sample(image, there, seen, upright)


def _names(labels: LabelTable) -> list[str]:
    """Return the names of the structures; where two are called the same, with their values."""
    names = [entry.name for entry in labels]
    return [f"{entry.name} ({entry.value})" if names.count(entry.name) > 1 else entry.name for entry in labels]
