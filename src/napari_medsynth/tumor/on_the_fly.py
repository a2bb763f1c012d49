"""Tumors placed while a network trains: :class:`TumorDataset`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from ..core.box import Box
from ..core.case import Case, case_id
from ..core.errors import ConfigError, SplitError
from ..core.labels import LabelMap
from ..core.rng import stream
from ..io import read_case
from .cut import pack, unpack
from .host import host_of, prepare_host
from .insert import InsertTumors, open_library
from .truth import require_image

#: A scan held in memory, or the paths of an image and, if there are, its labels, read when it is asked for.
HostSource = Case | tuple[str | Path, str | Path | None]


class TumorDataset(Dataset[dict[str, Any]]):
    """Scans with tumors placed anew each time they are asked for.

    What item ``n`` of epoch ``e`` holds depends on ``seed``, ``n`` and ``e`` alone: the number of workers, their
    order and how they are started change nothing.

    Parameters
    ----------
    hosts
        Scans to place tumors in. Paths are read when asked for, so that memory does not grow with their number.
    library
        Folder of the seeds; None to make lesions of numbers.
    step
        How tumors are placed; its ``library`` is replaced by ``library``.
    seed
        Root of all random streams.
    length
        Items an epoch; one a host if left out. Item ``n`` uses host ``n`` modulo their number.
    patch
        Voxels ``(z, y, x)`` of the part that is given, around a lesion or, if none was placed, around the host's
        middle; the whole scan if left out. A scan smaller than that is padded with its lowest value.
    reserved
        Patients kept for validation or testing. None of them may be a host, and no seed of theirs may be used.
    patient_of
        Gives the patient of a host's case id; by default the id itself.

    Raises
    ------
    SplitError
        If a reserved patient is among the hosts, or one of their seeds could be chosen.
    """

    def __init__(
        self,
        hosts: Sequence[HostSource],
        library: str | Path | None,
        step: InsertTumors | None = None,
        *,
        seed: int = 0,
        length: int | None = None,
        patch: tuple[int, int, int] | None = None,
        reserved: Collection[str] = (),
        patient_of: Callable[[str], str] = str,
    ) -> None:
        if not hosts:
            raise ConfigError("TumorDataset.hosts is empty; expected at least one scan")
        if patch is not None and min(patch) < 1:
            raise ConfigError(f"TumorDataset.patch is {patch}; expected three whole numbers above 0")
        self.step = replace(step or InsertTumors(), library=None if library is None else Path(library))
        self.hosts = tuple(_with_organ(host, self.step.organ) for host in hosts)
        self.seed = seed
        self.length = len(hosts) if length is None else length
        self.patch = patch
        self.epoch = 0
        self._organs: dict[int, str] = {}
        refuse_leaks([patient_of(_id_of(host)) for host in hosts], self.step, reserved)

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Draw anew: each epoch places other tumors. Call it before the workers of that epoch start."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return ``image`` float32, ``labels`` and ``instances`` int64, ``(1, z, y, x)``; ``id``; ``not_placed``."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of a dataset of {self.length}")
        number = self.epoch * self.length + index
        case = self.step(self._host(index % len(self.hosts)), seed=self.seed, index=number)
        box = self._window(case, number)
        parts = {"image": case.image, "labels": case.labels, "instances": case.instances}
        kinds: dict[str, type[Any]] = {"image": np.float32, "labels": np.int64, "instances": np.int64}
        tensors = {n: _tensor(part.array, box, kinds[n]) for n, part in parts.items() if part is not None}
        missed = [missed["why"] for missed in case.history[-1].params["not_placed"]]
        return {**tensors, "id": case.id, "not_placed": missed}

    def _host(self, index: int) -> Case:
        """Return a host with its organ, which is found once and kept packed: thousands of scans may be listed."""
        source = self.hosts[index]
        if isinstance(source, Case):
            return source
        case = read_case(*source)
        image = require_image(case)
        if index not in self._organs:
            self._organs[index] = pack(host_of(case, self.step.organ).array != 0)
        return replace(case, host=LabelMap(unpack(self._organs[index], image.shape), image.affine))

    def _window(self, case: Case, number: int) -> Box | None:
        """Return the box of the part that is given; it may reach beyond the scan."""
        if self.patch is None:
            return None
        rng = stream(self.seed, number, "patch")
        lesions = case.history[-1].params["lesions"]
        if lesions:
            middle = np.asarray(lesions[int(rng.integers(len(lesions)))]["centre"])
        else:
            host = prepare_host(host_of(case, self.step.organ)).box
            middle = np.mean([host.start, host.stop], axis=0)
        size = np.asarray(self.patch)
        start = np.rint(middle + rng.uniform(-0.25, 0.25, 3) * size - size / 2).astype(int)
        return Box(tuple(int(v) for v in start), tuple(int(v) for v in start + size))


def refuse_leaks(hosts: Sequence[str], step: InsertTumors, reserved: Collection[str]) -> None:
    """Refuse hosts of reserved patients, and a library from which a seed of theirs could be chosen.

    Raises
    ------
    SplitError
        Naming the patients.
    """
    kept = set(reserved)
    leaking = sorted(kept & set(hosts))
    if leaking:
        raise SplitError(
            f"hosts hold reserved patients {', '.join(leaking)}; expected none that is kept for validation"
        )
    if step.library is None:
        return
    seeds = open_library(step.library).search(exclude_patients=step.exclude_patients)
    leaking = sorted(kept & {info.patient for info in seeds})
    if leaking:
        found = f"{step.library} holds seeds of reserved patients {', '.join(leaking)}"
        raise SplitError(f"{found}; exclude them with InsertTumors.exclude_patients")


def _with_organ(host: HostSource, organ: str) -> HostSource:
    """Return a scan that is held in memory with its organ, so that it is found but once and shared by all workers."""
    return replace(host, host=host_of(host, organ)) if isinstance(host, Case) else host


def _id_of(host: HostSource) -> str:
    if isinstance(host, Case):
        return host.id
    return case_id(Path(host[0]).name.partition(".")[0])


def _tensor(array: npt.NDArray[Any], box: Box | None, dtype: type[Any]) -> torch.Tensor:
    """Return the part of an array inside ``box`` with a leading channel; what lies beyond it is its lowest value."""
    if box is None:
        return torch.from_numpy(array.astype(dtype)[None])
    inside = box.clipped(array.shape)
    out = np.full(box.shape, array.min(), dtype)
    if not inside.is_empty:
        out[inside.within(box).slices] = array[inside.slices]
    return torch.from_numpy(out[None])
