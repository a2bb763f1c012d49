"""Images of one label map: drafts of a slice, and the whole: :class:`Studio`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.case import Case
from ...core.errors import ConfigError
from ...core.labels import LabelMap
from ...core.progress import Job
from ...core.record import plain
from ...core.rng import stream
from ...rendering.presets import preset
from ...rendering.stages import ARTEFACTS
from ...rendering.step import Render
from ..torch_loading import load_torch
from .thin import box_around
from .where import Where

Params = Mapping[str, Any]
Shape = tuple[int, ...]
FloatArray = npt.NDArray[np.float32]

_KEPT = 16  #: draws: those of the strip and some of the last
_PEAK = 48  #: bytes a voxel while the whole is made, and its layers


@dataclass(frozen=True, eq=False)
class Draft:
    """A slice of an image that is not made yet.

    Parameters
    ----------
    array
        Its voxels as a part of the label map's array: ``(z, y, x)`` with one voxel along the axis that is looked
        along, or ``(y, x)``.
    start
        Index of its first voxel in the label map.
    params
        What was drawn.
    note
        Why there is nothing to see, if there is not.
    """

    array: FloatArray | None
    start: tuple[int, ...]
    params: Params
    note: str = ""


class Studio:
    """Renders one label map, which never changes; what was drawn for it is kept for the next slice.

    Parameters
    ----------
    labels
        Upright, as the viewer shows it.
    """

    def __init__(self, labels: LabelMap) -> None:
        self.labels = _small(labels)
        self._case = Case(id="labels", labels=self.labels)
        self._drawn = lru_cache(maxsize=_KEPT)(self._draw)
        self._named: tuple[object, LabelMap] | None = None
        self._whole: tuple[tuple[Render, int], FloatArray] | None = None

    def draft(self, step: Render, seed: int, where: Where) -> Draft:
        """Render one slice as it is in the whole image, noise apart.

        Artefacts that mix all slices are only like those of the whole image; see :meth:`exact`.

        Parameters
        ----------
        step, seed
            What :meth:`making` would make.
        where
            The slice.

        Raises
        ------
        ConfigError
            If settings cannot be used.
        LabelError
            If there are no intensities for a label.
        """
        step = _plainly(step)
        params = self._drawn(step, seed)
        return self._cut(params, where, partial(self._thin, step, params))

    def exact(self, step: Render, seed: int, where: Where, stop: threading.Event) -> Draft | None:
        """Return the slice out of the whole image if :meth:`draft` is only like it, else None.

        Parameters
        ----------
        stop
            Once it is set, nobody waits for this any more: None is returned soon.
        """
        step = _plainly(step)
        params = self._drawn(step, seed)
        if not _mixes_slices(params):
            return None
        if self._whole is None or self._whole[0] != (step, seed):
            made = _until(self.making(step, seed), stop)
            if made is None:
                return None
            self._whole = (step, seed), _image_of(made)
        image = self._whole[1]
        return self._cut(params, where, lambda inside, shape: image[inside.box(shape).slices])

    def is_of(self, labels: LabelMap) -> bool:
        """Whether these are the labels that it renders: the same voxels, at the same place, of the same names."""
        same = self.labels.same_grid(labels) and self.labels.table == labels.table
        return same and np.array_equal(self.labels.array, labels.array)

    def named(self, step: Render) -> LabelMap:
        """Return the labels with the names and tissues that they have in a step; raises as the step does."""
        key = (step.scheme, step.preset, step.tissues)
        if self._named is None or self._named[0] != key:
            self._named = key, step.read_labels(self._case)
        return self._named[1]

    def require_affordable(self, budget: int) -> None:
        """Raise :class:`ConfigError` if making the whole image takes more than ``budget`` bytes."""
        needed = prod(self.labels.shape) * _PEAK
        if needed > budget:
            found = (
                f"{' × '.join(map(str, self.labels.shape))} voxels take {needed / 1e9:.1f} GB while they are rendered"
            )
            allowed = f"at most {budget / 1e9:.1f} GB may be used here (set MEDSYNTH_MAX_BYTES to change it)"
            raise ConfigError(f"{found}; {allowed}")

    def modality(self, step: Render) -> str:
        """Return what the image shows, e.g. ``"CT"``."""
        return preset(step.preset).modality

    def making(self, step: Render, seed: int) -> Job[Case]:
        """Make the image in full."""
        return step.run(self._case, seed=seed)

    def _draw(self, step: Render, seed: int) -> Params:
        return plain(step.draw(self._case, stream(seed, step=step.name)))  # type: ignore[no-any-return]

    def _cut(self, params: Params, where: Where, slice_of: Callable[[Where, Shape], FloatArray]) -> Draft:
        start, shape = _part(params, self.labels)
        inside = Where(where.axis, where.index - start[where.axis])
        if not 0 <= inside.index < shape[where.axis]:
            first = start[where.axis]
            part = f"slices {first} to {first + shape[where.axis] - 1}"
            return Draft(None, start, params, f"This seed takes {part}; you look at slice {where.index}")
        begin = np.add(start, inside.box(shape).start)
        return Draft(np.ascontiguousarray(slice_of(inside, shape)), tuple(begin.tolist()), params)

    def _thin(self, step: Render, params: Params, where: Where, shape: Shape) -> FloatArray:
        """Render a thin box around a slice, and take the slice out of it."""
        load_torch()
        from ...rendering.engine import rendered
        from ...rendering.workers import one_thread

        flat = len(shape) == 2
        box = None if flat else box_around(where, shape, self.labels.spacing, params)
        with one_thread():  # the other processors are left to the viewer
            array = _image_of(rendered(self._case, self.named(step), params, step, window=box))
        return array if box is None else array[where.box(shape).within(box).slices]


def _small(labels: LabelMap) -> LabelMap:
    """Return a label map as ``uint8`` if that holds its values: those are its own codes, draft after draft."""
    fits = labels.array.dtype != np.uint8 and max(labels.values(), default=0) < 256
    return replace(labels, array=labels.array.astype(np.uint8)) if fits else labels


def _plainly(step: Render) -> Render:
    """Return a step whose image is one channel on the voxels of the labels, all else the same."""
    return replace(step, grid="labels", also=())


def _mixes_slices(params: Params) -> bool:
    """Whether an artefact happens that is not made slice by slice."""
    return any(params["channels"][0][artefact.name] is not None for artefact in ARTEFACTS if artefact.name != "noise")


def _until(job: Job[Case], stop: threading.Event) -> Case | None:
    """Run a job to its end, or until nobody waits for it any more."""
    with closing(job):
        while not stop.is_set():
            try:
                next(job)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
    return None


def _part(params: Params, labels: LabelMap) -> tuple[Shape, Shape]:
    """Return start and shape of the part of the label map that is rendered."""
    crop = params["crop"]
    if crop is None:
        return (0,) * labels.ndim, labels.shape
    return tuple(crop["start"][-labels.ndim :]), tuple(crop["shape"][-labels.ndim :])


def _image_of(case: Case) -> FloatArray:
    if case.image is None:
        raise ConfigError(f"case {case.id!r} was rendered and has no image")
    return case.image.array
