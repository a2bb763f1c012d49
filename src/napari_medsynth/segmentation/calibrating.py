"""How sure models are and how often they are right, near structures: :class:`Calibration`."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import max_pool2d, max_pool3d

from ..core.labels import LabelMap
from ..core.volume import Volume
from ..metrics.calibration import Reliability
from .model import SegmentationModel
from .prepare import Prepared, looked_up
from .validation import logits_of, views
from .working import to_working, with_channels

#: Voxels of the working grid around true and found structures that count: far from them every model is sure, and right.
_REACH = 5


class Calibration:
    """Reliability of each series on each group of cases; models of a series are counted together.

    Of each case the same part is looked at as in validation: at most 32 slices, or a box of two patches along each
    axis. Of that, voxels within 5 of a true or found structure count.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Reliability] = {}

    def add(self, series: str, group: str, model: SegmentationModel, image: Volume, truth: LabelMap) -> None:
        """Count one case.

        Parameters
        ----------
        series, group
            Where to.
        model
            Its network gives the probabilities, without test-time flips.
        image, truth
            On one grid; the truth has the model's values.
        """
        known = self._found.setdefault((series, group), Reliability(len(model.values)))
        network = model.network.eval()
        device = next(p.device for p in network.parameters())
        with torch.inference_mode():
            for view in views(_prepared(model, image, truth)):
                inputs = torch.from_numpy(view.inputs).to(device)
                made = logits_of(network, inputs, model.spec.patch).softmax(1).cpu()
                there = torch.from_numpy(view.classes)
                near = _near((there > 0) | (made.argmax(1) > 0))
                known.add(made.movedim(1, 0).numpy(), there.numpy(), near.numpy())

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, by series and group."""
        made: dict[str, Any] = {}
        for (series, group), found in self._found.items():
            made.setdefault(series, {})[group] = found.to_json()
        return made


def _prepared(model: SegmentationModel, image: Volume, truth: LabelMap) -> Prepared:
    labels = to_working(truth, model.spec)
    classes = looked_up({value: number for number, value in enumerate(model.values)}, labels.array)
    working = to_working(with_channels(image, model.spec), model.spec)
    return Prepared(
        id="case", patient="case", image=working, labels=labels, classes=classes, table=model.labels, spec=model.spec
    )


def _near(there: torch.Tensor) -> torch.Tensor:
    """Return which voxels of ``(N, *size)`` lie near one that is there."""
    pool = max_pool2d if there.ndim == 3 else max_pool3d
    wide: torch.Tensor = pool(there.float()[:, None], 2 * _REACH + 1, stride=1, padding=_REACH)
    return wide[:, 0] > 0
