"""A dataset holds the same bytes whoever makes it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from napari_medsynth import __version__
from napari_medsynth.core.errors import ConfigError, HostError, MedsynthError
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets import DatasetFolder, Split, make_dataset
from napari_medsynth.datasets import runner as runner_module
from toy_datasets import cases_of, made, recipe, sums

pytestmark = pytest.mark.usefixtures("toy_steps")


# What is there in the end


def test_a_dataset_is_finished_and_holds_each_case_once(tmp_path):
    folder = made(tmp_path / "data")
    assert folder == tmp_path / "data"
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.json", "test.h5", "train.h5", "val.h5"]
    assert DatasetFolder.open(folder).is_finished
    names = [name for split in ("train", "val", "test") for name in cases_of(folder / f"{split}.h5")]
    assert names == [f"case_{n:06d}" for n in range(10)]


def test_a_case_is_what_the_recipe_makes_of_its_index(tmp_path):
    from napari_medsynth.core.case import Case

    folder = made(tmp_path / "data", 4, validation_split=0, test_split=0)
    expected = recipe()(Case(id="case_000003"), index=3)
    with Split.open(folder / "train.h5") as split:
        found = split.case(3)
    assert np.array_equal(found.image.array, expected.image.array)
    assert np.array_equal(found.labels.array, expected.labels.array)
    assert found.history == expected.history


def test_splits_without_a_case_have_no_file(tmp_path):
    folder = made(tmp_path / "data", 3, validation_split=0, test_split=0)
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.json", "train.h5"]


def test_progress_counts_cases_and_tells_the_rate(tmp_path):
    steps = list(make_dataset(recipe(), 5, tmp_path / "data", workers=1))
    assert {step.total for step in steps} == {5}
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == 5
    assert any("cases/s" in step.note for step in steps)


# The same bytes from whoever makes it


def test_four_workers_give_the_same_bytes(tmp_path, expected):
    assert sums(made(tmp_path / "data", 24, workers=4)) == expected


def test_two_workers_give_the_same_bytes_even_in_a_script_without_a_main_guard(tmp_path, expected):
    (tmp_path / "script.py").write_text(
        "from napari_medsynth import Recipe\n"
        "from napari_medsynth.core.progress import finish\n"
        "from napari_medsynth.datasets import make_dataset\n"
        "print('once')\n"
        "recipe = Recipe.from_json({'seed': 7, 'steps': ['toy']})\n"
        f"finish(make_dataset(recipe, 24, {str(tmp_path / 'data')!r}, workers=2))\n"
    )
    command = [sys.executable, tmp_path / "script.py"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")
    assert sums(tmp_path / "data") == expected


@pytest.fixture
def processes():
    """A Dask scheduler and its two worker processes, once they run."""
    found = []
    yield found
    for process in reversed(found):
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(tmp_path, processes):
    """Address of a Dask scheduler with two worker processes."""

    def start(kind, *words):
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{kind}",
            *words,
            "--host",
            "127.0.0.1",
            "--no-dashboard",
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
        processes.append(subprocess.Popen(command, **quiet))

    known = tmp_path / "scheduler.json"
    start("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", known)
    end = time.monotonic() + 30
    while not known.is_file() or not known.stat().st_size:
        assert time.monotonic() < end
        time.sleep(0.05)
    address = json.loads(known.read_text())["address"]
    for _ in range(2):
        start("worker", address, "--nthreads", "1", "--no-nanny")
    return address


def test_the_workers_of_a_scheduler_give_the_same_bytes(tmp_path, expected, scheduler):
    assert sums(made(tmp_path / "data", 24, workers=None, scheduler=scheduler)) == expected


def test_workers_of_another_version_are_refused(tmp_path, scheduler, monkeypatch):
    from napari_medsynth.datasets import cluster

    monkeypatch.setattr(cluster, "__version__", "99.0")
    with pytest.raises(ConfigError, match=rf"worker tcp://.* has napari-medsynth '{__version__}'; expected '99.0'"):
        made(tmp_path / "data", workers=None, scheduler=scheduler)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("address", ["here", "tcp://", "tcp://127.0.0.1", "127.0.0.1:8786", "file:///etc/passwd"])
def test_what_is_no_address_of_a_scheduler(tmp_path, address):
    with pytest.raises(ConfigError, match=r"scheduler is .*; expected an address such as tcp://10\.0\.0\.5:8786"):
        made(tmp_path / "data", workers=None, scheduler=address)


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    from napari_medsynth.datasets import cluster

    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(ConfigError, match=r"there is no Dask scheduler at tcp://127\.0\.0\.1:9, or it did not answer"):
        made(tmp_path / "data", workers=None, scheduler="tcp://127.0.0.1:9")
    assert not (tmp_path / "data").exists()


def test_workers_that_pay_off_are_called_in_while_the_first_cases_are_made_here(tmp_path, expected, monkeypatch):
    monkeypatch.setattr(runner_module, "ALONE", 0.01)
    monkeypatch.setattr(runner_module, "START", 0.0)
    assert sums(made(tmp_path / "data", 24, workers=None)) == expected


#: Makes a dataset of so many cases of 130 kB and prints the most memory that its process took.
MEMORY = """
import re, sys
from pathlib import Path
from napari_medsynth import Recipe
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets import make_dataset

recipe = Recipe.from_json({"seed": 7, "steps": [{"toy": {"size": [32, 64, 64]}}]})
finish(make_dataset(recipe, int(sys.argv[1]), sys.argv[2], workers=2))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in /proc")
def test_memory_does_not_grow_with_the_number_of_cases(tmp_path):
    def most(count):
        command = [sys.executable, "-c", MEMORY, str(count), tmp_path / str(count)]
        return int(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)

    assert most(200) < 1.1 * most(20)


# What goes wrong


@pytest.mark.parametrize(
    ("workers", "settings", "kind", "said"),
    [
        (1, {"fails_at": 7}, HostError, "case 7 could not be made: there is no room for a toy"),
        (2, {"breaks_at": 7}, MedsynthError, "case 7 could not be made: ZeroDivisionError: a bug in a toy"),
    ],
)
def test_a_case_that_fails_is_named_and_finished_ones_are_kept(tmp_path, workers, settings, kind, said):
    with pytest.raises(kind, match=said) as caught:
        made(tmp_path / "data", workers=workers, settings=settings)
    assert type(caught.value) is kind
    assert any("in apply" in note for note in caught.value.__notes__)
    assert not [p for p in psutil.Process().children(recursive=True) if "--multiprocessing-fork" in p.cmdline()]
    assert list((tmp_path / "data" / ".unfinished").glob("[!.]*.h5"))


def test_a_worker_that_dies_is_told_in_one_line(tmp_path):
    with pytest.raises(MedsynthError, match="worker processes died over the same cases again and again") as caught:
        made(tmp_path / "data", workers=2, settings={"dies_at": 7})
    assert "\n" not in str(caught.value)


def test_a_worker_that_is_killed_once_is_forgiven(tmp_path, expected):
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=2)
    while next(job).done < 1:
        pass
    victim = next(p for p in psutil.Process().children(recursive=True) if "--multiprocessing-fork" in p.cmdline())
    victim.kill()
    finish(job)
    assert sums(tmp_path / "data") == expected


@pytest.mark.parametrize(
    ("victims", "said"),
    [(slice(1, None), "the Dask scheduler has had no worker for 1 s; "), (slice(1), "the Dask scheduler is gone; ")],
    ids=["workers", "scheduler"],
)
def test_what_goes_away_in_the_middle_is_told(tmp_path, processes, scheduler, monkeypatch, victims, said):
    from napari_medsynth.datasets import cluster

    monkeypatch.setattr(cluster, "LONELY", 1.0)
    job = make_dataset(recipe(seconds=0.1), 24, tmp_path / "data", scheduler=scheduler)
    while next(job).done < 2:
        pass
    for victim in processes[victims]:
        victim.kill()
    with pytest.raises(MedsynthError, match=f"{said}what was finished is kept; run the same command again to go on"):
        finish(job)
    assert len(list((tmp_path / "data" / ".unfinished").glob("*.h5"))) >= 2


@pytest.mark.parametrize("count", [0, -3, 2.5, True])
def test_counts_that_cannot_be(tmp_path, count):
    with pytest.raises(ConfigError, match=r"the number of cases is .*; expected a whole number of at least 1"):
        made(tmp_path / "data", count)


@pytest.mark.parametrize("splits", [(0.5, 0.5), (1.0, 0.0), (0.7, 0.3), (-0.1, 0.2), (float("nan"), 0.0)])
def test_splits_that_leave_nothing_for_training(tmp_path, splits):
    with pytest.raises(ConfigError, match=r"expected (less than 1|a fraction from 0)"):
        made(tmp_path / "data", validation_split=splits[0], test_split=splits[1])
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_numbers_of_workers_that_cannot_be(tmp_path, workers):
    with pytest.raises(ConfigError, match=r"workers is .*; expected a whole number of at least 1"):
        made(tmp_path / "data", workers=workers)


def test_workers_and_scheduler_together_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="workers and scheduler are both given; expected one of them"):
        made(tmp_path / "data", workers=2, scheduler="tcp://127.0.0.1:1")
