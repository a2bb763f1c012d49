"""Images rendered while a network trains: :class:`RenderDataset`, and batches on a GPU: :func:`render_batch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset

from ..core.case import Case, case_id
from ..core.errors import ConfigError, GridError, shown
from ..core.labels import LabelMap
from ..core.rng import stream
from ..core.volume import Volume
from ..io import read_case, read_labels, read_volume
from .carry import carry
from .step import Render

#: A label map, a case that has one, or the path of a label map or case folder, read when it is asked for.
LabelSource = LabelMap | Case | str | Path

Part = TypeVar("Part", Volume, LabelMap)

_OWN = ("image", "labels", "instances", "id")


@dataclass(frozen=True)
class Drawn:
    """A case with its labels, and what was drawn to render it: small work that is left to CPU workers.

    Parameters
    ----------
    case
        What is to be rendered.
    params
        What :meth:`~napari_medsynth.rendering.step.Render.draw` gave.
    rng
        Which random stream drew it, for the record.
    """

    case: Case
    params: dict[str, Any]
    rng: dict[str, int]


class RenderDataset(Dataset[dict[str, Any]]):
    """Label maps that get another image each time they are asked for.

    What item ``n`` of epoch ``e`` holds depends on ``seed``, ``n`` and ``e`` alone: the number of workers, their
    order and how they are started change nothing.

    Parameters
    ----------
    label_maps
        What to render. Paths are read when asked for, so that memory does not grow with their number.
    step
        How they are rendered; SynthSeg's way if left out. Its ``crop`` is the size of the patches that are given.
    seed
        Root of all random streams.
    length
        Items an epoch; one a label map if left out. Item ``n`` uses label map ``n`` modulo their number.
    also_labels, also_images
        For each label map, others on its grid under names of their own, or their paths: items have them as the same
        warp moved them, labels by the nearest voxel and images linearly.

    Raises
    ------
    ConfigError
        If there is no label map, or the others are not as many or have a name that items use already.
    """

    def __init__(
        self,
        label_maps: Sequence[LabelSource],
        step: Render | None = None,
        *,
        seed: int = 0,
        length: int | None = None,
        also_labels: Sequence[Mapping[str, LabelMap | str | Path]] = (),
        also_images: Sequence[Mapping[str, Volume | str | Path]] = (),
    ) -> None:
        if not len(label_maps):
            raise ConfigError("RenderDataset.label_maps is empty; expected at least one label map")
        if length is not None and length < 1:
            raise ConfigError(f"RenderDataset.length is {length}; expected a whole number above 0")
        for name, others in (("also_labels", also_labels), ("also_images", also_images)):
            _require_fitting(name, others, len(label_maps))
        stream(seed)
        self.label_maps = tuple(label_maps)
        self.step = Render() if step is None else step
        self.seed = seed
        self.length = len(label_maps) if length is None else length
        self.also_labels = tuple(also_labels)
        self.also_images = tuple(also_images)
        self.epoch = 0

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Draw anew: each epoch has other images. Call it before the workers of that epoch start."""
        if epoch < 0:
            raise ConfigError(f"epoch is {epoch}; expected a whole number from 0")
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return an item as tensors.

        Returns
        -------
        dict
            ``image``: float32 ``(C, z, y, x)``, or ``(C, y, x)`` of a 2D label map.
            ``labels``: int64 ``(1, z, y, x)`` or ``(1, y, x)``; ``instances`` likewise if the case has them.
            ``id``: str. What ``also_labels`` and ``also_images`` name, likewise.

        Raises
        ------
        IndexError
            If there is no such item.
        ReadError, LabelError, GridError, ConfigError
            If a file cannot be read, or a label map cannot be rendered as asked.
        """
        drawn = self.drawn[index]
        case = self.step.applied(drawn.case, drawn.params, drawn.rng)
        return {**tensors_of(case), **self._others(index, drawn)}

    def case(self, index: int) -> Case:
        """Return an item as a case: image and labels, where they lie and how they were made."""
        drawn = self.drawn[index]
        return self.step.applied(drawn.case, drawn.params, drawn.rng)

    @property
    def drawn(self) -> DrawnItems:
        """The same items, read and drawn but not rendered: what :func:`render_batch` takes."""
        return DrawnItems(self)

    def _others(self, index: int, drawn: Drawn) -> dict[str, torch.Tensor]:
        number, found = index % len(self.label_maps), dict[str, torch.Tensor]()
        for name, labels in (self.also_labels[number] if self.also_labels else {}).items():
            part = labels if isinstance(labels, LabelMap) else read_labels(labels)
            found[name] = _tensor(self._carried(name, part, drawn), np.int64)
        for name, image in (self.also_images[number] if self.also_images else {}).items():
            volume = image if isinstance(image, Volume) else read_volume(image)
            found[name] = _tensor(self._carried(name, volume, drawn), np.float32)
        return found

    def _carried(self, name: str, part: Part, drawn: Drawn) -> Part:
        if drawn.case.labels is not None:
            drawn.case.labels.require_same_grid(part, "the label map", name)
        return carry(part, drawn.params)


class DrawnItems(Dataset[Drawn]):
    """The items of a :class:`RenderDataset` before they are rendered, for ``DataLoader(…, collate_fn=list)``."""

    def __init__(self, dataset: RenderDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return self.dataset.length

    def __getitem__(self, index: int) -> Drawn:
        """Return a case with its labels and what was drawn; :class:`IndexError` if there is no such item."""
        whole = self.dataset
        if not 0 <= index < whole.length:
            raise IndexError(f"item {index} of a dataset of {whole.length}")
        number = whole.epoch * whole.length + index
        case = _case(whole.label_maps[index % len(whole.label_maps)])
        params = whole.step.draw(case, stream(whole.seed, number, whole.step.name))
        return Drawn(case, params, {"seed": int(whole.seed), "case": number, "occurrence": 0})


def render_batch(
    drawn: Sequence[Drawn], step: Render, *, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor | list[str]]:
    """Render several drawn items on one device.

    CPU workers read and draw while the GPU renders and trains::

        for drawn in DataLoader(dataset.drawn, batch_size=4, num_workers=2, collate_fn=list):
            batch = render_batch(drawn, dataset.step, device="cuda")

    Parameters
    ----------
    drawn
        Items of :attr:`RenderDataset.drawn`.
    step
        What drew them.
    device
        Where they are rendered and where the result lies. The shape, contrast and scanner of an item are the same on
        every device; its noise is a GPU's own there.

    Returns
    -------
    dict
        ``image``: float32 ``(B, C, z, y, x)``; ``labels``: int64 ``(B, 1, z, y, x)``; ``id``: a list. Without z for
        2D label maps.

    Raises
    ------
    ConfigError
        If there is no item.
    GridError
        If the images are not of one size; a step with ``crop`` makes them so.
    """
