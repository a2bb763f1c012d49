"""An image gets labels from a model: the step :class:`Segment`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError, RecordError
from ..core.progress import Job, finish
from ..core.settings import setting
from ..core.step import Step
from ..core.volume import Volume
from .options import PredictOptions
from .prediction import Prediction, predict
from .spec import InputSpec

if TYPE_CHECKING:
    from .model import SegmentationModel


@dataclass(frozen=True, kw_only=True)
class Segment(Step):
    """Label an image with a model.

    The labels replace those of the case, with the names and colours of the model; all else stays. The record keeps the
    checksum of the model's weights: a history is replayed with the same model or not at all.
    """

    name: ClassVar[str] = "segment"

    model: Path = setting(help="File of the model's weights, or folder of a MONAI bundle")
    options: PredictOptions = setting(PredictOptions(), "How it is applied")
    device: str = setting("auto", "What the network runs on: auto, cpu, cuda or mps")
    inputs: InputSpec | None = setting(
        None, "What the network of a MONAI bundle is given; our models say it themselves"
    )

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Return which model it is, and the tiles for which there is memory.

        Raises
        ------
        ReadError
            If the model is missing or damaged.
        ConfigError
            If there is no image, no such device, or not enough memory.
        """
        return self._params(self.read_model(), _image(case))

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Segment the image with the model that ``params`` name.

        Raises
        ------
        RecordError
            If the model is another one than then.
        """
        return finish(self.applying(case, params))

    def applying(self, case: Case, params: Mapping[str, Any]) -> Job[Case]:
        """Do the same as a job that reports tiles."""
        model = self.read_model()
        found, expected = model.card.weights_sha256, params.get("weights_sha256")
        if found != expected:
            raise RecordError(f"{self.model} has weights {found[:12]}…; the record is of {str(expected)[:12]}…")
        made = yield from self._predict(model, case, params)
        return replace(case, labels=made.labels)

    def predicting(self, case: Case, model: SegmentationModel) -> Job[tuple[Case, Prediction]]:
        """Segment the image with this step's model, read already; returns the case with its record, and all else."""
        record = self._record_of(self._params(model, _image(case)), {})
        made = yield from self._predict(model, case, record.params)
        return case.with_record(record, labels=made.labels), made

    def read_model(self) -> SegmentationModel:
        """Read the model.

        Raises
        ------
        ReadError
            If it is missing or damaged.
        ConfigError
            If it is a MONAI bundle and ``inputs`` do not say what its network is given, or the other way round.
        """
        from .bundle import is_bundle
        from .model import SegmentationModel

        if is_bundle(self.model) != (self.inputs is not None):
            found = f"{self.model} is {'a' if self.inputs is None else 'no'} MONAI bundle"
            expected = (
                "what its network is given" if self.inputs is None else "no settings of inputs, its card has them"
            )
            raise ConfigError(f"{found}; expected {expected}")
        if self.inputs is not None:
            return SegmentationModel.from_bundle(self.model, self.inputs)
        return SegmentationModel.read(self.model)

    def _params(self, model: SegmentationModel, image: Volume) -> dict[str, Any]:
        from .inference import planned

        plan = planned(model, image, self.options, self.device)
        return {"weights_sha256": model.card.weights_sha256, "tile": list(plan.tile)}

    def _predict(self, model: SegmentationModel, case: Case, params: Mapping[str, Any]) -> Job[Prediction]:
        options = replace(self.options, tile=params.get("tile"))
        return predict(model, _image(case), options, device=self.device)


def _image(case: Case) -> Volume:
    if case.image is None:
        raise ConfigError(f"case {case.id!r} has no image; expected one to segment")
    return case.image
