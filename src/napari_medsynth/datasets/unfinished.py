"""A dataset while it is being made: what was asked for, and who may go on with it.

Finished cases lie in ``.unfinished`` beside a plan of the whole. The same order goes on where an earlier one stopped,
however it stopped; another order is refused as soon as a case is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError, SplitError, WriteError, shown
from ..core.recipe import Recipe
from ..core.record import plain
from ..core.version import __version__
from ..io.atomic import write_json
from ..io.plainfile import read_json
from .inputs import inputs_of
from .lock import only_writer
from .parts import parts_in
from .plan import plan_splits
from .schema import METADATA, PLAN, REPORT, SPLITS, UNFINISHED
from .sources import Source

LOCK, SUMS = "lock", "sums.txt"

#: What a dataset's folder may hold besides files that were never finished.
KNOWN = {UNFINISHED, METADATA, REPORT, *(f"{name}.h5" for name in SPLITS)}

#: And how the names of pictures of its cases end.
PICTURE = ".png"


@dataclass(frozen=True)
class Order:
    """All that decides what a dataset holds, as plain JSON values.

    Parameters
    ----------
    recipe
        The recipe with all its settings and the seed.
    count
        How many cases.
    validation_split, test_split
        Fractions of the cases, or with sources, of the sources.
    sources
        Name and checksum of each source, in their order.
    inputs
        Path and checksum of each file that the recipe reads.
    version
        Of this package: another one may make other voxels.
    """

    recipe: Mapping[str, Any]
    count: int
    validation_split: float
    test_split: float
    sources: tuple[Mapping[str, str], ...] = ()
    inputs: tuple[Mapping[str, str], ...] = ()
    version: str = __version__

    @classmethod
    def of(
        cls, recipe: Recipe, count: int, validation_split: float, test_split: float, sources: Sequence[Source]
    ) -> Order:
        """Put an order together and check it.

        Raises
        ------
        ConfigError
            If count or a fraction cannot be used.
        SplitError
            If there are fewer sources than splits.
        ReadError
            If a file that the recipe names cannot be read.
        """
        known = tuple({"id": source.id, "sha256": source.sha256} for source in sources)
        read = inputs_of(recipe)
        order = cls(plain(recipe.to_json()), count, float(validation_split), float(test_split), known, read)
        order.splits()
        return order

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dict(plain(asdict(self)))

    def splits(self) -> dict[str, tuple[int, ...]]:
        """Return the indices of the cases of each split that has any, in ascending order.

        Cases of one source are never in two splits, so that with sources the fractions count them.
        """
        whole = plan_splits(self.count, self.validation_split, self.test_split)
        used = min(len(self.sources), self.count)
        if not used:
            return {name: tuple(indices) for name, indices in whole.items()}
        of_sources = _split_sources(used, self.validation_split, self.test_split)
        return {name: tuple(i for i in range(self.count) if i % used in kept) for name, kept in of_sources.items()}

    def difference(self, found: Mapping[str, Any]) -> str:
        """Say in what an order that was read differs from this one; empty if it is the same."""
        return _difference(self.to_json(), dict(found), "")


@contextmanager
def claimed(folder: Path, order: Order) -> Iterator[bool]:
    """Be the only one who writes a dataset while the block runs; gives whether it was finished before.

    Files that a killed process left half-written are deleted. If no case was finished in the end, nothing is left.

    Raises
    ------
    ConfigError
        If the folder holds anything but this order's dataset, finished or not.
    WriteError
        If someone else writes there, or the folder cannot be made.
    """
    _require_ours(folder)
    if _is_finished(folder, order):
        _require_same(folder, order, _ordered(folder / METADATA))
        yield True
        return
    hidden = folder / UNFINISHED
    try:
        hidden.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} could not be made: {error.strerror}") from error
    try:
        with only_writer(hidden / LOCK):
            yield from _begun(folder, order)
    finally:
        with suppress(OSError):  # not empty: there are cases to go on with
            hidden.rmdir()
            folder.rmdir()


def _begun(folder: Path, order: Order) -> Iterator[bool]:
    plan = folder / UNFINISHED / PLAN
    if plan.is_file() and _has_cases(folder):
        _require_same(folder, order, read_json(plan))
    elif (folder / METADATA).is_file():  # it was finished, and a split was lost since
        _require_same(folder, order, _ordered(folder / METADATA))
    _clean(folder)
    write_json(plan, order.to_json())
    try:
        yield False
    finally:
        if (folder / METADATA).is_file() or not _has_cases(folder):
            plan.unlink(missing_ok=True)
            (folder / UNFINISHED / SUMS).unlink(missing_ok=True)


def _require_ours(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; expected a folder for the dataset")
    names = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    strange = sorted(name for name in names - KNOWN if ".partial" not in name and not name.endswith(PICTURE))
    if strange or (names and not names & {UNFINISHED, METADATA}):
        found = ", ".join((strange or sorted(names))[:3])
        raise ConfigError(f"{folder} holds {shown(found)}; expected an empty or new folder, or a dataset to go on with")


def _is_finished(folder: Path, order: Order) -> bool:
    """Whether nothing is left to do: metadata is written last, and then the plan goes."""
    written = (folder / METADATA).is_file() and not (folder / UNFINISHED / PLAN).is_file()
    return written and all((folder / f"{name}.h5").is_file() for name in order.splits())


def _ordered(metadata: Path) -> Mapping[str, Any]:
    order = read_json(metadata).get("order")
    if not isinstance(order, dict):
        raise ConfigError(f"{metadata.parent} holds a dataset that was not made by a recipe; choose another folder")
    return order


def _require_same(folder: Path, order: Order, found: Mapping[str, Any]) -> None:
    difference = order.difference(found)
    if difference:
        raise ConfigError(f"{folder} holds another dataset: {difference}; choose another folder, or delete this one")


def _has_cases(folder: Path) -> bool:
    return any(folder.glob("*.h5")) or bool(parts_in(folder))


def _clean(folder: Path) -> None:
    """Delete what was being written when a process was killed."""
    for place in (folder, folder / UNFINISHED):
        for path in place.glob(".*.partial*"):
            path.unlink(missing_ok=True)


def _split_sources(used: int, validation_split: float, test_split: float) -> dict[str, range]:
    """Which sources belong to which split; :class:`SplitError` if a split that is wanted would get none."""
    splits = plan_splits(used, validation_split, test_split)
    wanted = {"train": 1.0, "val": validation_split, "test": test_split}
    empty = [name for name in SPLITS if wanted[name] > 0 and name not in splits]
    if not empty:
        return splits
    needed = sum(share > 0 for share in wanted.values())
    if used < needed:
        found = f"{used} source{'s' if used > 1 else ''} cannot fill {needed} splits without a patient in two of them"
        raise SplitError(f"{found}; expected at least {needed}, or a split of 0")
    sizes = {name: max(1, len(splits.get(name, ()))) for name in SPLITS[1:] if wanted[name] > 0}
    while sum(sizes.values()) >= used:
        sizes[max(sizes, key=lambda name: sizes[name])] -= 1
    ends = list(accumulate(sizes.values(), initial=used - sum(sizes.values())))
    held_back = {name: range(*ends[n : n + 2]) for n, name in enumerate(sizes)}
    return {"train": range(ends[0]), **held_back}


def _difference(ours: object, theirs: object, where: str) -> str:
    """Say where two JSON values differ first, and how."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = [(key, ours.get(key), theirs.get(key)) for key in {**ours, **theirs}]
        return next((d for key, a, b in pairs if (d := _difference(a, b, f"{where}.{key}" if where else key))), "")
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        trios = enumerate(zip(ours, theirs, strict=True))
        return next((d for n, (a, b) in trios if (d := _difference(a, b, f"{where}[{n}]"))), "")
    return "" if ours == theirs else f"its {where} is {shown(theirs)}, and {shown(ours)} was asked for"
