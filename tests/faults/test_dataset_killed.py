"""A dataset that was being made when its process was killed, interrupted or terminated goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

import toys
from napari_medsynth.datasets import Split

COUNT = 40


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Recipe of a toy that takes 20 ms a case."""
    folder = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        toys.install(folder / "packages", patch)
        path = folder / "recipe.yaml"
        path.write_text("seed: 7\nsteps:\n  - toy: {seconds: 0.02}\n")
        yield path


def command(recipe, folder, workers):
    words = ["dataset", recipe, "-n", COUNT, "-o", folder, "--workers", workers, "--no-report", "--progress", "json"]
    return [sys.executable, "-m", "napari_medsynth", *map(str, words)]


def begun(recipe, folder, workers=1, done=10, **options):
    """A process that makes a dataset, once it has made some cases."""
    child = subprocess.Popen(
        command(recipe, folder, workers), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", **options
    )
    for line in child.stdout:
        if json.loads(line).get("done", 0) >= done:
            return child
    raise AssertionError(child.stderr.read())


def finished(recipe, folder, workers=1):
    """Checksum of every file of a dataset, made to its end by the same command."""
    done = subprocess.run(
        command(recipe, folder, workers), capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def require_gone(processes, seconds):
    end = time.monotonic() + seconds
    while any(alive(process) for process in processes):
        assert time.monotonic() < end, processes
        time.sleep(0.05)


@pytest.fixture(scope="module")
def expected(recipe, tmp_path_factory):
    """Checksums of the dataset that nobody disturbed."""
    return finished(recipe, tmp_path_factory.mktemp("whole") / "data")


def test_a_killed_process_loses_only_the_cases_in_flight(recipe, tmp_path, expected):
    for n, delay in enumerate(np.random.default_rng(0).uniform(0, 0.9, 3)):
        folder = tmp_path / str(n)
        with begun(recipe, folder, done=1) as child:
            time.sleep(delay)
            child.kill()
            left = child.stdout.read()
        reported = max((json.loads(line).get("done", 0) for line in left.splitlines()[:-1]), default=0)
        hidden = folder / ".unfinished"
        if hidden.is_dir() and not list(folder.glob("*.h5")):
            assert len(list(hidden.glob("[!.]*.h5"))) >= reported
        assert finished(recipe, folder) == expected


def test_workers_end_with_the_process_that_started_them(recipe, tmp_path, expected):
    with begun(recipe, tmp_path / "data", workers=2) as child:
        workers = psutil.Process(child.pid).children(recursive=True)
        assert len(workers) >= 2
        child.kill()
    require_gone(workers, 10)
    assert finished(recipe, tmp_path / "data", workers=2) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither of these signals")
@pytest.mark.parametrize(
    ("workers", "number", "status"),
    [(1, signal.SIGINT, 130), (2, signal.SIGINT, 130), (2, signal.SIGTERM, 143)],
)
def test_terminated_and_interrupted_runs_stop_soon_say_so_in_one_line_and_go_on(
    recipe, tmp_path, expected, workers, number, status
):
    with begun(recipe, tmp_path / "data", workers=workers, start_new_session=True) as child:
        others = psutil.Process(child.pid).children(recursive=True)
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does: the workers get it too
        else:
            child.send_signal(number)
        said = child.communicate(timeout=20)[1]
    assert child.returncode == status
    assert said == f"medsynth: {'terminated' if status == 143 else 'interrupted'}\n"
    require_gone(others, 10)
    kept = sorted((tmp_path / "data" / ".unfinished").iterdir())
    assert not [path.name for path in kept if path.name.startswith(".") or path.name == "lock"]
    with Split.open(kept[0]) as split:
        assert split.case_ids == ["case_000000"]
    assert finished(recipe, tmp_path / "data", workers=workers) == expected
