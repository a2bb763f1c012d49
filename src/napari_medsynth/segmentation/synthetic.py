"""Examples of model A: a part of a label map, rendered; no image is read."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from ..core.case import Case
from ..core.errors import ConfigError, LabelError
from ..core.labels import LabelMap
from ..core.record import plain
from ..core.volume import Volume
from ..rendering.engine import render_tensor
from ..rendering.step import Render
from .prepare import Prepared, looked_up
from .scans import Part, Scan
from .spec import InputSpec
from .working import normalised


def require_usable(render: Render, spec: InputSpec) -> None:
    """Make sure that renderings are what the network is given.

    Raises
    ------
    ConfigError
        If they have other channels, or another grid than their labels.
    """
    made = 1 + len(render.also)
    if made != spec.channels:
        raise ConfigError(f"Render makes {made} channels and the network takes {spec.channels}; expected the same")
    if render.grid != "labels" or render.crop is not None:
        found = f"Render.grid is {render.grid!r} and crop {render.crop}"
        raise ConfigError(f"{found}; expected grid 'labels' and no crop (InputSpec.patch is the size of examples)")


class Renderer:
    """Renders parts of one scan.

    Parameters
    ----------
    scan
        Its labels are rendered with the values and names that they have; the classes come out.
    render
        How.
    """

    def __init__(self, scan: Scan, render: Render) -> None:
        self._scan = scan
        self._step = replace(render, relabel=tuple(scan.class_of.items()), targets=tuple(scan.class_of))

    def __call__(self, part: Part, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], torch.Tensor] | None:
        """Render a part.

        Returns
        -------
        image
            float32 ``(C, s, r, c)``, normalised.
        classes
            int64 ``(s, r, c)``. None in place of both if there is no label in the part: nothing could be rendered.
        """
        labels = self._scan.labels_in(part)
        if not labels.values():
            return None
        case = Case(id="part", labels=labels)
        try:
            params = self._step.draw(case, rng)
        except LabelError as error:
            raise LabelError(f"case {self._scan.id}: {error}") from error
        params["crop"] = {"start": list(part.start), "shape": list(part.shape)}
        image, classes = render_tensor(self._step.read_labels(case), params, self._step)
        return normalised(image.numpy(), self._scan.spec), classes


def rendered_case(case: Prepared, render: Render, rng: np.random.Generator) -> Prepared:
    """Return a whole case with an image that is rendered, and its labels as they are in that image."""
    step = replace(render, targets=tuple(case.class_of))
    source = Case(id="case", labels=case.labels)
    try:
        made = step.apply(source, plain(step.draw(source, rng)))
    except LabelError as error:
        raise LabelError(f"case {case.id}: {error}") from error
    labels = cast("LabelMap", made.labels)
    return replace(
        case, image=cast("Volume", made.image), labels=labels, classes=looked_up(case.class_of, labels.array)
    )
