"""A dataset holds the same bytes whoever makes it, and can be gone on with wherever it stopped."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import toys
from napari_medsynth import __version__
from napari_medsynth.core.errors import ConfigError, GridError, HostError, MedsynthError, SplitError, WriteError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.step import step_class
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets import DatasetFolder, Split, make_dataset
from napari_medsynth.datasets import runner as runner_module
from napari_medsynth.io import write_labels, write_volume


@pytest.fixture(autouse=True)
def _toys(tmp_path, monkeypatch):
    toys.install(tmp_path / "packages", monkeypatch)
    step_class.cache_clear()
    yield
    step_class.cache_clear()


def recipe(seed=7, **settings):
    return Recipe.from_json({"seed": seed, "steps": [{"toy": settings}]})


def made(folder, count=10, **options):
    options.setdefault("workers", 1)
    settings = options.pop("settings", {})
    return finish(make_dataset(recipe(**settings), count, folder, **options))


def sums(folder):
    """Checksum of every file of a dataset."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def cases_of(folder):
    with Split.open(folder) as split:
        return split.case_ids


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


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Checksums of a dataset that was made in this process without a break."""
    with pytest.MonkeyPatch.context() as patch:
        toys.install(tmp_path_factory.mktemp("packages"), patch)
        step_class.cache_clear()
        found = sums(made(tmp_path_factory.mktemp("data") / "data", 24))
        step_class.cache_clear()
    return found


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


# Going on


def test_a_cancelled_job_goes_on_and_gives_the_same_bytes(tmp_path, expected):
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while next(job).done < 12:
        pass
    job.close()
    kept = sorted((tmp_path / "data" / ".unfinished").glob("*.h5"))
    assert 12 <= len(kept) < 24
    before = [path.stat().st_mtime_ns for path in kept]
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while (step := next(job)).done < len(kept):
        assert step.note == "looking through the finished cases"
    assert [path.stat().st_mtime_ns for path in kept] == before
    finish(job)
    assert sums(tmp_path / "data") == expected


def test_an_unfinished_case_opens_in_the_reader(tmp_path):
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while next(job).done < 3:
        pass
    job.close()
    first = min((tmp_path / "data" / ".unfinished").glob("*.h5"))
    assert cases_of(first) == ["case_000000"]


def damaged(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [damaged, emptied, Path.unlink])
def test_damaged_cases_are_made_again(tmp_path, expected, spoil):
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while next(job).done < 12:
        pass
    job.close()
    for path in sorted((tmp_path / "data" / ".unfinished").glob("*.h5"))[3:6]:
        spoil(path)
    assert sums(made(tmp_path / "data", 24)) == expected


def test_what_a_killed_process_was_writing_is_cleaned_up(tmp_path, expected):
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while next(job).done < 5:
        pass
    job.close()
    (tmp_path / "data" / ".unfinished" / ".case.abcd.partial.h5").write_bytes(b"half")
    (tmp_path / "data" / ".train.abcd.partial.h5").write_bytes(b"half")
    assert sums(made(tmp_path / "data", 24)) == expected


def test_stopping_at_any_step_leaves_what_the_next_run_finishes(tmp_path, expected):
    """Among the steps are those between which splits are put together and their cases deleted."""
    total = len(list(make_dataset(recipe(), 24, tmp_path / "whole", workers=1)))
    for n, stop in enumerate((1, 3, total - 6, total - 4, total - 2, total - 1)):
        folder = tmp_path / str(n)
        job = make_dataset(recipe(), 24, folder, workers=1)
        for _ in range(stop):
            next(job)
        job.close()
        assert sums(made(folder, 24)) == expected


def test_a_split_that_is_there_while_most_of_its_cases_are_gone(tmp_path, expected):
    """As after a kill while the cases of a split were being deleted."""
    job = make_dataset(recipe(), 24, tmp_path / "data", workers=1)
    while next(job).done < 12:
        pass
    job.close()
    case = tmp_path / "data" / ".unfinished" / "case_000003.h5"
    plan = case.with_name("plan.json")
    kept = {path: path.read_bytes() for path in (case, plan)}
    folder = made(tmp_path / "data", 24)
    case.parent.mkdir()
    for path, data in kept.items():
        path.write_bytes(data)
    (folder / "metadata.json").unlink()
    (folder / "val.h5").unlink()
    assert sums(made(folder, 24)) == expected


def test_a_finished_dataset_is_left_alone(tmp_path):
    folder = made(tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    [step] = list(make_dataset(recipe(), 10, folder))
    assert (step.done, step.note) == (10, "finished before")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 11}, "its count is 10, and 11 was asked for"),
        ({"settings": {"seed": 8}}, r"its recipe\.seed is 7, and 8 was asked for"),
        ({"settings": {"seconds": 0.001}}, r"its recipe\.steps\[0\]\.toy\.seconds is 0\.0, and 0\.001 was asked for"),
        ({"validation_split": 0.3}, r"its validation_split is 0\.2, and 0\.3 was asked for"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_order_is_refused_and_told_what_differs(tmp_path, change, said, finished):
    job = make_dataset(recipe(), 10, tmp_path / "data", workers=1)
    for step in job:
        if step.done == 5 and not finished:
            break
    job.close()
    before = sums(tmp_path / "data") if finished else None
    with pytest.raises(ConfigError, match=f"data holds another dataset: {said}; choose another folder"):
        made(tmp_path / "data", **{"count": 10, **change})
    if finished:
        assert sums(tmp_path / "data") == before


def test_an_order_that_never_made_a_case_stands_in_nobodys_way(tmp_path):
    with pytest.raises(HostError):
        made(tmp_path / "data", settings={"fails_at": 0})
    assert not (tmp_path / "data").exists()
    made(tmp_path / "data")


def test_folders_of_others_are_refused_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"data holds 'thesis\.txt'; expected an empty or new folder, or a dataset"):
        made(tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["thesis.txt"]
    with pytest.raises(ConfigError, match="is a file; expected a folder for the dataset"):
        made(tmp_path / "data" / "thesis.txt")


def test_a_second_writer_is_refused(tmp_path):
    job = make_dataset(recipe(), 10, tmp_path / "data", workers=1)
    next(job)
    with pytest.raises(WriteError, match="data is being written by process"):
        made(tmp_path / "data")
    finish(job)
    assert DatasetFolder.open(tmp_path / "data").is_finished


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


# Real cases to begin with


@pytest.fixture
def scans(tmp_path):
    """Folder with five scans and their label maps."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for n in range(5):
        write_volume(Volume(np.full((3, 4, 5), 10 * n + 10, np.int16), modality="CT"), folder / f"p{n}.nii.gz")
        write_labels(LabelMap(np.full((3, 4, 5), 1 + n, np.uint8)), folder / f"p{n}_seg.nii.gz")
    return folder


def test_cases_begin_with_the_sources_in_turn_and_no_source_is_in_two_splits(tmp_path, scans):
    folder = made(tmp_path / "data", 12, sources=[scans])
    of_split = {split: cases_of(folder / f"{split}.h5") for split in ("train", "val", "test")}
    patients = {split: {name[:2] for name in names} for split, names in of_split.items()}
    assert patients == {"train": {"p0", "p1", "p2"}, "val": {"p3"}, "test": {"p4"}}
    assert sorted(name for names in of_split.values() for name in names) == sorted(
        f"p{n % 5}_{n:06d}" for n in range(12)
    )
    with Split.open(folder / "val.h5") as split:
        assert split.modality == "CT"
        assert (split.image(0) == 20).all()


def test_fewer_sources_than_splits_are_refused(tmp_path, scans):
    sources = [scans / "p0.nii.gz", scans / "p1.nii.gz"]
    with pytest.raises(SplitError, match="2 sources cannot fill 3 splits without a patient in two of them; expected"):
        made(tmp_path / "data", 12, sources=sources)
    made(tmp_path / "data", 12, sources=sources, test_split=0)


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("splits", [(0.2, 0.1), (0.8, 0.1), (0.05, 0.05), (0.4, 0.5)])
def test_each_split_that_is_wanted_gets_a_source(tmp_path, scans, count, splits):
    sources = [scans / f"p{n}.nii.gz" for n in range(count)]
    folder = made(tmp_path / "data", 7, sources=sources, validation_split=splits[0], test_split=splits[1])
    assert len(DatasetFolder.open(folder).splits) == 3


def test_label_maps_alone_make_a_dataset_without_images(tmp_path, scans):
    sources = [scans / f"p{n}_seg.nii.gz" for n in range(3)]
    for n in range(3):
        (scans / f"p{n}.nii.gz").unlink()
    folder = made(tmp_path / "data", 3, sources=sources)
    with Split.open(folder / "train.h5") as split:
        assert not split.has_images
        assert split.case(0).image is None


def test_a_source_that_changed_is_another_order(tmp_path, scans):
    made(tmp_path / "data", 6, sources=[scans])
    write_volume(Volume(np.zeros((3, 4, 5), np.int16)), scans / "p1.nii.gz")
    with pytest.raises(ConfigError, match=r"its sources\[1\]\.sha256 is"):
        made(tmp_path / "data", 6, sources=[scans])


def test_sources_of_two_sizes_are_refused(tmp_path, scans):
    write_volume(Volume(np.zeros((3, 4, 6), np.int16), modality="CT"), scans / "p3.nii.gz")
    write_labels(LabelMap(np.ones((3, 4, 6), np.uint8)), scans / "p3_seg.nii.gz")
    with pytest.raises(GridError, match="expected one size in a dataset"):
        made(tmp_path / "data", 6, sources=[scans])


@pytest.mark.data
def test_real_scans_go_through_the_same_pipeline(tmp_path, data_dir):
    from napari_medsynth.datasets.sources import pair_sources

    folder = data_dir / "totalseg_ct"
    sources = pair_sources([folder / "example_ct_sm.nii.gz"], [folder / "example_seg.nii.gz"])
    folder = made(tmp_path / "data", 2, sources=sources, validation_split=0, test_split=0)
    with Split.open(folder / "train.h5") as split:
        assert len(split.structure_names) == 41
        assert split.case(0).history[-1].step == "toy"
