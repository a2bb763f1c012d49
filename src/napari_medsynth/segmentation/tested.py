"""What models were trained on, as their cards say: who is repeated, and who must not be tested on what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.case import Case
from ..core.errors import ConfigError, ReadError, SplitError, shown
from ..datasets.found import CaseFacts, FoundCase
from ..datasets.splitting import require_no_leak
from ..learning.card import ModelCard
from .model import SegmentationModel
from .prepare import Relabel
from .results import TestedCase, TestedModel
from .settings import TrainSettings

#: A case of a test: on disk, or in memory.
AnyCase = FoundCase | Case

#: Cases by the kind of scan that they are.
Groups = Mapping[str, Sequence[AnyCase]]

_KINDS = {"synthetic": "A", "real": "B", "mixed": "mixed"}


def settings_of(card: ModelCard) -> TrainSettings | None:
    """Return the settings of a model's training; None if its card does not say.

    Raises
    ------
    ReadError
        If they are not settings of a training.
    """
    found = card.training.get("settings")
    if found is None:
        return None
    try:
        return TrainSettings.from_json(found, f"card of {card.name}")
    except ConfigError as error:
        raise ReadError(str(error)) from error


def relabel_of(card: ModelCard) -> Relabel:
    """Return how label maps became the values of a model when it was trained."""
    settings = settings_of(card)
    return Relabel() if settings is None else Relabel.of(settings)


def tested_models(models: Mapping[str, SegmentationModel]) -> tuple[TestedModel, ...]:
    """Return what is known of models; those whose settings differ in the seed alone are of one series.

    Raises
    ------
    ReadError
        If the settings on a card cannot be read.
    """
    known = {name: _about(model.card) for name, model in models.items()}
    keys = {name: _key(model.card, name) for name, model in models.items()}
    first = {key: name for name, key in reversed(keys.items())}
    labels = {key: _label(*known[name]) or name for key, name in first.items()}
    unique = {key: label if list(labels.values()).count(label) == 1 else first[key] for key, label in labels.items()}
    return tuple(
        TestedModel(
            name=name,
            series=unique[keys[name]],
            kind=known[name][0],
            real_cases=known[name][1],
            seed=_seed(model.card),
            card=model.card.to_json(),
        )
        for name, model in models.items()
    )


def tested_cases(
    models: Mapping[str, SegmentationModel], groups: Groups, *, allow_seen: bool
) -> tuple[TestedCase, ...]:
    """Return what is known of cases, after looking whether a model was trained or chosen with one of them.

    Files of the cases are read in full for their checksums, if a model's card has any.

    Parameters
    ----------
    models, groups
        What is tested on what.
    allow_seen
        Say so in place of refusing.

    Raises
    ------
    SplitError
        If a case was for training or validation of a model, or is of such a patient, or shares a file.
    ConfigError
        If two cases have the same id.
    """
    used: dict[tuple[CaseFacts, ...], list[str]] = {}  # repetitions of a training have the same cases
    for name, model in models.items():
        used.setdefault(facts_of(model.card), []).append(name)
    found: list[TestedCase] = []
    for group, cases in groups.items():
        for case in cases:
            if any(case.id == other.id for other in found):
                raise ConfigError(f"test case {shown(case.id)} is there more than once; expected each id once")
            seen = _seen(case, used)
            if seen and not allow_seen:
                raise SplitError(f"{seen} (--allow-seen tests on it all the same, and says so)")
            patient = case.patient if isinstance(case, FoundCase) else case.id
            found.append(TestedCase(id=case.id, patient=patient, group=group, seen=seen))
    return tuple(found)


def facts_of(card: ModelCard) -> tuple[CaseFacts, ...]:
    """Return the cases that a model was trained or chosen with, those of the model that it started from included.

    Raises
    ------
    ReadError
        If the card's list is none.
    """
    found: list[CaseFacts] = []
    training: Any = card.training
    while isinstance(training, Mapping):
        cases = training.get("cases", {})
        for part in ("train", "val"):
            entries = cases.get(part, []) if isinstance(cases, Mapping) else None
            if not isinstance(entries, list):
                raise ReadError(
                    f"the card of {card.name} lists cases as {shown(cases)}; expected those of train and val"
                )
            found += [CaseFacts.from_json(entry, f"the card of {card.name}") for entry in entries]
        start = training.get("start")
        training = start.get("training") if isinstance(start, Mapping) else None
    return tuple(found)


def _seen(case: AnyCase, used: Mapping[tuple[CaseFacts, ...], Sequence[str]]) -> str:
    """Return how models know a case; empty if they do not."""
    told = []
    for facts, names in used.items():
        tested = case if isinstance(case, FoundCase) else CaseFacts(case.id, case.id, ())
        try:
            require_no_leak(facts, [tested] if facts else [])
        except SplitError as error:
            told.append(f"{' and '.join(names)}: {error}")
    return "; ".join(told)


def _about(card: ModelCard) -> tuple[str, int]:
    """Return of which kind a model is, and how many real cases it learned from."""
    settings = settings_of(card)
    if settings is None:
        return "", 0
    cases = card.training.get("cases", {})
    count = 0 if settings.source == "synthetic" or not isinstance(cases, Mapping) else len(cases.get("train", []))
    return ("finetuned" if settings.start is not None else _KINDS[settings.source]), count


def _label(kind: str, count: int) -> str:
    named = {"A": "A (synthetic)", "B": "B (real)", "mixed": "mixed", "finetuned": f"A + {count} real"}
    return named.get(kind, "")


def _key(card: ModelCard, name: str) -> str:
    """Return what models of one series have in common."""
    settings = settings_of(card)
    if settings is None:
        return name
    plain = settings.to_json()
    for name in ("seed", "device", "devices", "nodes", "workers"):
        plain["fit"].pop(name)
    plain["start"] = settings.start is not None
    return json.dumps([plain, _about(card)[1]], sort_keys=True)


def _seed(card: ModelCard) -> int:
    settings = settings_of(card)
    return 0 if settings is None else settings.fit.seed
