"""A small network, its data and its folder, for tests of the training loop."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from napari_medsynth.core.progress import Job, finish
from napari_medsynth.learning.checkpoints import Checkpoints
from napari_medsynth.learning.fit import Fitted, fit
from napari_medsynth.learning.learner import Learner
from napari_medsynth.learning.loop import Entry, Hooks
from napari_medsynth.learning.run import Run
from napari_medsynth.learning.settings import FitSettings


class ToyLearner(Learner):
    """Learns the sum of four numbers; its score is the negative error."""

    def __init__(self, settings: FitSettings, dropout: float = 0.3):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            layers = (nn.Linear(4, 16), nn.Dropout(dropout), nn.LayerNorm(16), nn.Linear(16, 1))
            super().__init__(nn.Sequential(*layers), settings)
        self._errors: list[float] = []
        self.validated_with: list[torch.Tensor] = []

    def training_step(self, batch: dict[str, Any], index: int) -> torch.Tensor:
        return (self.network(batch["image"]) - batch["labels"]).square().mean()

    def validation_step(self, case: dict[str, Any], index: int) -> None:
        self.validated_with.append(self.network[0].weight.detach().clone())
        self._errors.append(float((self.network(case["image"][None]) - case["labels"]).square().mean()))

    def validated(self) -> dict[str, Any]:
        errors, self._errors = self._errors, []
        mean = sum(errors) / len(errors) if errors else None
        return {"val_loss": mean, "score": None if mean is None else -mean}


class ToyExamples:
    """Sixteen examples a pass; those named in ``bad`` are NaN from the second pass on."""

    def __init__(self, bad: tuple[int, ...] = (), count: int = 16):
        self.epoch, self.bad, self.count = 0, bad, count

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict[str, Any]:
        image = torch.randn(4, generator=torch.Generator().manual_seed(1000 * self.epoch + number))
        value = image.sum()[None]
        return {
            "image": image / 0 if self.epoch and number in self.bad else image,
            "labels": value,
            "case": f"c{number}",
        }


@dataclass
class Toy:
    """One training in a folder."""

    folder: Path
    settings: FitSettings = field(default_factory=lambda: toy_settings())
    examples: Any = field(default_factory=ToyExamples)
    kept: list[Entry] = field(default_factory=list)
    learner: ToyLearner | None = None
    cases: int = 3
    dropout: float = 0.3

    @property
    def run(self) -> Run:
        return Run(self.folder)

    def job(self, *, resume: bool = False) -> Job[Fitted]:
        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoint = Checkpoints(self.run.checkpoints).newest() if resume else None
        if resume:
            self.run.cut_log(checkpoint.epoch if checkpoint else 0)
        self.learner = ToyLearner(self.settings, self.dropout)
        hooks = Hooks(keep=self.kept.append, show=lambda entry: None, ended=lambda entry: None)
        cases = [ToyExamples()[number] for number in range(self.cases)]
        return fit(self.learner, self.run, self.settings, self.examples, cases, hooks, checkpoint=checkpoint)

    def fit(self, *, resume: bool = False) -> Fitted:
        return finish(self.job(resume=resume))

    def losses(self) -> list[float]:
        return [entry["loss"] for entry in self.run.log()]


def toy_settings(**changes: Any) -> FitSettings:
    return FitSettings(**{"epochs": 3, "batch_size": 4, "device": "cpu", "threads": 1, **changes})


if __name__ == "__main__":  # a training in a process of its own: FOLDER SETTINGS [resume] [steady]
    toy = Toy(Path(sys.argv[1]), toy_settings(**json.loads(sys.argv[2])))
    toy.dropout = 0.0 if "steady" in sys.argv else toy.dropout
    toy.fit(resume="resume" in sys.argv)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
