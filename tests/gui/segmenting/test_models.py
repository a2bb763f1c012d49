"""What a folder of models says of itself, without opening weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from napari_medsynth.widgets.segmenting.models import list_models, validation_dice


@pytest.fixture
def folder(models, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(models, tmp_path / "copied")


def test_a_model_says_what_it_is(models):
    [found] = list_models(models)
    assert (found.name, found.problem, found.dice) == ("tiny", "", 0.875)
    about = found.describe()
    for part in ("disc, lesion", "MR, axial slices", "rendered label maps", "7 epochs", "Dice 0.875"):
        assert part in about


def test_what_is_no_model_is_left_out(folder):
    (folder / "results.json").write_text('{"dice": 1}')
    (folder / "notes.json").write_text("no JSON")
    (folder / "run").mkdir()
    assert len(list_models(folder)) == 1
    assert list_models(folder / "missing") == ()


def test_the_damaged_are_listed_with_the_reason(folder):
    for name in ("a", "b", "c"):
        for suffix in (".json", ".safetensors"):
            shutil.copy(folder / f"tiny{suffix}", folder / f"{name}{suffix}")
    (folder / "a.json").write_text("{")
    (folder / "b.safetensors").unlink()
    (folder / "c.json").unlink()
    shutil.copy(folder / "tiny.safetensors", folder / "d.safetensors")
    card = json.loads((folder / "tiny.json").read_text(encoding="utf-8"))
    (folder / "d.json").write_text(json.dumps({**card, "kind": "diffusion"}))
    shutil.copy(folder / "tiny.safetensors", folder / "e.safetensors")
    (folder / "e.json").write_text(json.dumps({**card, "inputs": {"kind": "cubes"}}))
    problems = {model.path.stem: model.problem for model in list_models(folder)}
    assert problems.pop("tiny") == ""
    expected = {"a": "a.json", "b": "b.safetensors is missing", "c": "c.json", "d": "'diffusion'", "e": "cubes"}
    assert set(problems) == set(expected)
    for name, part in expected.items():
        assert part in problems[name]


@pytest.mark.parametrize(
    ("metrics", "dice"),
    [
        ({}, None),
        ({"validation": {"dice": 0.5}}, 0.5),
        ({"validation": {"dice": {"a": 0.5, "b": 1.0, "c": None}}}, 0.75),
        ({"validation": {"dice": "good"}}, None),
    ],
)
def test_the_dice_of_the_validation(metrics, dice):
    assert validation_dice(metrics) == dice


def test_neither_listing_nor_the_panel_loads_torch(models):
    script = f"""
import sys
from pathlib import Path
from napari_medsynth.widgets.segmenting.models import list_models
import napari_medsynth.widgets.segmenting.panel
assert list_models(Path({str(models)!r}))[0].describe()
loaded = {{"torch", "monai", "lightning", "safetensors", "SimpleITK"}} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
