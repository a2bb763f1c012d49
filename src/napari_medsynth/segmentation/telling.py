"""How well what a model learned from can be told from the real thing: :func:`rendered_apart`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ..core.case import Case
from ..core.errors import ConfigError
from ..core.labels import LabelMap
from ..core.progress import Job, Progress
from ..core.rng import stream
from ..core.volume import Volume
from ..learning.card import ModelCard
from ..metrics.domain import DomainGap, domain_gap
from .prepare import Prepared, looked_up
from .spec import InputSpec
from .synthetic import rendered_case
from .tested import AnyCase, relabel_of, settings_of
from .truth import truth_for
from .working import to_working, with_channels

#: More cases than these are not rendered.
MOST = 12


def rendered_apart(
    card: ModelCard, cases: Sequence[AnyCase], patients: Mapping[str, str], seed: int
) -> Job[DomainGap | str | None]:
    """Render labels of cases as a model's training did, and train a classifier to tell them from the cases' images.

    Parameters
    ----------
    card
        Of the model.
    cases
        With image and labels; at most 12 of them are looked at, evenly spaced.
    patients
        Of each case, by its id.
    seed
        Of rendering and classifier.

    Returns
    -------
    Job
        None if the model did not learn from rendered images; text if it cannot be done, which says why.
    """
    settings = settings_of(card)
    if settings is None or settings.source == "real":
        return None
    chosen = [cases[n * len(cases) // min(MOST, len(cases))] for n in range(min(MOST, len(cases)))]
    if len({patients[case.id] for case in chosen}) < 2:
        return "cases of two patients or more are needed"
    rendered: dict[str, Volume] = {}
    real: dict[str, Volume] = {}
    for number, given in enumerate(chosen):
        yield Progress(number, len(chosen), f"rendering {given.id}")
        case = _prepared(card, given if isinstance(given, Case) else given.read())
        rng = stream(seed, number, "domain")
        rendered[f"rendered {given.id}"] = cast("Volume", rendered_case(case, settings.render, rng).image)
        real[given.id] = cast("Volume", case.image)
    owners = {name: patients[name.removeprefix("rendered ")] for name in (*rendered, *real)}
    yield Progress(len(chosen), len(chosen), "telling rendered from real")
    try:
        return domain_gap(rendered, real, patients=owners, seed=seed)
    except ConfigError as error:
        return str(error)


def _prepared(card: ModelCard, case: Case) -> Prepared:
    """Return a case on the working grid, its labels with the values and names that are rendered."""
    spec = InputSpec.from_json(card.inputs, "model card inputs")
    labels = relabel_of(card).named(to_working(cast("LabelMap", case.labels), spec))
    truth = truth_for(card, labels, case.id)
    number = {entry.value: n for n, entry in enumerate(card.labels, 1)}
    return Prepared(
        id=case.id,
        patient=case.id,
        image=to_working(with_channels(cast("Volume", case.image), spec), spec),
        labels=labels,
        classes=looked_up(number, truth.labels.array),
        table=card.labels,
        spec=spec,
        class_of={value: number[target] for value, target in truth.targets.items() if target},
    )
