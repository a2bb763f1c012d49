"""Which models a ``medsynth train`` makes, of which cases, and where they go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import ConfigError, WriteError
from ..core.rng import stream
from ..datasets.finding import find_cases
from ..datasets.found import CaseFacts, FoundCase
from ..datasets.splitting import Split, read_split, split_cases, split_facts, write_split
from ..learning.model_file import model_paths
from ..learning.run import Run
from ..segmentation.dummy import is_dummy
from ..segmentation.settings import Source, TrainSettings

#: Folder of each model's training, and what it learns from.
MODELS: dict[str, tuple[str, Source]] = {
    "A": ("model_a_synthetic", "synthetic"),
    "B": ("model_b_real", "real"),
    "mixed": ("model_mixed", "mixed"),
}

SPLIT = "split.json"

#: Folder of dummy data, beside the trainings.
DUMMY = "dummy_data"

#: SPIDER's names of scans.
_SCAN = re.compile(r"\d+_(t1|t2)(?:_space)?", re.IGNORECASE)

#: Folder of trainings whose name was taken again.
EARLIER = "earlier"


@dataclass(frozen=True)
class Planned:
    """One training: its folder, its settings, its cases, and which of them are for what."""

    run: Run
    settings: TrainSettings
    cases: tuple[FoundCase, ...]
    split: Split


@dataclass(frozen=True)
class Parts:
    """The cases that models learn from, are validated on and are tested on."""

    train: tuple[FoundCase, ...]
    val: tuple[FoundCase, ...]
    test: tuple[FoundCase, ...]

    def planned(self, run: Run, settings: TrainSettings, source: Source, *, count: int | None = None) -> Planned:
        """Plan one training.

        Parameters
        ----------
        run, settings, source
            Its folder; its settings but for the source of examples; that.
        count
            How many of the training cases it sees; None: all. Those of a smaller number are among those of a larger.

        Raises
        ------
        ConfigError
            If it needs images and there are none, or fewer cases than wanted.
        """
        train, val = self.train, self.val
        if source != "synthetic":
            train, val = (tuple(case for case in part if case.image is not None) for part in (train, val))
            if not train:
                raise ConfigError(f"no training case has an image; expected some for {run.name} to learn from")
        if count is not None and not 1 <= count <= len(train):
            raise ConfigError(f"--real-cases is {count}; expected 1 to {len(train)}, the training cases with an image")
        order = stream(settings.fit.seed, step="real cases").permutation(len(train))[: count or len(train)]
        parts = (tuple(train[place] for place in sorted(order)), val, self.test)
        ids = (tuple(case.id for case in part) for part in parts)
        split = Split(**dict(zip(("train", "val", "test"), ids, strict=True)))
        return Planned(run, replace(settings, source=source), tuple(case for part in parts for case in part), split)


def divided(
    cases: Sequence[FoundCase], split: Split, given: Sequence[FoundCase] = (), *, contrast: str = "any"
) -> Parts:
    """Return the cases of each part.

    Parameters
    ----------
    cases
        All of the folder.
    split
        Which is for what.
    given
        Validation cases of another folder, in place of those of the split.
    contrast
        ``"t1"`` or ``"t2"``: of SPIDER's scans, only those are learned from and validated on.

    Raises
    ------
    ConfigError
        If no training case is of that contrast.
    """
    train, val, test = (split.of(part, cases) for part in ("train", "val", "test"))
    if given:
        ids = {case.id for case in cases}
        val = tuple(replace(case, id=f"val-{case.id}") if case.id in ids else case for case in given)
    chosen = _of(contrast, train)
    if not chosen:
        raise ConfigError(f"--contrast is {contrast!r} and none of {len(train)} training cases is; expected 'any'")
    return Parts(chosen, _of(contrast, val), test)


def _of(contrast: str, cases: tuple[FoundCase, ...]) -> tuple[FoundCase, ...]:
    """Return SPIDER's scans of one contrast, and all others."""
    names = [match and match[1].lower() for match in (_SCAN.fullmatch(case.id) for case in cases)]
    return tuple(case for case, name in zip(cases, names, strict=True) if contrast == "any" or name in (None, contrast))


def plan(model: str, parts: Parts, settings: TrainSettings, place: Path, *, count: int | None) -> list[Planned]:
    """Return the trainings of a model, in their order.

    Parameters
    ----------
    model
        ``"A"``, ``"B"``, ``"both"``, ``"mixed"`` or ``"finetune"``.
    parts
        The cases.
    settings
        All but what differs between the models.
    place
        Where the folders of trainings are.
    count
        Real cases to learn from, see :meth:`Parts.planned`.

    Raises
    ------
    ConfigError
        As :meth:`Parts.planned` does, and if fine-tuning is not told on how many cases.
    """
    if model != "finetune":
        names = ("A", "B") if model == "both" else (model,)
        return [plan_one(name, parts, settings, place / MODELS[name][0], count=count) for name in names]
    if count is None:
        raise ConfigError("--model is 'finetune' without --real-cases; expected how many cases to fine-tune on")
    first = plan_one("A", parts, settings, place / MODELS["A"][0], count=None)
    tuned = replace(settings, start=first.run.best)
    last = parts.planned(Run(place / f"model_a_finetuned_{count}"), tuned, "real", count=count)
    return [last] if first.run.best.exists() else [first, last]


def plan_one(model: str, parts: Parts, settings: TrainSettings, folder: Path, *, count: int | None) -> Planned:
    """Return the training of model ``"A"``, ``"B"`` or ``"mixed"``; A sees no real case, however many others see."""
    source = MODELS[model][1]
    return parts.planned(Run(folder), settings, source, count=None if source == "synthetic" else count)


def shared_split(
    path: Path, cases: Sequence[FoundCase], *, validation: float, test: float, seed: int, dummy: Path
) -> Split:
    """Return the split that a file holds, or make one and write it.

    A split of dummy data gives way to one of other data. Any other has to be of these cases: models that lie beside it
    would be tested on what they learned from.

    Parameters
    ----------
    path
        ``split.json``.
    cases
        All cases.
    validation, test, seed
        See :func:`~napari_medsynth.datasets.splitting.split_cases`.
    dummy
        Where dummy data would be.

    Raises
    ------
    SplitError
        If the file is of other cases.
    """
    if path.exists() and (_are_in(dummy, cases) or not _is_of_dummies(path, dummy)):
        return read_split(path, cases)
    split = split_cases(cases, validation=validation, test=test, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_split(path, split, cases, seed=seed)
    return split


def make_room(run: Run) -> Path | None:
    """Put an earlier training of the same name, and its model, into the folder ``earlier``; returns where to.

    Raises
    ------
    WriteError
        If it is running, or cannot be moved.
    """
    if not run.exists() and not run.best.exists():  # a folder that holds data and settings only is not in the way
        return None
    if run.exists() and run.state() == "running":
        raise WriteError(f"{run.folder} is being trained; stop that first, or choose another folder")
    number = 1
    while (kept := Run(run.folder.parent / EARLIER / f"{run.name}-{number}")).folder.exists() or kept.best.exists():
        number += 1
    moved = {path: target for path, target in zip(_files(run), _files(kept), strict=True) if path.exists()}
    if not run.exists():
        moved.pop(run.folder, None)
    try:
        kept.folder.parent.mkdir(parents=True, exist_ok=True)
        for path, target in moved.items():
            path.rename(target)
    except OSError as error:
        raise WriteError(f"{run.folder} could not be moved to {kept.folder}: {error.strerror}") from error
    return kept.folder


def _files(run: Run) -> tuple[Path, ...]:
    return (run.folder, *model_paths(run.best))


def _are_in(folder: Path, cases: Sequence[FoundCase]) -> bool:
    return any(file.is_relative_to(folder) for file in cases[0].files)


def _is_of_dummies(path: Path, dummy: Path) -> bool:
    if not is_dummy(dummy):
        return False
    known = {CaseFacts.of(case) for case in find_cases(dummy)}
    return all(fact in known for facts in split_facts(path).values() for fact in facts)
