"""A dataset can be gone on with wherever it stopped, by the same order and by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medsynth.core.errors import ConfigError, HostError, WriteError
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import DatasetFolder, make_dataset
from napari_medsynth.phantom import Phantom
from toy_datasets import begun, cases_of, made, recipe, sums

pytestmark = pytest.mark.usefixtures("toy_steps")


def test_a_cancelled_job_goes_on_and_gives_the_same_bytes(tmp_path, expected):
    begun(tmp_path / "data", 12)
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
    begun(tmp_path / "data", 3)
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
    begun(tmp_path / "data", 12)
    for path in sorted((tmp_path / "data" / ".unfinished").glob("*.h5"))[3:6]:
        spoil(path)
    assert sums(made(tmp_path / "data", 24)) == expected


def test_what_a_killed_process_was_writing_is_cleaned_up(tmp_path, expected):
    begun(tmp_path / "data", 5)
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
    begun(tmp_path / "data", 12)
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


def test_a_lost_split_of_a_finished_dataset_is_made_again(tmp_path, expected):
    folder = made(tmp_path / "data", 24)
    (folder / "test.h5").unlink()
    with pytest.raises(ConfigError, match="data holds another dataset: its count is 24, and 25 was asked for"):
        made(folder, 25)
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


def test_a_file_of_the_recipe_that_changed_is_another_order(tmp_path):
    """The recipe says the same, and means something else: half of the cases would have the old scenarios."""
    scenarios = tmp_path / "mine.yaml"
    scenarios.write_text("scenarios: [{name: donor, absent: [left_kidney]}]")
    recipe = Recipe(steps=(Phantom(image_size=(8, 8, 8), scenarios=scenarios),))
    finish(make_dataset(recipe, 2, tmp_path / "data", workers=1))
    scenarios.write_text("scenarios: [{name: donor, absent: [right_kidney]}]")
    with pytest.raises(ConfigError, match=r"data holds another dataset: its inputs\[0\].sha256 is"):
        finish(make_dataset(recipe, 2, tmp_path / "data", workers=1))
