"""``medsynth evaluate``: the document's flags, the files that it writes, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.cli.evaluate import SHIFTED, Evaluate
from napari_medsynth.cli.flags import parsed
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.splitting import Split, write_split
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.segmentation.result_files import read_csv, read_results
from tiny_models import tiny_case, tiny_model

SPINE = LabelTable((Label(1, "vertebra 1", tissue="bone"), Label(13, "spinal canal", tissue="spinal canal")))
QUICK = ["--shifts", "none", "--device", "cpu"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three patients in SPIDER's layout, T1 and T2; models A and B, trained with patient 1."""
    folder = tmp_path_factory.mktemp("evaluate")
    for number in (1, 2, 3):
        case = tiny_case(number)
        labels = LabelMap(np.choose(case.labels.array, [0, 1, 100]).astype(np.uint8), case.labels.affine)
        for contrast, image in (("t1", case.image), ("t2", replace(case.image, array=600 - case.image.array))):
            write_volume(image, folder / "data/images/images" / f"{number}_{contrast}.mha")
            write_labels(labels, folder / "data/masks/masks" / f"{number}_{contrast}.mha")
    cases = find_cases(folder / "data")
    trained = [(c.id, c.patient, c.sums()[0]) for c in cases if c.id == "1_t1"]
    for name, source in (("model_a_synthetic", "synthetic"), ("model_b_real", "real")):
        model = tiny_model(name, source, steps=1, trained=trained, table=SPINE)
        model.save(folder / "models/saved" / f"{name}_best")
    parts = {
        name: tuple(c.id for c in cases if c.patient == p) for name, p in (("train", "1"), ("val", "2"), ("test", "3"))
    }
    write_split(folder / "models/saved/split.json", Split(**parts), cases)
    return folder


def test_the_defaults_are_those_of_the_document():
    flags = parsed(Evaluate, [], prog="medsynth evaluate", example="medsynth evaluate")
    assert [str(p) for p in (flags.data_dir, flags.model_dir)] == ["data", "models/saved"]
    assert str(flags.output_dir) == "results/evaluation_results"
    assert (flags.model, flags.num_classes, flags.resolution_factors) == ("both", 14, (1.0, 2.0, 3.0, 4.0))
    assert flags.options().shifts == SHIFTED


def test_test_patients_of_the_split_are_tested_by_contrast_and_the_files_written(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    words = ["evaluate", "--data-dir", "./data", "--shifts", "resolution", "--resolution-factors", "1.0,2.0"]
    assert main([*words, "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("vertebra 1", "spinal canal", "A (synthetic) (t1)", "B (real) (t2)"))
    found = read_results(place / "results/evaluation_results")
    assert [(case.id, case.group) for case in found.cases] == [("3_t1", "t1"), ("3_t2", "t2")]
    assert {(row.shift, row.level) for row in found.rows} == {("", 0.0), ("resolution", 2.0)}
    command = "medsynth evaluate --resolution-factors 1.0,2.0 --shifts resolution --device cpu"
    assert found.made["command"] == command
    assert len(read_csv(place / "results/evaluation_results/results.csv")) == len(found.rows) == 2 * 2 * 3
    assert "Reality gap" in (place / "results/evaluation_results/report.html").read_text(encoding="utf-8")


def test_models_can_be_named_and_cases_that_they_know_are_refused_unless_allowed(place, tmp_path, capsys):
    words = ["evaluate", "--data-dir", f"{place}/data", "--output-dir", f"{tmp_path}/out", *QUICK]
    words += ["--models", f"{place}/models/saved/model_b_real_best.safetensors"]
    assert main(words) == 1
    assert "case 1_t1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*words, "--allow-seen", "--max-cases", "1"]) == 0
    assert "not a fair test" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_progress_is_told_as_json(place, tmp_path, capsys):
    words = ["evaluate", "--data-dir", f"{place}/data", "--model-dir", f"{place}/models/saved", "--model", "compare"]
    assert main([*words, "--output-dir", str(tmp_path), *QUICK, "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["event"] for event in events} == {"progress", "note", "wrote", "done"}
    assert len(events[-1]["wrote"]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model-dir", "nowhere"], "train it with 'medsynth train --model A"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--num-classes", "2"], "has 3 classes; expected at most 2 (--num-classes)"),
        (["--shifts", "nois"], "did you mean 'noise'"),
        (["--max-cases", "0"], "--max-cases is 0"),
        (["--resolution-factors", "0.5"], "resolution shift has level 0.5"),
        (["--shifts", "none", "--model-dir", "broken"], "broken"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(place, monkeypatch, capsys, words, message):
    monkeypatch.chdir(place)
    broken = place / "broken"
    broken.mkdir(exist_ok=True)
    for name in ("model_a_synthetic_best", "model_b_real_best"):
        (broken / f"{name}.safetensors").write_bytes(b"not a model")
    assert main(["evaluate", "--device", "cpu", *words]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert message in said[0]
