"""Images rendered while a network trains: :class:`RenderDataset`, and batches on a GPU: :func:`render_batch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset

from ..core.case import Case, case_id
from ..core.errors import ConfigError, GridError, LabelError, shown
from ..core.labels import LabelMap
from ..core.record import plain
from ..core.rng import stream
from ..core.volume import Volume
from ..io import read_case, read_labels, read_volume
from .carrying import carry
from .engine import render_tensor
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
        return {**_rendered(drawn, self.step, "cpu"), **self._others(index, drawn)}

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
        return carry(part, drawn.params, grid=self.step.grid)


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
        try:
            params = whole.step.draw(case, stream(whole.seed, number, whole.step.name))
        except (ConfigError, LabelError) as error:
            raise type(error)(f"item {index}, case {case.id!r}: {error}") from error
        return Drawn(case, plain(params), {"seed": int(whole.seed), "case": number, "occurrence": 0})


def render_batch(drawn: Sequence[Drawn], step: Render, *, device: torch.device | str = "cpu") -> dict[str, Any]:
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
        What :meth:`RenderDataset.__getitem__` gives, with a first axis more: ``image`` float32 ``(B, C, z, y, x)``,
        ``labels`` int64 ``(B, 1, z, y, x)``; ``id`` is a list.

    Raises
    ------
    ConfigError
        If there is no item.
    GridError
        If the images are not of one size; a step with ``crop`` makes them so.
    """
    if not drawn:
        raise ConfigError("render_batch got no items; expected at least one")
    made = [_rendered(item, step, device) for item in drawn]
    sizes = ["×".join(str(n) for n in item["image"].shape[1:]) for item in made]
    other = next((size for size in sizes if size != sizes[0]), None)
    if other is not None:
        raise GridError(
            f"a batch has images of {sizes[0]} and {other} voxels; expected one size (Render.crop gives it)"
        )
    batch: dict[str, Any] = {name: [item[name] for item in made] for name in made[0]}
    return {name: values if name == "id" else torch.stack(values) for name, values in batch.items()}


def _rendered(drawn: Drawn, step: Render, device: torch.device | str) -> dict[str, Any]:
    """Return image, labels and, if the case has them, instances as tensors with a leading channel; and the id."""
    source = step.read_labels(drawn.case)
    image, labels = render_tensor(source, drawn.params, step, device=device)
    made: dict[str, Any] = {"image": image, "labels": labels[None]}
    if source.ndim == 2:
        made = {name: tensor[:, 0] for name, tensor in made.items()}
    if drawn.case.instances is not None:
        instances = carry(drawn.case.instances, drawn.params, grid=step.grid)
        made["instances"] = _tensor(instances, np.int64).to(device)
    return {**made, "id": drawn.case.id}


def _case(source: LabelSource) -> Case:
    """Return a label map as a case, reading it if it is a path."""
    if isinstance(source, Case):
        return source
    if isinstance(source, LabelMap):
        return Case(id="labels", labels=source)
    path = Path(source)
    if path.is_dir():
        return read_case(path)
    return Case(id=case_id(path.name.partition(".")[0]), labels=read_labels(path))


def _tensor(part: Volume | LabelMap, dtype: type[Any]) -> torch.Tensor:
    has_channels = isinstance(part, Volume) and part.channels
    return torch.from_numpy((part.array if has_channels else part.array[None]).astype(dtype))


def _require_fitting(name: str, others: Sequence[Mapping[str, Any]], count: int) -> None:
    """Refuse other maps or images that are not listed for each label map, or have the name of an item's own part."""
    if len(others) not in (0, count):
        raise ConfigError(
            f"RenderDataset.{name} has {len(others)} entries; expected one for each of {count} label maps"
        )
    taken = next((key for entry in others for key in entry if key in _OWN), None)
    if taken is not None:
        raise ConfigError(f"RenderDataset.{name} has {shown(taken)}, which items have already; expected another name")
