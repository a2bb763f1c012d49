"""Cases divided by patient: the same each time, written down, and refused where anything would leak."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, ReadError, SplitError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.found import CaseFacts, FoundCase
from napari_medsynth.datasets.splitting import (
    Split,
    data_sum,
    read_split,
    require_no_leak,
    split_cases,
    split_facts,
    write_split,
)
from napari_medsynth.io import write_case, write_labels, write_volume

PARTS = ("train", "val", "test")
PATIENTS = st.lists(st.integers(0, 12), min_size=1, max_size=30)


def of_patients(numbers):
    return [FoundCase(id=f"c{place}", patient=f"p{number}") for place, number in enumerate(numbers)]


@given(PATIENTS, st.floats(0, 0.49), st.floats(0, 0.49), st.integers(0, 1000), st.randoms())
def test_no_patient_is_in_two_parts_and_every_case_in_one(numbers, validation, test, seed, shuffler):
    cases = of_patients(numbers)
    split = split_cases(cases, validation=validation, test=test, seed=seed)
    parts = [{case.patient for case in split.of(name, cases)} for name in PARTS]
    assert sum(len(part) for part in parts) == len(set(numbers))
    assert sorted((*split.train, *split.val, *split.test)) == sorted(case.id for case in cases)
    assert split.train
    assert bool(split.val) == (validation > 0 and len(set(numbers)) > 1)
    shuffler.shuffle(cases)
    again = split_cases(cases, validation=validation, test=test, seed=seed)
    assert [set(getattr(again, name)) for name in PARTS] == [set(getattr(split, name)) for name in PARTS]


@given(PATIENTS, PATIENTS)
def test_a_leak_is_found_exactly_where_a_patient_or_a_file_is_shared(ours, theirs):
    training = [CaseFacts(f"a{n}", f"p{number}", (f"sum{number // 2}",)) for n, number in enumerate(ours)]
    testing = [CaseFacts(f"b{n}", f"p{number}", (f"sum{number // 2}",)) for n, number in enumerate(theirs)]
    if {number // 2 for number in ours} & {number // 2 for number in theirs}:
        with pytest.raises(SplitError, match=r"case a\d+ and case b\d+"):
            require_no_leak(training, testing)
    else:
        require_no_leak(training, testing)


def test_seeds_give_other_splits_and_fractions_are_checked():
    cases = of_patients(range(20))
    splits = {split_cases(cases, seed=seed) for seed in range(5)}
    assert len(splits) > 1
    assert [len(getattr(split_cases(cases), name)) for name in PARTS] == [12, 4, 4]
    with pytest.raises(ConfigError, match="less than 1"):
        split_cases(cases, validation=0.5, test=0.5)


def test_what_the_layout_has_fixed_stays():
    cases = [*of_patients(range(8)), FoundCase(id="t", patient="x", split="test")]
    split = split_cases(cases)
    assert split.test == ("t",)
    assert split.val
    with pytest.raises(SplitError, match="patient 'x' is in test and in train"):
        split_cases([*cases, FoundCase(id="u", patient="x", split="train")])
    with pytest.raises(SplitError, match="none of 1 cases is for training"):
        split_cases(cases[-1:])


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "scans"
    root.mkdir()
    for number in range(6):
        write_volume(
            Volume(rng.integers(0, 9, (4, 5, 6)).astype(np.int16)), root / f"sub-{number // 2}_{number}.nii.gz"
        )
        mask = (rng.random((4, 5, 6)) > 0.5).astype(np.uint8)
        write_labels(LabelMap(mask), root / f"sub-{number // 2}_{number}_mask.nii.gz")
    return root


def test_a_split_is_read_as_it_was_written(tmp_path, folder):
    cases = find_cases(folder)
    split = split_cases(cases, validation=0.34, test=0.34)
    path = write_split(tmp_path / "split.json", split, cases, seed=3)
    assert read_split(path, cases) == split
    facts = split_facts(path)
    assert {fact.id: fact.sha256 for fact in facts["train"]} == {c.id: c.sums() for c in split.of("train", cases)}
    assert data_sum(facts["train"]) == data_sum(reversed(split.of("train", cases))) != data_sum(facts["val"])


def test_a_split_that_does_not_fit_the_folder_any_more_is_refused(tmp_path, folder):
    cases = find_cases(folder)
    path = write_split(tmp_path / "split.json", split_cases(cases), cases)
    with pytest.raises(SplitError, match="'sub-2_5', which is not in the folder"):
        read_split(path, cases[:-1])
    with pytest.raises(SplitError, match="does not list case 'new'"):
        read_split(path, [*cases, FoundCase(id="new", patient="new")])
    write_labels(LabelMap(np.ones((4, 5, 6), np.uint8)), folder / "sub-0_0_mask.nii.gz")
    with pytest.raises(SplitError, match="case sub-0_0 has other files"):
        read_split(path, cases)


def test_a_copied_scan_under_another_name_is_a_leak(tmp_path, folder):
    data = (folder / "sub-0_0.nii.gz").read_bytes()
    (folder / "sub-9_9.nii.gz").write_bytes(data)
    write_labels(LabelMap(np.ones((4, 5, 6), np.uint8)), folder / "sub-9_9_mask.nii.gz")
    cases = {case.id: case for case in find_cases(folder)}
    ours, copied = cases["sub-0_0"], cases["sub-9_9"]
    with pytest.raises(SplitError, match=r"case sub-0_0 and case sub-9_9 have a file of the same content"):
        require_no_leak([ours], [copied])
    with pytest.raises(SplitError, match="same content"):
        write_split(tmp_path / "s.json", Split(train=("sub-0_0",), test=("sub-9_9",)), (ours, copied))
    assert not (tmp_path / "s.json").exists()


def test_empty_label_maps_of_two_patients_may_be_equal(folder):
    for number in (0, 2):
        write_labels(LabelMap(np.zeros((4, 5, 6), np.uint8)), folder / f"sub-{number // 2}_{number}_mask.nii.gz")
    cases = {case.id: case for case in find_cases(folder)}
    require_no_leak([cases["sub-0_0"]], [cases["sub-1_2"]])


@pytest.mark.parametrize("value", [[], {}, {"format": "other"}, {"format": "napari-medsynth split", "train": [{}]}])
def test_a_file_that_is_no_split_is_refused(tmp_path, value):
    path = tmp_path / "split.json"
    path.write_text(json.dumps(value))
    with pytest.raises(ReadError, match=r"split\.json"):
        read_split(path)


def test_case_folders_of_the_same_scan_are_the_same_whatever_they_are_called(tmp_path):
    """Their index holds the id; what counts is the voxels."""
    image = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    labels = LabelMap((image.array > 30).astype(np.uint8))
    for name in ("one", "two"):
        write_case(Case(id=name, image=image, labels=labels), tmp_path / name)
    one, two = find_cases(tmp_path)
    with pytest.raises(SplitError, match="case one and case two have a file of the same content"):
        require_no_leak([one], [two])


def test_empty_masks_of_two_case_folders_may_be_equal(tmp_path):
    for number, name in enumerate(("one", "two")):
        image = Volume(np.full((3, 4, 5), number, dtype=np.int16))
        write_case(Case(id=name, image=image, labels=LabelMap(np.zeros((3, 4, 5), np.uint8))), tmp_path / name)
    one, two = find_cases(tmp_path)
    require_no_leak([one], [two])
