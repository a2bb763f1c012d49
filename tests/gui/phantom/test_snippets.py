"""What is copied makes the same voxels, run as a person would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.io import read_case
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.phantom.snippets import as_command, as_python, as_recipe

SEED = 12
SCENARIOS = "scenarios:\n  - {name: two organs, present: [heart, liver]}\n"


@pytest.fixture(params=["plain", "torso", "all settings"])
def step(request, tmp_path):
    own = tmp_path / "it's mine.yaml"
    own.write_text(SCENARIOS)
    return {
        "plain": Phantom(image_size=(24, 20, 16)),
        "torso": Phantom(anatomy="torso", image_size=(30, 24, 28), region="abdomen", present=("liver", "left_kidney")),
        "all settings": Phantom(
            image_size=(24, 20, 16),
            spacing=(10.0, 1 / 3 * 20, 20.0),
            scenario="two organs",
            scenarios=own,
            size_noise=0.1,
            blur=0.25,
            bias_field=0.0,
            noise=1.5,
        ),
    }[request.param]


def run(folder, words, **kwargs):
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": tools}, capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr


def require_same(folder, step):
    expected, found = step(Case(id="phantom"), seed=SEED), read_case(folder / "phantom")
    np.testing.assert_array_equal(found.image.reoriented().array, expected.image.array)
    np.testing.assert_array_equal(found.labels.reoriented().array, expected.labels.array)
    assert found.image.reoriented().same_grid(expected.image)
    assert found.history == expected.history


def test_the_recipe_is_the_step(step):
    recipe = Recipe.from_yaml(as_recipe(step, SEED))
    assert recipe == Recipe(steps=(step,), seed=SEED)


@pytest.mark.skipif(sys.platform == "win32", reason="the command is for a POSIX shell")
def test_the_command_makes_the_same_voxels(tmp_path, step):
    run(tmp_path, ["bash", "-eu"], input=as_command(step, SEED))
    require_same(tmp_path, step)


def test_the_script_makes_the_same_voxels(tmp_path, step):
    run(tmp_path, [sys.executable, "-"], input=as_python(step, SEED))
    require_same(tmp_path, step)


def test_the_script_leaves_defaults_out():
    assert "Phantom()" in as_python(Phantom(), SEED)
    assert "pathlib" not in as_python(Phantom(), SEED)
