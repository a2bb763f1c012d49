"""Which cases of another tool are for training, validation and testing: :func:`with_splits`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ...core.errors import SplitError, shown
from ...core.rng import stream
from ..plan import plan_splits
from ..schema import SPLITS
from .listing import Entry


def with_splits(
    entries: Iterable[Entry], source: Path, validation_split: float, test_split: float, seed: int
) -> tuple[Entry, ...]:
    """Give a split to every case that has none, and return all, those for training first.

    Patients, not cases, are drawn, so that no patient is in two splits. A split that the source has fixed already
    gets no more.

    Parameters
    ----------
    source
        Where the cases come from, for the message.
    validation_split, test_split
        Fractions of the patients that have no split yet.
    seed
        Of the draw.

    Raises
    ------
    SplitError
        If the source itself has a patient in two splits.
    ConfigError
        If a fraction cannot be used.
    """
    entries = tuple(entries)
    fixed = {entry.split for entry in entries if entry.split}
    splits = {patient: split for split, patient in _fixed(entries, source)}
    left = sorted({entry.patient for entry in entries if not entry.split} - set(splits))
    plan_splits(1, validation_split, test_split)  # fractions are checked even if there is nothing to draw
    if left:
        order = stream(seed, step="import").permutation(len(left))
        drawn = plan_splits(
            len(left), 0.0 if "val" in fixed else validation_split, 0.0 if "test" in fixed else test_split
        )
        splits |= {left[order[n]]: name for name, places in drawn.items() for n in places}
    placed = [replace(entry, split=entry.split or splits[entry.patient]) for entry in entries]
    return tuple(sorted(placed, key=lambda entry: SPLITS.index(entry.split)))  # stable: the source's order is kept


def _fixed(entries: Iterable[Entry], source: Path) -> Iterable[tuple[str, str]]:
    """Split and patient of the cases that have a split."""
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.split:
            split = seen.setdefault(entry.patient, entry.split)
            if split != entry.split:
                found = f"{source} has patient {shown(entry.patient)} in {split} and in {entry.split}"
                raise SplitError(f"{found}; expected each patient in one split")
            yield split, entry.patient
