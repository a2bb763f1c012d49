"""`medsynth run` applies a recipe to a scan, and `medsynth verify` tells whether what was written still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.core import step as step_module
from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.settings import setting
from napari_medsynth.core.step import Step, replay, step_class
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_case, write_labels, write_volume


@dataclass(frozen=True, kw_only=True)
class AddNoise(Step):
    """A toy: adds noise to the image, and makes one if there is none."""

    name: ClassVar[str] = "add_noise"
    amount: float = setting(10.0, "how much", unit="HU", low=0.0)

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        return {"noise": int(rng.integers(2**53))}

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        image = case.image or Volume(np.zeros((3, 4, 5), np.int16))
        noise = np.random.default_rng(params["noise"]).normal(size=image.shape) * self.amount
        return replace(case, image=replace(image, array=(image.array + noise).astype(np.int16)))


class Entry:
    name = "add_noise"

    def load(self):
        return AddNoise


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Folder with a scan, its labels and a recipe of the toy step."""
    monkeypatch.setattr(step_module, "entry_points", lambda group: [Entry()])
    step_class.cache_clear()
    monkeypatch.chdir(tmp_path)
    write_volume(Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), modality="CT"), tmp_path / "ct.nii.gz")
    write_labels(LabelMap(np.ones((3, 4, 5), np.uint8)), tmp_path / "organs.nii.gz")
    (tmp_path / "r.yaml").write_text("seed: 7\nsteps: [add_noise]\n")
    yield tmp_path
    step_class.cache_clear()


def test_a_recipe_without_steps_needs_a_scan(folder, capsys):
    (folder / "empty.yaml").write_text("steps: []")
    assert main(["run", "empty.yaml", "-o", "out"]) == 1
    assert "empty.yaml has no steps, and no scan is given; expected one of them" in capsys.readouterr().err
    assert not (folder / "out").exists()
    assert main(["run", "empty.yaml", "-i", "ct.nii.gz", "-o", "out"]) == 0
    assert np.array_equal(read_case("out").image.array, read_case("ct.nii.gz").image.array)


def test_run_writes_a_case_that_replays_and_verifies(folder, capsys):
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-l", "organs.nii.gz", "-o", "out"]) == 0
    assert capsys.readouterr().out == "wrote out\n"
    before, made = read_case("ct.nii.gz", "organs.nii.gz"), read_case("out")
    np.testing.assert_array_equal(made.image.array, replay(before, made.history).image.array)
    assert made.labels.values() == (1,)
    assert Recipe.read(folder / "out" / "recipe.yaml") == Recipe(seed=7, steps=(AddNoise(),))
    assert main(["verify", "out"]) == 0
    assert capsys.readouterr().out == "out is whole and as recorded\n"


def test_seed_replaces_that_of_the_recipe(folder):
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-o", "seven"]) == 0
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-o", "again", "--seed", "7"]) == 0
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-o", "eight", "--seed", "8"]) == 0
    seven, again, eight = (read_case(name).image.array for name in ("seven", "again", "eight"))
    np.testing.assert_array_equal(seven, again)
    assert not np.array_equal(seven, eight)
    assert Recipe.read(folder / "eight" / "recipe.yaml").seed == 8


def test_run_begins_with_nothing_labels_or_a_case_that_was_written(folder):
    assert main(["run", "r.yaml", "-o", "from_nothing"]) == 0
    assert read_case("from_nothing").id == "r"
    assert main(["run", "r.yaml", "-l", "organs.nii.gz", "-o", "from_labels"]) == 0
    assert read_case("from_labels").id == "organs"
    assert read_case("from_labels").labels.values() == (1,)
    assert main(["run", "r.yaml", "-i", "from_labels", "-o", "twice"]) == 0
    assert len(read_case("twice").history) == 2


def test_a_case_is_replaced_only_if_that_is_asked_for(folder, capsys):
    words = ["run", "r.yaml", "-i", "ct.nii.gz", "-o", "out"]
    assert main(words) == 0
    first = (folder / "out" / "image.nii.gz").read_bytes()
    assert main([*words, "--seed", "8"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (folder / "out" / "image.nii.gz").read_bytes() == first
    assert main([*words, "--seed", "8", "--overwrite"]) == 0
    assert (folder / "out" / "image.nii.gz").read_bytes() != first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.yaml", "-o", "out"], "no.yaml does not exist"),
        (["r.yaml", "-i", "no.nii.gz", "-o", "out"], "no.nii.gz"),
        (["r.yaml", "-o", "out", "--seed", "-1"], "seed is -1; expected a whole number"),
    ],
)
def test_run_fails_in_one_line_and_writes_nothing(folder, capsys, words, said):
    before = sorted(folder.iterdir())
    assert main(["run", *words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(folder.iterdir()) == before


def test_verify_names_each_problem_and_fails(folder, capsys):
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-l", "organs.nii.gz", "-o", "out"]) == 0
    image = folder / "out" / "image.nii.gz"
    image.write_bytes(image.read_bytes()[:-5])
    (folder / "out" / "labels.nii.gz").unlink()
    capsys.readouterr()
    assert main(["verify", "out"]) == 1
    out, err = capsys.readouterr()
    assert [name for line in out.splitlines() for name in ("image.nii.gz", "labels.nii.gz") if name in line] == [
        "image.nii.gz",
        "labels.nii.gz",
    ]
    assert err == "medsynth: out has 2 problems\n"


def test_verify_tells_programs_what_it_found(folder, capsys):
    assert main(["run", "r.yaml", "-i", "ct.nii.gz", "-o", "out", "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"event": "done", "wrote": ["out"]}
    assert {"event": "progress", "done": 0, "total": 1, "note": "add_noise"} in events
    (folder / "out" / "image.nii.gz").unlink()
    assert main(["verify", "out", "--progress", "json"]) == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["event"] for e in events] == ["note", "error"]
