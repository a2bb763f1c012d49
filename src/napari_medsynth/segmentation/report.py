"""An evaluation as one HTML page: :func:`report_html`. It runs no script and fetches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..datasets import report_page as page
from .report_charts import calibration, contrast, domain, reality_gap, robustness
from .report_tables import named, summary_tables
from .results import Evaluation, TestedModel

#: With fewer patients than these, an interval from resampling is too narrow to be believed.
_FEW = 10

TITLE = "How good the models are"


def report_html(found: Evaluation) -> str:
    """Return the page; the same evaluation gives the same page."""
    head = [page.heading(TITLE), page.tiles(_facts(found))]
    sections = (
        *_limits(found),
        *summary_tables(found),
        *contrast(found),
        *robustness(found),
        *reality_gap(found),
        *calibration(found),
        *domain(found),
        *_pictures(found),
        *_models(found),
        _origin(found),
    )
    return page.page(TITLE, head, sections)


def _facts(found: Evaluation) -> Iterator[tuple[str, str]]:
    yield str(len(found.models)), "models" if len(found.models) != 1 else "model"
    yield str(len(found.cases)), "scans" if len(found.cases) != 1 else "scan"
    yield str(_patients(found)), "patients" if _patients(found) != 1 else "patient"
    yield str(len(found.structures)), "structures" if len(found.structures) != 1 else "structure"
    yield str(len(found.conditions)), "conditions" if len(found.conditions) != 1 else "condition"
    yield str(found.made.get("when", ""))[:10], "made"


def _patients(found: Evaluation) -> int:
    return len({case.patient for case in found.cases})


def _limits(found: Evaluation) -> Iterator[str]:
    """What the numbers cannot say, before they are read."""
    patients = _patients(found)
    resampled = (
        f"N = {patients} patients. The intervals (95 %) are from resampling patients: they say how means would vary "
        "with other patients of the same kind, not with other hospitals, scanners or trainings."
    )
    said = [resampled]
    if patients < _FEW:
        said.append(f"With fewer than {_FEW} patients such intervals are too narrow: read differences with care.")
    alone = [name for name in found.series if sum(model.series == name for model in found.models) == 1]
    if alone:
        verb = "was" if len(alone) == 1 else "were"
        said.append(f"{' and '.join(alone)} {verb} trained once: how much another seed would change is not known.")
    said += found.notes
    items = "\n".join(f"<li>{page.plain(text)}</li>" for text in said)
    yield page.section("What these numbers cannot say", "Read this first.", f'<ul class="said">\n{items}\n</ul>')


def _pictures(found: Evaluation) -> Iterator[str]:
    if not found.pictures:
        return
    figures = "\n".join(
        page.picture(shot.png, f"{named(shot.case, shot.group)}: " + ", ".join(f"{m} {d:.2f}" for m, d in shot.models))
        for shot in found.pictures
    )
    note = "The scans with the lowest mean Dice: image, truth, then what each model found, named with its Dice below."
    yield page.section("Worst cases", note, f'<div class="wide">\n{figures}\n</div>')


def _models(found: Evaluation) -> Iterator[str]:
    rows = [_model_row(model) for model in found.models]
    head = ("model", "series", "seed", "network", "training cases", "weights")
    cards = [
        page.folded(
            f"Card of {model.name}", page.verbatim(json.dumps(_short(model.card), indent=1, ensure_ascii=False))
        )
        for model in found.models
    ]
    note = "Models of one series are repetitions of one training with other seeds; their scores are averaged."
    yield page.section("Models", note, page.table(head, rows), *cards)


def _model_row(model: TestedModel) -> tuple[str, ...]:
    network = model.card.get("network", {})
    size = f"{network.get('name', '')} {network.get('base_features', '')}".strip()
    training = model.card.get("training", {})
    cases = training.get("cases", {}) if isinstance(training, Mapping) else {}
    count = len(cases.get("train", [])) if isinstance(cases, Mapping) else 0
    weights = str(model.card.get("weights_sha256", ""))[:12]
    return model.name, model.series, str(model.seed), size, str(count) if count else "not said", weights


def _short(value: Any) -> Any:
    """Return a card without its lists of cases, which are long: how many there are instead."""
    if isinstance(value, Mapping):
        return {k: _counted(v) if k == "cases" else _short(v) for k, v in value.items()}
    return [_short(v) for v in value] if isinstance(value, list) else value


def _counted(cases: Any) -> Any:
    if not isinstance(cases, Mapping):
        return cases
    return {name: f"{len(part)} cases" if isinstance(part, list) else part for name, part in cases.items()}


def _origin(found: Evaluation) -> str:
    made = dict(found.made)
    command = str(made.pop("command", ""))
    about = json.dumps(made, indent=1, ensure_ascii=False)
    parts = [page.verbatim(command)] if command else []
    listed = ", ".join(named(case.id, case.group) for case in found.cases)
    note = "The same command on the same files gives the same scores. All of them are in results.csv and results.json."
    return page.section("How it was made", note, *parts, page.folded("Options and versions", page.verbatim(about)),
                        page.folded("Scans", page.verbatim(listed)))  # fmt: skip
