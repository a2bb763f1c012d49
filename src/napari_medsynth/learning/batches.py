"""Batches of examples that depend on seed, epoch and number alone: :func:`train_loader`, :func:`validation_loader`.

Whoever makes an example, in this process or another, now or after a resume, makes the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from .settings import FitSettings

#: Which example: the epoch, the pass over all examples, the number in it.
Index = tuple[int, int, int]

#: Gives the size of the examples of an epoch.
Patches = Callable[[int], tuple[int, ...]]


class Examples(Protocol):
    """What a network learns from: example ``n`` of a pass depends on that pass and ``n`` alone; the order is drawn."""

    def __len__(self) -> int:
        """Return how many examples one pass has."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Return an example; a mapping may name what it was made of under ``"case"``."""
        ...

    def set_epoch(self, epoch: int) -> None:
        """Choose the pass, from 0."""
        ...


class ByIndex(Dataset[Any]):
    """Examples whose pass comes with the index, so that processes that make them need not be told of a new epoch.

    Parameters
    ----------
    examples
        The examples; if there are ``patches``, they have ``set_patch`` too.
    patches
        How large those of an epoch are; left out, as they are.
    """

    def __init__(self, examples: Any, patches: Patches | None = None) -> None:
        self._examples, self._patches = examples, patches
        self._at = (-1, -1)

    def __getitem__(self, index: Index) -> Any:
        epoch, pass_, number = index
        if self._at != (epoch, pass_):
            self._examples.set_epoch(pass_)
            if self._patches is not None:
                self._examples.set_patch(self._patches(epoch))
            self._at = (epoch, pass_)
        return self._examples[number]


class Schedule(Sampler[Index]):
    """Which examples an epoch has, batch after batch.

    An epoch of ``steps`` batches goes through the examples, and on to the next pass if it is longer than they last. Of
    the processes that train together, each takes every ``world``-th example of a batch.

    Parameters
    ----------
    examples
        How many there are.
    batch
        Examples in a batch of one process.
    steps
        Batches in an epoch; None: as many as show each example once, the last batch filled up from the next pass.
    epoch
        The first one, from 0: processes that make examples ask for some before the loop says where it is.
    rank, world
        Number of this process, and how many there are.
    """

    def __init__(
        self, examples: int, batch: int, steps: int | None, *, epoch: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        self._examples, self._epoch, self._rank, self._world = examples, epoch, rank, world
        self._count = (steps or -(-examples // (batch * world))) * batch

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the loop calls this."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Index]:
        passes = -(-self._count * self._world // self._examples)
        for place in range(self._rank, self._count * self._world, self._world):
            pass_, number = divmod(place, self._examples)
            yield self._epoch, self._epoch * passes + pass_, number


class EveryNth(Sampler[int]):
    """The validation cases of one process; where there are fewer than processes, each takes them all: means stay."""

    def __init__(self, count: int, rank: int, world: int) -> None:
        self._numbers = range(rank, count, world) if count >= world else range(count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)


def train_loader(
    examples: Examples,
    settings: FitSettings,
    *,
    patches: Patches | None = None,
    epoch: int = 0,
    rank: int = 0,
    world: int = 1,
    pin: bool = False,
) -> DataLoader[Any]:
    """Make the loader of training batches; its processes stay from epoch to epoch."""
    batch, steps = settings.batch_size, settings.steps_per_epoch
    return DataLoader(
        ByIndex(examples, patches),
        batch_size=batch,
        sampler=Schedule(len(examples), batch, steps, epoch=epoch, rank=rank, world=world),
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
        pin_memory=pin,
        generator=torch.Generator().manual_seed(settings.seed),  # else it draws from the global one
    )


def validation_loader(cases: Sequence[Any], *, rank: int = 0, world: int = 1) -> DataLoader[Any]:
    """Make the loader of validation cases, one at a time and as they are."""
    return DataLoader(
        cases,  # type: ignore[arg-type]  # any sequence will do
        batch_size=None,
        sampler=EveryNth(len(cases), rank, world),
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(0),
    )


def names_in(batch: object) -> tuple[str, ...]:
    """Return the cases that a batch was made of, if it says so."""
    named = batch.get("case", ()) if isinstance(batch, dict) else ()
    return tuple(dict.fromkeys(str(name) for name in named))


def _as_it_is(case: Any) -> Any:
    return case
