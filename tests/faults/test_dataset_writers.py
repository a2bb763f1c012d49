"""A dataset's folder has one writer; the second is told who the first is, and changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import toys


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Recipe of a toy that takes a tenth of a second a case."""
    toys.install(tmp_path / "packages", monkeypatch)
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 7\nsteps:\n  - toy: {seconds: 0.1}\n")
    return path


def test_the_second_writer_is_refused_at_once(recipe, tmp_path):
    words = ["dataset", recipe, "-n", 600, "-o", tmp_path / "data", "--workers", 1, "--progress", "json"]
    command = [sys.executable, "-m", "napari_medsynth", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        first.stdout.readline()  # it has begun
        second = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert first.poll() is None
        first.kill()
    assert second.returncode == 1
    line = f"medsynth: {tmp_path / 'data'} is being written by process {first.pid} on "
    assert second.stderr.startswith(line)
    assert second.stderr.count("\n") == 1
    assert (tmp_path / "data" / ".unfinished" / "plan.json").is_file()
