"""Make a dataset of any recipe, on one core or many machines: :func:`make_dataset`.

Workers make cases and send them back as bytes; this process alone writes, one file a case, each by a rename. Which
voxels a case has follows from the recipe's seed and the case's index, so neither the number of workers nor their
order, nor an interruption, changes a byte of what comes out. When all cases are there, each split is put together of
its cases without packing them again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ..core.errors import ConfigError, ReadError
from ..core.progress import Job, Progress
from ..core.recipe import Recipe
from .assemble import Outline, assemble
from .batches import Batches
from .cluster import usable_cores
from .crew import Crew, crew
from .folder import write_metadata
from .making import Made, Task, make_cases
from .parts import open_part, parts_in, write_part
from .reader import Split
from .schema import UNFINISHED
from .sources import Source, StrPath, find_sources
from .sums import Sums
from .unfinished import SUMS, Order, claimed
from .verify import verify

#: Unless the number of workers is given, this process works alone for so many seconds, and also if the rest would
#: take others no longer than they need to start.
ALONE, START = 2.0, 4.0

#: Seconds between two looks at whether the job was cancelled.
PATIENCE = 0.25


def make_dataset(
    recipe: Recipe,
    count: int,
    folder: StrPath,
    *,
    validation_split: float = 0.2,
    test_split: float = 0.1,
    workers: int | None = None,
    scheduler: str | None = None,
    sources: Iterable[Source | StrPath] = (),
) -> Job[Path]:
    """Make a dataset as a job; the same call goes on where an earlier one was stopped, however it was stopped.

    Parameters
    ----------
    recipe
        Steps that make a case from nothing, or change one of the sources.
    count
        How many cases, at least 1.
    folder
        Where to; new or empty, or with the same dataset, unfinished.
    validation_split, test_split
        Fractions of the cases to hold back; with sources, of the sources.
    workers
        How many processes make cases, at least 1, which is this one alone; as many as pay off if left out.
    scheduler
        Address of a Dask scheduler whose workers make them instead, e.g. ``"tcp://10.0.0.5:8786"``. They must have
        this version of this package, and find sources and what the recipe reads under the same paths.
    sources
        Cases to begin with, or where to find them; see :func:`~.sources.find_sources`. Case ``i`` begins with source
        ``i mod K``, and no source is in two splits.

    Returns
    -------
    Job[Path]
        Yields how many cases there are; its result is the folder.

    Raises
    ------
    ConfigError
        If a number cannot be used, the scheduler does not answer, or the folder holds anything else.
    SplitError
        If there are fewer sources than splits.
    WriteError
        If a file cannot be written, or someone else writes there; finished cases are kept.
    MedsynthError
        What a step raised, with the index of the case; finished cases are kept.
    """
    _require_workers(workers, scheduler)
    found = find_sources(sources)
    order = Order.of(recipe, count, validation_split, test_split, found)
    folder = Path(folder)
    with claimed(folder, order) as finished:
        if finished:
            yield Progress(count, count, "finished before")
            return folder
        sums = Sums(folder / UNFINISHED / SUMS)
        left = yield from _left(folder, order, sums)
        if left:
            cases = ((index, found[index % len(found)] if found else None) for index in left)
            batches = Batches(json.dumps(order.recipe), cases)
            # Closed here, whatever happens: left to the garbage collector, workers might be dismissed in Dask's thread.
            with closing(_made(batches, workers, scheduler)) as made:
                yield from _saved(folder, sums, Progress(count - len(left), count), made)
        yield from _assembled(folder, order)
    return folder


def _require_workers(workers: int | None, scheduler: str | None) -> None:
    if workers is None:
        return
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError(f"workers is {workers!r}; expected a whole number of at least 1")
    if scheduler is not None:
        raise ConfigError("workers and scheduler are both given; expected one of them")


def _made(batches: Batches, workers: int | None, scheduler: str | None) -> Generator[Made | None]:
    """Make all that is left; gives None now and then while nothing is finished."""
    if workers is None and scheduler is None:
        with crew(make_cases) as alone:
            yield from _worked(alone, batches, ALONE)
        workers = usable_cores() if batches.seconds_left > START else 1
    if batches:
        with crew(make_cases, workers=min(workers or 1, len(batches)), scheduler=scheduler) as many:
            yield from _worked(many, batches)


def _worked(team: Crew[Task, Made], batches: Batches, seconds: float = math.inf) -> Iterator[Made | None]:
    """Have a crew make what is left, or as much as it can in some seconds."""
    end = time.monotonic() + seconds
    running = 0
    while running or (batches and time.monotonic() < end):
        while running < team.slots and batches and time.monotonic() < end:
            team.submit(batches.next(team.slots))
            running += 1
        finished = team.finished(PATIENCE)
        running -= len(finished)
        for made in finished:
            batches.learn(made)
            yield made
        if not finished:
            yield None


def _saved(folder: Path, sums: Sums, before: Progress, made: Iterator[Made | None]) -> Job[None]:
    """Write each case as it comes in; raises what kept one from being made, after those before it are safe."""
    start = time.monotonic()
    new = 0
    meta = None
    yield replace(before, note="making cases")
    for batch in made:
        for part in () if batch is None else batch.parts:
            meta = part.meta if meta is None else meta.joined(part.meta, "an earlier case", f"case {part.index}")
            write_part(folder, part.index, part.data)
            sums.add(part.index, part.data)
            new += 1
        if batch is not None and batch.error is not None:
            raise batch.error
        now = replace(before, done=before.done + new)
        yield replace(now, note=_rate(new, now.total - now.done, time.monotonic() - start))


def _left(folder: Path, order: Order, sums: Sums) -> Job[list[int]]:
    """Return the indices of the cases that are neither in a split nor, whole, on their own."""
    left: list[int] = []
    done = 0
    parts = parts_in(folder)
    for name, indices in order.splits().items():
        if _is_split(folder / f"{name}.h5", indices):
            done += len(indices)
            continue
        for index in indices:
            if index in parts and _is_whole(parts[index], index, sums):
                done += 1
                yield Progress(done, order.count, "looking through the finished cases")
            else:
                left.append(index)
    return sorted(left)


def _is_split(path: Path, indices: Sequence[int]) -> bool:
    """Whether a split was put together; one that holds anything else is put together anew."""
    try:
        with Split.open(path) as split:
            return tuple(split.columns.indices) == tuple(indices)
    except ReadError:
        return False


def _is_whole(path: Path, index: int, sums: Sums) -> bool:
    """Whether a finished case is as it was written; one that is not is made again."""
    if index in sums:
        return sums.match(index, path)
    try:
        open_part(path, index).close()
    except ReadError:
        return False
    return not verify(path)


def _assembled(folder: Path, order: Order) -> Job[None]:
    """Put the splits together, then write the metadata; parts go when the file that holds them is there."""
    parts = parts_in(folder)
    splits = {name: {index: parts.get(index) for index in indices} for name, indices in order.splits().items()}
    open_splits = {name: found for name, paths in splits.items() if (found := _all_there(paths))}
    finished = (folder / f"{name}.h5" for name in splits if name not in open_splits)
    outline = Outline.of([*finished, *(path for found in open_splits.values() for path in found.values())])
    for name, found in open_splits.items():
        for step in assemble(found, outline, folder / f"{name}.h5", name):
            yield Progress(order.count, order.count, step.note)
        for path in found.values():
            path.unlink()
    for path in parts_in(folder).values():  # of splits that were there, if a process was killed while it deleted them
        path.unlink()
    write_metadata(folder, order=order.to_json())
    yield Progress(order.count, order.count, "finished")


def _all_there(paths: Mapping[int, Path | None]) -> dict[int, Path]:
    """Return the paths if there is one for every case, else nothing."""
    found = {index: path for index, path in paths.items() if path is not None}
    return found if len(found) == len(paths) else {}


def _rate(new: int, left: int, seconds: float) -> str:
    """Cases per second and time left."""
    if not new or seconds <= 0:
        return "making cases"
    rate = new / seconds
    return f"{rate:.3g} cases/s, {_span(left / rate)} left"


def _span(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"
