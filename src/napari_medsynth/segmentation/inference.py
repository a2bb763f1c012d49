"""What :func:`~napari_medsynth.segmentation.prediction.predict` does; it loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from torch import nn

from ..core.grid import Gridded
from ..core.labels import LabelMap, LabelTable
from ..core.progress import Job, Progress
from ..core.volume import Volume
from ..learning.devices import device_of
from ..rendering.flip import side_pairs
from .components import keep_largest
from .model import SegmentationModel
from .options import PredictOptions
from .planning import Plan, Planner
from .prediction import Prediction
from .restoring import Restoring
from .spec import InputSpec
from .tiles import Averaged, Mirror, Tiles
from .working import ORIENTATION, WorkingGrid, normalised, to_working, with_channels


def predicting(model: SegmentationModel, image: Volume, options: PredictOptions, device: str) -> Job[Prediction]:
    """Segment an image; see :func:`~napari_medsynth.segmentation.prediction.predict`."""
    image = with_channels(image, model.spec)
    planner = _planner(model, image, options, device)
    plan = planner.plan()
    yield Progress(0, 1, "preparing the image")
    inputs = inputs_of(image, model.spec)
    axis = _stack_axis(image, model.spec)
    restoring = Restoring(planner.grid, axis, planner.classes, uncertainty=options.uncertainty)
    with _ready(planner.network, planner.device):
        yield from _segmenting(planner, plan, inputs, restoring)
    return _prediction(model, image, options, plan, restoring)


def planned(model: SegmentationModel, image: Volume, options: PredictOptions, device: str) -> Plan:
    """Return the tiles that an image is segmented in, and the memory that it takes; nothing is segmented."""
    return _planner(model, with_channels(image, model.spec), options, device).plan()


def _planner(model: SegmentationModel, image: Volume, options: PredictOptions, device: str) -> Planner:
    return Planner(
        network=Averaged(model.network, mirrors_of(options.flips, model.labels, image, model.spec)),
        spec=model.spec,
        grid=WorkingGrid.of(image, model.spec),
        options=options,
        classes=len(model.values),
        divisor=model.divisor,
        device=device_of(device),
        uncertainty=options.uncertainty,
    )


def inputs_of(image: Volume, spec: InputSpec) -> torch.Tensor:
    """Return what a network is given of an image: float32 ``(N, C, row, column)``, or ``(1, C, z, y, x)``.

    Beyond the ends of a slab, slices are zeros, as they are in training.
    """
    working = to_working(image, spec)
    array = normalised(working.array, spec)
    array = array if working.channels else array[None]
    if spec.ndim == image.ndim:
        return torch.from_numpy(array[None])
    stacked = torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, 1 + spec.axis, 0)))
    return stacked if spec.kind == "slices" else _slabs(stacked, spec.slab)


def _slabs(slices: torch.Tensor, count: int) -> torch.Tensor:
    """Return a view ``(N, C, slab, row, column)`` as ``(N, C * slab, row, column)`` of ``(N, C, row, column)``."""
    around = nn.functional.pad(slices, (0, 0, 0, 0, 0, 0, count // 2, count // 2))
    neighbours = around.unfold(0, count, 1).movedim(-1, 2)
    return neighbours.reshape(len(slices), -1, *slices.shape[2:])


def mirrors_of(flips: str, labels: LabelTable, image: Gridded, spec: InputSpec) -> list[Mirror]:
    """Return the mirror images that are averaged.

    Mirrored from side to side, a left organ looks like a right one: classes that differ in their side alone change
    places. In slices that are parallel to the axis from side to side there is nothing to mirror that way.
    """
    side = _side_axis(image, spec)
    classes = _exchanged(labels)
    axes = range(-spec.ndim, 0)
    if flips == "none":
        return []
    if flips == "left-right":
        return [] if side is None else [Mirror((side,), classes)]
    chosen = (c for n in range(1, spec.ndim + 1) for c in combinations(axes, n))
    return [Mirror(c, classes if side in c else tuple(range(len(classes)))) for c in chosen]


def _side_axis(image: Gridded, spec: InputSpec) -> int | None:
    """Return the axis of a tile, counted from the end, that runs from side to side; None if none does."""
    if image.ndim == 2:
        letters = image.affine.orientation[1:]
    else:
        letters = "".join(c for n, c in enumerate(ORIENTATION) if spec.ndim == 3 or n != spec.axis)
    return next((n - len(letters) for n, letter in enumerate(letters) if letter in "LR"), None)


def _exchanged(labels: LabelTable) -> tuple[int, ...]:
    """Return, for each class, the one of the other side; itself where it has none."""
    number = {entry.value: n for n, entry in enumerate(labels, 1)}
    other = {number[a]: number[b] for pair in side_pairs(labels) for a, b in (pair, pair[::-1])}
    return tuple(other.get(n, n) for n in range(len(labels) + 1))


def _stack_axis(image: Gridded, spec: InputSpec) -> int | None:
    """Return the axis that slices are stacked along; that of a 2D image is the one it lacks."""
    if spec.ndim == 3:
        return None
    return spec.axis if image.ndim == 3 else 0


def _segmenting(planner: Planner, plan: Plan, inputs: torch.Tensor, restoring: Restoring) -> Job[None]:
    """Segment groups of slices, or the volume, tile by tile."""
    tiles = Tiles(planner.size, plan.tile, planner.options.overlap)
    total, done = len(inputs) * len(tiles.windows), 0
    all_found = torch.empty((plan.slices, planner.classes, *tiles.padded))  # once: fresh memory costs more than zeros
    for start in range(0, len(inputs), plan.slices):
        group = inputs[start : start + plan.slices]
        in_group = done
        found = all_found[: len(group)].zero_()
        for _ in tiles.blending(planner.network, group, found, plan.batch):
            done = min(done + plan.batch, in_group + len(group) * len(tiles.windows))
            yield Progress(done, total, f"tile {done} of {total}")
        inside = found[(slice(None), slice(None), *tiles.inside)]
        restoring.add(inside, start, logits=not planner.network.mirrors)


@contextmanager
def _ready(network: nn.Module, device: str) -> Iterator[None]:
    """Bring a network to a device, to be applied; afterwards it is where and as it was, and its memory there free."""
    home = next((p.device for p in network.parameters()), torch.device("cpu"))
    training = {module: module.training for module in network.modules()}
    network.to(device).eval()
    try:
        yield
    finally:
        network.to(home)
        for module, mode in training.items():
            module.training = mode
        if device == "cuda" and home.type != "cuda":
            torch.cuda.empty_cache()


def _prediction(
    model: SegmentationModel, image: Volume, options: PredictOptions, plan: Plan, restoring: Restoring
) -> Prediction:
    classes = keep_largest(restoring.classes) if options.largest_component else restoring.classes
    values = np.array(model.values, dtype=np.uint16 if max(model.values) > 255 else np.uint8)
    labels = LabelMap(restoring.grid.restored(values[classes]), image.affine, model.labels)
    uncertainty = None
    if restoring.entropy is not None:
        array = restoring.grid.restored(restoring.entropy)
        uncertainty = replace(image, array=array, modality="", channels=False)
    return Prediction(labels, uncertainty, plan.tile, plan.batch)
