"""A disk that gets full while a dataset is made: a clear line, every finished case readable, and the rest later."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

import toys
from napari_medsynth.datasets import Split
from napari_medsynth.datasets.verify import verify

COUNT = 24

#: Makes a dataset with at most so many bytes a file.
LIMITED = """
import resource, signal, sys
from napari_medsynth.cli.app import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Recipe of a toy whose cases have about 30 kB."""
    folder = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        toys.install(folder / "packages", patch)
        path = folder / "recipe.yaml"
        path.write_text("seed: 7\nsteps:\n  - toy: {size: [20, 40, 30]}\n")
        yield path


def words(recipe, folder):
    return list(map(str, ["dataset", recipe, "-n", COUNT, "-o", folder, "--workers", 1, "--no-report"]))


def run(*command):
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)


def finished(recipe, folder):
    """Checksum of every file of a dataset, made to its end."""
    done = run(sys.executable, "-m", "napari_medsynth", *words(recipe, folder))
    assert (done.returncode, done.stderr) == (0, "")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def expected(recipe, tmp_path_factory):
    """Checksums of the dataset that had room enough."""
    return finished(recipe, tmp_path_factory.mktemp("whole") / "data")


@pytest.fixture
def small_disk(tmp_path):
    """Folder on a file system that holds 600 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can make a small disk, on Linux")
    if run("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder).returncode:
        pytest.skip("this machine does not let us make a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def require_readable(hidden):
    """Every finished case is whole, and nothing else is left."""
    parts = sorted(path for path in hidden.iterdir() if path.name not in ("plan.json", "sums.txt"))
    assert parts
    for path in parts:
        assert verify(path) == []
        with Split.open(path) as split:
            assert split.case_ids == [path.stem]
    return len(parts)


def test_a_disk_that_gets_full_while_cases_are_made(recipe, small_disk, expected):
    folder = small_disk / "data"
    done = run(sys.executable, "-m", "napari_medsynth", *words(recipe, folder))
    assert done.returncode == 1
    assert "could not be written: the disk or quota is full (" in done.stderr
    assert done.stderr.count("\n") == 1
    assert 5 < require_readable(folder / ".unfinished") < COUNT
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert finished(recipe, folder) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_gets_full_while_a_split_is_put_together(recipe, tmp_path, expected):
    folder = tmp_path / "data"
    done = run(sys.executable, "-c", LIMITED, "200000", *words(recipe, folder))
    assert done.returncode == 1
    assert f"{folder / 'train.h5'} could not be written: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert require_readable(folder / ".unfinished") == COUNT
    assert sorted(path.name for path in folder.iterdir()) == [".unfinished"]
    assert finished(recipe, folder) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_without_room_for_one_case_is_left_as_it_was(recipe, tmp_path):
    done = run(sys.executable, "-c", LIMITED, "2000", *words(recipe, tmp_path / "data"))
    assert done.returncode == 1
    assert "case_000000.h5 could not be written: the disk or quota is full" in done.stderr
    assert not (tmp_path / "data").exists()
