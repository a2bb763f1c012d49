"""Which cases are for training, validation and test, patient by patient: :func:`split_cases`, written and checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ReadError, SplitError, shown
from ..core.rng import stream
from ..io import write_json
from ..io.plainfile import read_json
from .found import CaseFacts, FoundCase
from .plan import plan_splits
from .schema import SPLITS

StrPath = str | os.PathLike[str]

FORMAT = "napari-medsynth split"


@dataclass(frozen=True, kw_only=True)
class Split:
    """Ids of the cases for training, validation and test."""

    train: tuple[str, ...]
    val: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def of(self, part: str, cases: Iterable[FoundCase]) -> tuple[FoundCase, ...]:
        """Return those of ``cases`` that are in ``"train"``, ``"val"`` or ``"test"``, in their own order."""
        ids = set(getattr(self, part))
        return tuple(case for case in cases if case.id in ids)


def split_cases(cases: Sequence[FoundCase], *, validation: float = 0.2, test: float = 0.2, seed: int = 0) -> Split:
    """Divide cases by patient: the same cases and seed give the same split, in whatever order they come.

    What the layout has fixed stays so, and gets no more. Of two patients or more one is for validation, if any are
    wanted.

    Parameters
    ----------
    validation, test
        Fractions of the patients that have no split yet.
    seed
        Of the draw.

    Raises
    ------
    SplitError
        If the layout itself has a patient in two splits.
    ConfigError
        If a fraction cannot be used.
    """
    fixed = _fixed(cases)
    given = set(fixed.values())
    plan_splits(1, validation, test)  # fractions are checked even if there is nothing to draw
    left = sorted({case.patient for case in cases} - set(fixed))
    wanted = (0.0 if "val" in given else validation, 0.0 if "test" in given else test)
    placed = fixed | _drawn(left, *wanted, seed)
    parts = {name: tuple(case.id for case in cases if placed[case.patient] == name) for name in SPLITS}
    if not parts["train"]:
        raise SplitError(f"none of {len(cases)} cases is for training; expected some")
    return Split(**parts)


def write_split(path: StrPath, split: Split, cases: Sequence[FoundCase], *, seed: int | None = None) -> Path:
    """Write a split with patients and checksums; all files of the cases are read in full.

    Raises
    ------
    SplitError
        If a patient or a file is in two of its parts.
    WriteError
        If it cannot be written.
    """
    facts = {name: [CaseFacts.of(case) for case in split.of(name, cases)] for name in SPLITS}
    known = {case.id: case for case in cases}
    for ours, theirs in (("train", "val"), ("train", "test"), ("val", "test")):
        _require_apart(facts[ours], facts[theirs], known)
    value: dict[str, Any] = {name: [fact.to_json() for fact in found] for name, found in facts.items()}
    write_json(Path(path), {"format": FORMAT, "seed": seed, **value})
    return Path(path)


def read_split(path: StrPath, cases: Sequence[FoundCase] | None = None) -> Split:
    """Read a split.

    Parameters
    ----------
    path
        A file that :func:`write_split` wrote.
    cases
        The cases of the folder now: they have to be those of the split, of the same patients, with the same files.

    Raises
    ------
    ReadError
        If it is missing, damaged or something else.
    SplitError
        If it does not fit the cases; the first that differs is named.
    """
    facts = split_facts(path)
    split = Split(**{name: tuple(fact.id for fact in found) for name, found in facts.items()})
    if cases is not None:
        _require_fit(Path(path), [fact for found in facts.values() for fact in found], cases)
    return split


def split_facts(path: StrPath) -> dict[str, tuple[CaseFacts, ...]]:
    """Read what a split says of its cases, for each of ``"train"``, ``"val"`` and ``"test"``; raises ReadError."""
    path = Path(path)
    value = read_json(path)
    if value.get("format") != FORMAT:
        raise ReadError(f"{path} has format {shown(value.get('format'))}; expected {FORMAT!r}")
    found = {}
    for name in SPLITS:
        entries = value.get(name)
        if not isinstance(entries, list):
            raise ReadError(f"{path} has {name} = {shown(entries)}; expected a list of cases")
        found[name] = tuple(CaseFacts.from_json(entry, f"{path}, {name},") for entry in entries)
    return found


def require_no_leak(
    training_cases: Iterable[FoundCase | CaseFacts], test_cases: Iterable[FoundCase | CaseFacts]
) -> None:
    """Make sure that nothing of the test cases was trained with; all files are read in full.

    Raises
    ------
    SplitError
        If two cases are of one patient or have a file of the same content; both are named. Label maps that are empty
        may be the same.
    """
    training, testing = tuple(training_cases), tuple(test_cases)
    known = {case.id: case for case in (*training, *testing) if isinstance(case, FoundCase)}
    _require_apart([CaseFacts.of(case) for case in training], [CaseFacts.of(case) for case in testing], known)


def data_sum(cases: Iterable[FoundCase | CaseFacts]) -> str:
    """Return the SHA-256 over the checksums of all files of some cases, whatever their order."""
    sums = sorted(text for case in cases for text in CaseFacts.of(case).sha256)
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def _fixed(cases: Iterable[FoundCase]) -> dict[str, str]:
    """Return the split of each patient whose split the layout has fixed."""
    found: dict[str, str] = {}
    for case in cases:
        if case.split and found.setdefault(case.patient, case.split) != case.split:
            places = f"{found[case.patient]} and in {case.split}"
            raise SplitError(f"patient {shown(case.patient)} is in {places}; expected each patient in one split")
    return found


def _drawn(patients: Sequence[str], validation: float, test: float, seed: int) -> dict[str, str]:
    if not patients:
        return {}
    counts = {name: len(places) for name, places in plan_splits(len(patients), validation, test).items()}
    if validation and "val" not in counts and len(patients) > 1:
        counts |= {"val": 1, "train": counts["train"] - 1}
    if not counts["train"]:
        counts = {"train": 1, "val": 1}
    order = stream(seed, step="split").permutation(len(patients))
    names = [name for name in SPLITS for _ in range(counts.get(name, 0))]
    return {patients[place]: name for place, name in zip(order, names, strict=True)}


def _require_apart(training: Iterable[CaseFacts], testing: Iterable[CaseFacts], known: dict[str, FoundCase]) -> None:
    patients = {fact.patient: fact for fact in training}
    sums = {text: fact for fact in training for text in fact.sha256}
    for fact in testing:
        same = patients.get(fact.patient)
        if same is not None:
            found = f"case {same.id} and case {fact.id} are both of patient {shown(fact.patient)}"
            raise SplitError(f"{found}; expected no patient both in training and in what it is tested on")
        for number, text in enumerate(fact.sha256):
            if text in sums and not _is_empty_mask(known.get(fact.id), number):
                found = f"case {sums[text].id} and case {fact.id} have a file of the same content ({text[:12]}…)"
                raise SplitError(f"{found}; expected no file both in training and in what it is tested on")


def _is_empty_mask(case: FoundCase | None, number: int) -> bool:
    """Whether file ``number`` of a case is a label map without a label: those of two patients may be equal."""
    if case is None or case.number is not None or case.is_image(case.contents[number]):
        return False
    labels = case.read(image=False).labels
    return labels is not None and not labels.values()


def _require_fit(path: Path, facts: Sequence[CaseFacts], cases: Sequence[FoundCase]) -> None:
    listed = {fact.id: fact for fact in facts}
    found = {case.id: case for case in cases}
    for name in [*listed, *found]:
        if name not in found:
            raise SplitError(f"{path} lists case {shown(name)}, which is not in the folder; make a new split")
        if name not in listed:
            raise SplitError(f"{path} does not list case {shown(name)} of the folder; make a new split")
        now = CaseFacts.of(found[name])
        if now != listed[name]:
            differs = "is of another patient" if now.patient != listed[name].patient else "has other files"
            raise SplitError(
                f"case {name} {differs} than {path} says ({shown(asdict(listed[name]))}); make a new split"
            )
