"""The lesions that are placed in one scan, with undo: :class:`Session`.

A state is a tuple of lesions in the order of placing, and the voxels are always what applying them in that order to
the untouched scan gives: what :func:`~napari_medsynth.core.step.replay` gives for :meth:`Session.records`. Going from
one state to another takes lesions off from the end, by the voxels that lay beneath, down to where the states part,
and puts the others on again. A lesion whose surroundings are what they were gets its old voxels; only the others are
blended anew. What is kept for this are boxes around lesions, never volumes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.box import Box
from ...core.case import Case
from ...core.labels import LabelMap
from ...core.record import Record, plain
from ...core.volume import Volume
from ...tumor.blend import CONTEXT, Patch
from ...tumor.insert import Insertion, InsertTumors
from ...tumor.seed import Seed
from ...tumor.truth import tumor_value
from .timeline import Timeline

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """What lesions that were placed together share: one record of the history.

    Parameters
    ----------
    step
        Settings; of a person's own lesions only the library matters.
    rng
        Which random stream drew them; empty if a person placed them.
    not_placed
        What could not be placed, and why.
    """

    step: InsertTumors
    rng: Mapping[str, int] = field(default_factory=dict)
    not_placed: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Placed:
    """A lesion in a scan: how it got there, the seed that it was made of, and its box in the scan."""

    entry: Insertion
    seed: Seed
    box: Box
    batch: Batch

    @property
    def name(self) -> str:
        """What it was made of."""
        made = self.entry.synthetic
        return self.entry.seed_id if made is None else f"made, {made.kind}"


@dataclass(frozen=True, eq=False)
class _Laid:
    """A lesion that is in the voxels now, and what lay beneath it."""

    placed: Placed
    patch: Patch
    image: npt.NDArray[Any]
    instances: npt.NDArray[np.uint16]


State = tuple[Placed, ...]
_Key = tuple[Placed, tuple[Patch, ...]]


class Session:
    """Lesions placed in one scan.

    Parameters
    ----------
    image
        The scan, ``(z, y, x)``. It is not changed; a working copy is made with the first lesion.
    labels
        Its label map, from which tumors get their value; None if there is none.
    """

    def __init__(self, image: Volume, labels: LabelMap | None = None) -> None:
        self.image = image
        self.labels = labels
        self._voxels: npt.NDArray[Any] | None = None
        self._instances: npt.NDArray[np.uint16] | None = None
        self._laid: list[_Laid] = []
        self._timeline: Timeline[State] = Timeline(())
        self._patches: dict[_Key, Patch] = {}
        self._value = tumor_value(labels)

    @property
    def voxels(self) -> npt.NDArray[Any]:
        """The scan as it is now, with its lesions; not to be changed by others."""
        return self.image.array if self._voxels is None else self._voxels

    @property
    def instances(self) -> npt.NDArray[np.uint16]:
        """Which voxel belongs to which lesion, as the scan is now; not to be changed by others."""
        if self._instances is None:
            self._instances = np.zeros(self.image.shape, dtype=np.uint16)
        return self._instances

    @property
    def placed(self) -> State:
        """The lesions that are there now, in the order of placing."""
        return self._timeline.now

    @property
    def taken(self) -> tuple[tuple[Box, Mask], ...]:
        """Box and voxels of every lesion that is there now."""
        return tuple((laid.patch.box, laid.patch.mask) for laid in self._laid)

    @property
    def next_instance(self) -> int:
        """The first number that no lesion has."""
        return max((p.entry.instance for p in self.placed), default=0) + 1

    @property
    def can_undo(self) -> bool:
        """Whether something was done."""
        return self._timeline.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return self._timeline.can_redo

    @property
    def kept_bytes(self) -> int:
        """Memory that undo takes, in bytes."""
        arrays = [a for laid in self._laid for a in (laid.image, laid.instances)]
        arrays += [a for patch in self._patches.values() for a in (patch.values, patch.mask)]
        return sum(a.nbytes for a in arrays)

    def add(self, new: Sequence[Placed], patches: Sequence[Patch] = ()) -> None:
        """Place lesions, in this order.

        Parameters
        ----------
        new
            The lesions.
        patches
            Their voxels, if they are known already: each blended into the scan with those before it.
        """
        for number, placed in enumerate(new):
            if patches:
                self._patches[placed, self._laid_beside(placed)] = patches[number]
            self._lay(placed)
        self._timeline.push((*self.placed, *new))
        self._forget()

    def remove(self, instance: int) -> None:
        """Take the lesion of this number out; the voxels beneath are restored."""
        state = tuple(p for p in self.placed if p.entry.instance != instance)
        self._go(state)
        self._timeline.push(state)
        self._forget()

    def undo(self) -> None:
        """Take the last thing that was done back, if there is one."""
        self._go(self._timeline.undo())

    def redo(self) -> None:
        """Do the last thing that was undone again, if there is one."""
        self._go(self._timeline.redo())

    def case(self, case_id: str, host: LabelMap | None = None) -> Case:
        """Return the scan as it is now as a case that shares its voxels."""
        instances = LabelMap(self.instances, self.image.affine) if self.placed else None
        image = Volume(self.voxels, self.image.affine, self.image.modality)
        return Case(id=case_id, image=image, labels=self.labels, instances=instances, host=host)

    def records(self) -> tuple[Record, ...]:
        """How the scan as it is now was made: one record for each run of lesions that were placed together."""
        return tuple(self._record(batch, list(group)) for batch, group in groupby(self.placed, lambda p: p.batch))

    def _record(self, batch: Batch, group: list[Placed]) -> Record:
        step = batch.step
        params = {
            "value": self._value,
            "lesions": [placed.entry.to_json() for placed in group],
            "not_placed": [dict(missed) for missed in batch.not_placed],
            "remarks": [],
        }
        return Record(step.name, step.version, plain(step.to_json()), plain(params), plain(dict(batch.rng)))

    def _go(self, state: State) -> None:
        """Bring the voxels to a state."""
        same = 0
        for laid, placed in zip(self._laid, state, strict=False):
            if laid.placed is not placed:
                break
            same += 1
        while len(self._laid) > same:
            self._take_off(self._laid.pop())
        for placed in state[same:]:
            self._lay(placed)

    def _take_off(self, laid: _Laid) -> None:
        where = laid.patch.box.slices
        self._working()[where] = laid.image
        self.instances[where] = laid.instances

    def _lay(self, placed: Placed) -> None:
        patch = self._patch(placed)
        voxels, where = self._working(), patch.box.slices
        self._laid.append(_Laid(placed, patch, voxels[where].copy(), self.instances[where].copy()))
        voxels[where] = patch.values
        self.instances[where][patch.mask] = placed.entry.instance

    def _patch(self, placed: Placed) -> Patch:
        """Blend a lesion, unless it was blended before into the very same surroundings."""
        key = (placed, self._laid_beside(placed))
        if key not in self._patches:
            lesion = placed.entry.lesion(placed.seed, self.image)
            self._patches[key] = placed.entry.patch(lesion, self.voxels, self.image.spacing)
        return self._patches[key]

    def _laid_beside(self, placed: Placed) -> tuple[Patch, ...]:
        """Lesions in the voxels that blending this one reads: all that its own voxels depend on."""
        around = placed.box.grown(CONTEXT)
        return tuple(laid.patch for laid in self._laid if laid.patch.box.overlaps(around))

    def _working(self) -> npt.NDArray[Any]:
        if self._voxels is None:
            self._voxels = self.image.array.copy()
        return self._voxels

    def _forget(self) -> None:
        """Let go of voxels that neither undo nor redo can ask for."""
        reachable = {placed for state in self._timeline.states for placed in state}
        self._patches = {key: patch for key, patch in self._patches.items() if key[0] in reachable}
