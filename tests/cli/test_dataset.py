"""`medsynth dataset` makes a dataset, goes on with one, and says in one line what cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest

import toys
from napari_medsynth.cli.app import main
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.step import step_class
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets import DatasetFolder, Split
from napari_medsynth.io import write_labels, write_volume


@pytest.fixture(autouse=True)
def recipe(tmp_path, monkeypatch):
    """A working folder with a recipe of a toy step."""
    toys.install(tmp_path / "packages", monkeypatch)
    step_class.cache_clear()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text("seed: 7\nsteps: [toy]\n")
    yield
    step_class.cache_clear()


def ran(*words):
    return main(["dataset", *map(str, words)])


def test_it_writes_a_dataset_and_its_report_and_says_where(tmp_path, capsys):
    assert ran("r.yaml", "-n", 6, "-o", "data", "--workers", 1) == 0
    assert capsys.readouterr().out == "wrote data\nwrote data/report.html\n"
    assert sum(len(DatasetFolder.open("data").split(name)) for name in ("train", "val", "test")) == 6
    assert (tmp_path / "data" / "report.html").is_file()


def test_again_it_says_that_nothing_is_left_to_do(capsys):
    words = ("r.yaml", "-n", 6, "-o", "data", "--workers", 1, "--no-report")
    assert ran(*words) == 0
    assert capsys.readouterr().out == "wrote data\n"
    assert ran(*words) == 0
    assert capsys.readouterr().out == "data was finished before, with the same cases\n"


def test_options_are_heeded():
    splits = ("--validation-split", 0.5, "--test_split", 0.25, "--seed", 9)
    assert ran("r.yaml", "-n", 4, "-o", "data", *splits, "--workers", 1, "--no-report") == 0
    dataset = DatasetFolder.open("data")
    assert {name: len(dataset.split(name)) for name in dataset.splits} == {"train": 1, "val": 2, "test": 1}
    assert dataset.metadata["seed"] == 9


def test_progress_as_json_tells_programs_how_far_it_is(capsys):
    assert ran("r.yaml", "-n", 5, "-o", "data", "--workers", 1, "--no-report", "--progress", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["total"] for event in events if event["event"] == "progress"} == {5}
    assert events[-2:] == [{"event": "wrote", "path": "data"}, {"event": "done", "wrote": ["data"]}]


def test_real_cases_by_folder_by_pairs_and_labels_alone(tmp_path):
    for n in range(3):
        write_volume(Volume(np.full((3, 4, 5), n, np.int16), modality="CT"), tmp_path / "scans" / f"p{n}.nii.gz")
        write_labels(LabelMap(np.full((3, 4, 5), n, np.uint8)), tmp_path / "scans" / f"p{n}_seg.nii.gz")
    (tmp_path / "scans").rename(tmp_path / "s")
    options = ("--workers", 1, "--no-report")
    labels = [f"s/p{n}_seg.nii.gz" for n in range(3)]
    images = [f"s/p{n}.nii.gz" for n in range(3)]
    assert ran("r.yaml", "-n", 6, "-o", "a", "--source", "s", *options) == 0
    assert ran("r.yaml", "-n", 6, "-o", "b", "--images", *images, "--labels", *labels, *options) == 0
    assert ran("r.yaml", "-n", 6, "-o", "c", "--labels", *labels, *options) == 0
    assert (tmp_path / "a" / "train.h5").read_bytes() == (tmp_path / "b" / "train.h5").read_bytes()
    with Split.open("c/test.h5") as split:
        assert not split.has_images


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", 0), "the number of cases is 0; expected a whole number of at least 1"),
        (("-n", 5, "--workers", 0), "workers is 0; expected a whole number of at least 1"),
        (("-n", 5, "--validation-split", 0.6, "--test-split", 0.4), "expected less than 1, so that cases for training"),
        (("-n", 5, "--scheduler", "here"), "scheduler is 'here'; expected an address such as tcp://10.0.0.5:8786"),
        (("-n", 5, "--source", "nowhere"), "nowhere does not exist; expected a case, an image or a folder of them"),
        (("-n", 5, "--source", "a", "--labels", "b"), "--source and --images or --labels are given; expected one or"),
        (("-n", 5, "--seed", -1), "seed is -1; expected a whole number from 0"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path, capsys, words, said):
    assert ran("r.yaml", "-o", "data", *words) == 1
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_another_dataset_in_the_folder_is_not_touched(capsys):
    options = ("-o", "data", "--workers", 1, "--no-report")
    assert ran("r.yaml", "-n", 5, *options) == 0
    assert ran("r.yaml", "-n", 6, *options) == 1
    assert "data holds another dataset: its count is 5, and 6 was asked for" in capsys.readouterr().err
