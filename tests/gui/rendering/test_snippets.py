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
from napari_medsynth.io import read_case, read_labels, write_labels
from napari_medsynth.rendering.artefacts.motion import Motion
from napari_medsynth.rendering.presets import preset
from napari_medsynth.rendering.prior import write_prior
from napari_medsynth.rendering.step import Render
from napari_medsynth.rendering.warp import Warp
from napari_medsynth.widgets.rendering.snippets import as_command, as_python, as_recipe

from .conftest import head, named

SEED = 12
LABELS = "it's mine.nii.gz"


@pytest.fixture(params=["plain", "all kinds of settings"])
def step(request, tmp_path):
    write_prior(preset("brain-t2").prior, tmp_path / "my prior.yaml")
    return {
        "plain": Render(),
        "all kinds of settings": Render(
            preset="brain-t1",
            contrast_alpha=0.3,
            prior=tmp_path / "my prior.yaml",
            tissues=((3, "white matter"),),
            crop=(20, 30, 28),
            warp=Warp(prob=0.0),
            motion=Motion(prob=1.0, strength=(0.25, 0.25)),
        ),
    }[request.param]


@pytest.fixture
def labels(tmp_path):
    """A label map in a file, as the viewer shows it."""
    write_labels(named(head()), tmp_path / LABELS)
    return read_labels(tmp_path / LABELS)


def run(folder, words, **kwargs):
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": tools}, capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr


def require_same(folder, step, labels):
    expected, found = step(Case(id="labels", labels=labels), seed=SEED), read_case(folder / "render")
    np.testing.assert_array_equal(found.image.reoriented().array, expected.image.array)
    np.testing.assert_array_equal(found.labels.reoriented().array, expected.labels.array)
    assert found.image.reoriented().same_grid(expected.image)
    assert found.history == expected.history


def test_the_recipe_is_the_step(step):
    assert Recipe.from_yaml(as_recipe(step, SEED)) == Recipe(steps=(step,), seed=SEED)


@pytest.mark.skipif(sys.platform == "win32", reason="the command is for a POSIX shell")
def test_the_command_makes_the_same_voxels(tmp_path, step, labels):
    run(tmp_path, ["bash", "-eu"], input=as_command(step, SEED, LABELS))
    require_same(tmp_path, step, labels)


def test_the_script_makes_the_same_voxels(tmp_path, step, labels):
    run(tmp_path, [sys.executable, "-"], input=as_python(step, SEED, LABELS))
    require_same(tmp_path, step, labels)


def test_the_script_turns_a_file_as_the_viewer_does(tmp_path, step):
    write_labels(named(head()).reoriented("LAS"), tmp_path / LABELS)
    run(tmp_path, [sys.executable, "-"], input=as_python(step, SEED, LABELS))
    require_same(tmp_path, step, read_labels(tmp_path / LABELS).reoriented())


def test_the_script_leaves_defaults_out():
    assert "Render()" in as_python(Render(), SEED, LABELS)
    assert "pathlib" not in as_python(Render(), SEED, LABELS)
