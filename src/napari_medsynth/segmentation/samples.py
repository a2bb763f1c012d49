"""What a network learns from: :class:`Samples`, and all that a training needs, :func:`training_data`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..core.errors import ConfigError, LabelError
from ..core.labels import LabelTable
from ..core.progress import Job, Progress, finish
from ..core.rng import stream
from ..datasets.found import FoundCase
from ..rendering.workers import one_thread
from .augment import Augmenter, Floats
from .prepare import Prepared, prepare_cases
from .scans import Part, Scan
from .settings import TrainSettings
from .synthetic import Renderer, rendered_case, require_usable


class Samples(Dataset[dict[str, Any]]):
    """Examples for training, made when they are asked for.

    Item ``n`` of epoch ``e`` depends on the seed, ``e`` and ``n`` alone: the number of workers, their order and how
    they are started change nothing.

    Parameters
    ----------
    cases
        Prepared cases; real examples are of those that have an image.
    settings
        Source of examples, input, rendering, augmentation, share of foreground, and the seed.
    length
        Examples an epoch; left out, as many as there are cases, of 2D examples as there are slices with labels.

    Raises
    ------
    ConfigError
        If there is no case, none with an image where real images are wanted, or renderings do not fit the network.
    """

    def __init__(self, cases: Sequence[Prepared], settings: TrainSettings, *, length: int | None = None) -> None:
        if not cases:
            raise ConfigError("there is no case to train with; expected at least one")
        self.settings, self.spec = settings, settings.inputs
        self.epoch, self.patch = 0, settings.inputs.patch
        scans = [Scan(case, settings.inputs) for case in cases]
        self._synthetic: list[tuple[Scan, Renderer]] = []
        self._real: list[tuple[Scan, Augmenter]] = []
        if settings.source != "real":
            require_usable(settings.render, settings.inputs)
            self._synthetic = [(scan, Renderer(scan, settings.render)) for scan in scans]
        if settings.source != "synthetic":
            self._real = [(scan, Augmenter(scan, settings.augment)) for scan in scans if scan.inputs is not None]
            if not self._real:
                raise ConfigError(f"none of {len(scans)} cases has an image; expected some for source 'real'")
        flat = settings.inputs.ndim == 2
        self.length = length or (sum(len(scan.filled) for scan in scans) if flat else len(scans))

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Make the examples of another epoch, from 0; in a process of its own, it has to be told there."""
        if epoch < 0:
            raise ConfigError(f"epoch is {epoch}; expected a whole number from 0")
        self.epoch = epoch

    def set_patch(self, patch: Sequence[int]) -> None:
        """Make larger or smaller examples from now on, likewise."""
        if len(patch) != self.spec.ndim or min(patch) < 1:
            raise ConfigError(f"patch is {list(patch)}; expected {self.spec.ndim} numbers of voxels")
        self.patch = tuple(int(n) for n in patch)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return an example.

        Returns
        -------
        dict
            ``image``: float32 ``(C, *patch)``. ``labels``: int64 ``(*patch)``, classes. ``case``: id of its case.

        Raises
        ------
        IndexError
            If there is no such item.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of {self.length}")
        rng = stream(self.settings.fit.seed, index, "sample", self.epoch)
        share = {"synthetic": 0.0, "real": 1.0, "mixed": self.settings.real_share}[self.settings.source]
        with one_thread():
            return self._real_item(index, rng) if rng.random() < share else self._synthetic_item(index, rng)

    def _synthetic_item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        scan, render = self._synthetic[self._case(index, len(self._synthetic))]
        part = scan.part(self.patch, rng, foreground=self._is_foreground(rng), filled=True)
        made = render(part, rng)
        if made is None:  # nothing but background: nothing to render
            part = scan.part(self.patch, rng, foreground=True, filled=True)
            made = render(part, rng)
        if made is None:
            found = f"case {scan.id} has no label in the {list(self.patch)} voxels about its centre"
            raise LabelError(f"{found}; expected a structure to render (kind 'patches' looks for one)")
        return self._example(scan, part, *made)

    def _real_item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        scan, augment = self._real[self._case(index, len(self._real))]
        part = scan.part(self.patch, rng, foreground=self._is_foreground(rng), filled=False)
        return self._example(scan, part, *augment(part, rng))

    def _is_foreground(self, rng: np.random.Generator) -> bool:
        return bool(rng.random() < self.settings.foreground)

    def _case(self, index: int, count: int) -> int:
        """Return which case an item is of: each comes once before any comes again."""
        return _order(self.settings.fit.seed, self.epoch, index // count, count)[index % count]

    def _example(self, scan: Scan, part: Part, image: Floats, classes: torch.Tensor) -> dict[str, Any]:
        """Bring an example to its full size, and slices and slabs to two axes."""
        made = torch.from_numpy(image)
        if part.is_padded:
            sides = [n for pair in zip(reversed(part.before), reversed(part.after), strict=True) for n in pair]
            made, classes = (torch.nn.functional.pad(tensor, sides) for tensor in (made, classes))
        if self.spec.ndim == 2:
            classes = classes[classes.shape[0] // 2]
            made = made.reshape(-1, *made.shape[2:])
        return {"image": made.contiguous(), "labels": classes.contiguous(), "case": scan.id}


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training needs.

    Parameters
    ----------
    train
        Examples.
    val
        Cases to validate on, with images: of model A rendered ones, since it sees no real image.
    table
        Class ``k`` of the network is the ``k``-th entry.
    """

    train: Samples
    val: tuple[Prepared, ...]
    table: LabelTable


def training_data(
    train: Sequence[FoundCase], val: Sequence[FoundCase], settings: TrainSettings, *, table: LabelTable | None = None
) -> TrainingData:
    """Read and prepare the cases of a training; see :func:`preparing`."""
    return finish(preparing(train, val, settings, table=table))


def preparing(
    train: Sequence[FoundCase], val: Sequence[FoundCase], settings: TrainSettings, *, table: LabelTable | None = None
) -> Job[TrainingData]:
    """Read and prepare the cases of a training, as a job that reports each.

    Parameters
    ----------
    train, val
        The cases. For source ``"synthetic"`` their images are not opened, and none need have one.
    settings
        What is trained.
    table
        The classes, if a model is trained further; else all that ``settings.relabel`` makes, or without it the union of
        what the training cases have.

    Raises
    ------
    LabelError
        If a case is empty, or one has a structure that no training case has.
    ConfigError, GridError, ReadError
        If a case cannot be used; it is named.
    """
    cases = yield from prepare_cases(train, settings, table=table)
    samples = Samples(cases, settings)
    classes = cases[0].table
    held = list((yield from prepare_cases(val, settings, table=classes)))
    for number, case in enumerate(held):
        if case.image is None:
            yield Progress(number, len(held), f"rendering {case.id} to validate on")
            held[number] = rendered_case(case, settings.render, stream(settings.fit.seed, number, "validation"))
    return TrainingData(samples, tuple(held), classes)


@lru_cache(maxsize=64)
def _order(seed: int, epoch: int, around: int, count: int) -> list[int]:
    return [int(n) for n in stream(seed, around, "order", epoch).permutation(count)]
