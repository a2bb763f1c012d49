"""Evaluation: models on cases that they never saw, and the files and the report that come of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from napari_medsynth.core.errors import ConfigError, LabelError, ReadError, SplitError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.found import FoundCase
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.metrics.scoring import scores
from napari_medsynth.segmentation.evaluation import EvaluateOptions, evaluate
from napari_medsynth.segmentation.prediction import predict
from napari_medsynth.segmentation.result_files import (
    csv_text,
    read_csv,
    read_results,
    write_results,
)
from napari_medsynth.segmentation.summaries import curves, gap_of, summary
from tiny_models import tiny_case, tiny_model

OPTIONS = EvaluateOptions(shifts=("noise",), levels=(("noise", (0.0, 0.3)),), domain=False, worst=2)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def models():
    return {
        "first": tiny_model("<b>a&1", "synthetic", seed=1, steps=8),
        "second": tiny_model("a2", "synthetic", seed=2, steps=8),
        "real": tiny_model("b", "real", seed=1, steps=40, trained=[("x", "x", "0" * 64)]),
    }


@pytest.fixture(scope="module")
def groups():
    plain = [tiny_case(n) for n in range(3)]
    dark = [replace(c, id=f"{c.id}-t2", image=replace(c.image, array=600 - c.image.array)) for c in plain]
    return {"t1": plain, "t2": dark}


@pytest.fixture(scope="module")
def found(models, groups):
    return finish(evaluate(models, groups, OPTIONS, device="cpu"))


def test_there_is_a_row_for_each_model_case_condition_and_structure(found, models):
    assert len(found.rows) == len(models) * 2 * (3 * 2 + 3)  # the other kind of scan is not made worse
    assert {(row.shift, row.level) for row in found.rows if row.group == "t1"} == {("", 0.0), ("noise", 0.3)}
    assert {(row.shift, row.level) for row in found.rows if row.group == "t2"} == {("", 0.0)}
    assert found.structures == ("disc", "canal")


def test_scores_are_those_of_the_prediction(found, models, groups):
    case = groups["t1"][1]
    made = finish(predict(models["real"], case.image, device="cpu"))
    for score in scores(case.labels, made.labels):
        row = next(r for r in found.rows if (r.model, r.case, r.shift, r.value) == ("real", case.id, "", score.value))
        assert (row.dice, row.hd95_mm, row.truth_ml) == (score.dice, score.hd95_mm, score.truth_ml)


def test_models_that_differ_in_the_seed_alone_are_averaged(found):
    assert found.series == ("A (synthetic)", "B (real)")
    entry = next(
        e for e in summary(found, ("dice",)) if (e.series, e.group, e.structure) == (found.series[0], "t1", "disc")
    )
    rows = [
        r for r in found.rows if r.model in ("first", "second") and r.group == "t1" and not r.shift and r.value == 1
    ]
    assert len(rows) == 6
    assert entry.mean.estimate == pytest.approx(np.mean([row.dice for row in rows]))
    assert entry.mean.n == entry.cases == 3


def test_curves_begin_with_the_scans_as_they_are(found):
    (shift, lines), *others = curves(found).items()
    assert (shift, others) == ("noise", [])
    assert lines[1].levels == (0.0, 0.3)
    plain = next(e for e in summary(found, ("dice",)) if e.series == lines[1].series and e.group == "t1")
    assert lines[1].means[0].estimate == plain.mean.estimate
    assert lines[1].means[1].estimate != plain.mean.estimate


def test_the_gap_is_between_synthetic_and_real_training(found):
    gap = gap_of(found)
    assert gap.seeds == {"A": 2, "B": 1}
    assert gap.structures[0].difference.estimate == pytest.approx(
        gap.structures[0].b.estimate - gap.structures[0].a.estimate
    )
    alone = replace(found, models=found.models[:2])
    assert gap_of(alone) is None


def test_files_and_values_agree(found, tmp_path):
    paths = write_results(tmp_path / "out", found)
    assert [path.name for path in paths] == ["report.html", "results.csv", "results.json"]
    again = read_results(tmp_path / "out")
    assert again.to_json() == found.to_json()
    assert csv_text(read_csv(paths[1])) == csv_text(again.rows) == paths[1].read_text(encoding="utf-8")
    assert len(json.loads(paths[2].read_text(encoding="utf-8"))["scores"]) == len(found.rows)


class _Tags(HTMLParser):
    """What tags there are, and whether they are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.outside = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.outside += [v for k, v in attrs if k in ("src", "href") and not v.startswith("data:")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "br"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_says_what_it_has_to_and_fetches_nothing(found, tmp_path):
    report = write_results(tmp_path, found)[0].read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(report)
    assert not tags.open
    assert not tags.outside
    assert "script" not in tags.seen
    titles = re.findall(r"<h2>(.*?)</h2>", report)
    assert titles == ["What these numbers cannot say", "Structures", "Kinds of scan", "Robustness", "Reality gap",
                      "Calibration", "Worst cases", "Models", "How it was made"]  # fmt: skip
    assert report.count("data:image/png") == 2
    assert "With fewer than 10 patients" in report
    assert "<b>a&" not in report
    assert "&lt;b&gt;a&amp;1" in report


def test_the_same_models_and_cases_give_the_same_scores(found, models, groups):
    again = finish(evaluate(models, {"t1": groups["t1"][:1]}, OPTIONS, device="cpu"))
    mine = {(r.model, r.case, r.shift, r.value): r.dice for r in found.rows}
    assert all(mine[r.model, r.case, r.shift, r.value] == r.dice for r in again.rows)


@pytest.mark.parametrize("used", [("other", "case1", "0" * 64), ("other", "someone", "same file")])
def test_a_case_that_a_model_was_trained_with_is_refused_unless_allowed(used, tmp_path):
    case = tiny_case(1)
    write_volume(case.image, tmp_path / "scan.nii.gz")
    write_labels(case.labels, tmp_path / "labels.nii.gz")
    given = FoundCase(id="case1", patient="case1", image=tmp_path / "scan.nii.gz", labels=tmp_path / "labels.nii.gz")
    if used[2] == "same file":
        used = (*used[:2], given.sums()[0])
    models = {"b": tiny_model("b", "real", trained=[used])}
    options = replace(OPTIONS, shifts=(), worst=0)
    with pytest.raises(SplitError, match="case1"):
        finish(evaluate(models, [given], options, device="cpu"))
    allowed = finish(evaluate(models, [given], replace(options, allow_seen=True), device="cpu"))
    assert allowed.cases[0].seen
    assert any("not a fair test" in note for note in allowed.notes)


def test_training_of_the_model_that_a_model_started_from_counts(models):
    tuned = tiny_model("ft", "real", start=True, trained=[("y", "y", "1" * 64)])
    parent = {"settings": None, "cases": {"train": [{"id": "case0", "patient": "case0", "sha256": []}]}}
    card = replace(tuned.card, training={**tuned.card.training, "start": {"name": "a", "training": parent}})
    with pytest.raises(SplitError, match="case0"):
        finish(evaluate({"ft": replace(tuned, card=card)}, [tiny_case(0)], OPTIONS, device="cpu"))


def test_values_that_mean_something_else_are_refused():
    case = tiny_case(0)
    swapped = LabelTable((Label(1, "liver"), Label(2, "canal")))
    wrong = replace(case, labels=case.labels.with_table(swapped))
    with pytest.raises(LabelError, match="label 1 is 'liver' in case case0 and 'disc'"):
        finish(evaluate({"a": tiny_model("a")}, [wrong], OPTIONS, device="cpu"))


def test_labels_are_matched_by_name_where_values_differ(models):
    case = tiny_case(0)
    array = np.choose(case.labels.array, [0, 70, 40]).astype(np.uint8)
    other = LabelMap(array, case.labels.affine, LabelTable((Label(70, "Disc"), Label(40, "canal"))))
    options = replace(OPTIONS, shifts=())
    one = {"b": models["real"]}
    mine, theirs = (
        finish(evaluate(one, [given], options, device="cpu")).rows for given in (case, replace(case, labels=other))
    )
    assert [row.dice for row in mine] == [row.dice for row in theirs]


def test_structures_that_no_case_has_are_not_scored(models):
    case = tiny_case(0)
    only = replace(case, labels=replace(case.labels, array=np.where(case.labels.array == 1, 1, 0)))
    made = finish(evaluate({"b": models["real"]}, [only], replace(OPTIONS, shifts=()), device="cpu"))
    assert made.structures == ("disc",)
    assert "b: no case has canal; not scored" in made.notes


def test_rendered_and_real_images_are_told_apart(groups):
    models = {"a": tiny_model("a", "synthetic")}
    options = replace(OPTIONS, shifts=(), domain=True, calibration=False)
    made = finish(evaluate(models, groups["t1"], options, device="cpu"))
    assert 0 <= made.domain["A (synthetic)"]["auc"]["estimate"] <= 1
    alone = finish(evaluate(models, groups["t1"][:1], options, device="cpu"))
    assert not alone.domain
    assert any("two patients or more" in note for note in alone.notes)


def test_interrupted_nothing_is_written_and_an_earlier_report_stays(found, models, groups, tmp_path, monkeypatch):
    write_results(tmp_path, found)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    job = evaluate(models, groups, OPTIONS, device="cpu")
    for _ in range(12):
        next(job)
    job.close()
    monkeypatch.setattr(
        "napari_medsynth.segmentation.result_files.report_html", lambda found: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        write_results(tmp_path, replace(found, rows=found.rows[:4]))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "version 7"),
        ({"columns": ["a"]}, "columns"),
        ({"scores": [[1, 2]]}, "score 0"),
        ({"models": [{"name": "x"}]}, "models"),
        ({"notes": "x"}, "notes"),
    ],
)
def test_results_that_are_something_else_are_refused(found, tmp_path, change, message):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**found.to_json(), **change}))
    with pytest.raises(ReadError, match=message):
        read_results(path)


def test_tables_with_text_for_a_number_are_refused(found, tmp_path):
    path = tmp_path / "results.csv"
    lines = csv_text(found.rows).splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("disc", "disc,many")]))
    with pytest.raises(ReadError, match="line 2"):
        read_csv(path)


@pytest.mark.parametrize(
    ("models", "cases", "message"),
    [({}, [tiny_case(0)], "0 models"), ({"a": tiny_model("a")}, [], "no case"),
     ({"a": tiny_model("a")}, [tiny_case(0), tiny_case(0)], "more than once"),
     ({"a": tiny_model("a")}, [replace(tiny_case(0), image=None)], "no image")],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(models, cases, message):
    with pytest.raises(ConfigError, match=message):
        finish(evaluate(models, cases, OPTIONS, device="cpu"))


def test_an_unknown_shift_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'noise'"):
        EvaluateOptions(shifts=("noize",))


def test_the_models_are_as_they_were(models, groups):
    before = {name: [p.clone() for p in model.network.parameters()] for name, model in models.items()}
    state = torch.get_rng_state()
    finish(evaluate(models, groups["t1"][:1], replace(OPTIONS, shifts=()), device="cpu"))
    assert torch.equal(state, torch.get_rng_state())
    for name, model in models.items():
        assert all(torch.equal(a, b) for a, b in zip(before[name], model.network.parameters(), strict=True))
