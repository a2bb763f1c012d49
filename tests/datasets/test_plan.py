"""Cases go to the splits in their order, training first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.datasets.plan import plan_splits


@pytest.mark.parametrize(
    ("count", "validation", "test", "sizes"),
    [
        (1000, 0.2, 0.1, {"train": 700, "val": 200, "test": 100}),
        (10000, 0.15, 0.05, {"train": 8000, "val": 1500, "test": 500}),
        (100, 0.3, 0.2, {"train": 50, "val": 30, "test": 20}),
        (5000, 0.2, 0.0, {"train": 4000, "val": 1000}),
        (7, 0.0, 0.0, {"train": 7}),
        (1, 0.2, 0.1, {"train": 1}),
        (2, 0.45, 0.45, {"train": 1, "val": 0, "test": 1}),
        (5, 0.1, 0.0, {"train": 4, "val": 1}),
        (3, 0.29, 0.7, {"train": 1, "val": 1, "test": 1}),
    ],
)
def test_sizes_of_the_splits(count, validation, test, sizes):
    splits = plan_splits(count, validation, test)
    assert {name: len(indices) for name, indices in splits.items()} == {n: size for n, size in sizes.items() if size}


@given(st.integers(1, 5000), st.floats(0, 0.99), st.floats(0, 0.99))
def test_every_case_is_in_one_split_and_training_has_one(count, validation, test):
    if validation + test >= 1:
        return
    splits = plan_splits(count, validation, test)
    assert [index for indices in splits.values() for index in indices] == list(range(count))
    assert splits["train"]
    for name, fraction in (("val", validation), ("test", test)):
        assert abs(len(splits.get(name, ())) - count * fraction) <= 1


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.9, 0.2), (0.7, 0.3)])
def test_fractions_that_leave_nothing_for_training(validation, test):
    with pytest.raises(ConfigError, match=r"validation_split \+ test_split is .* expected less than 1"):
        plan_splits(10, validation, test)


@pytest.mark.parametrize(
    ("count", "validation", "test", "message"),
    [
        (0, 0.2, 0.1, "the number of cases is 0"),
        (-5, 0.2, 0.1, "the number of cases is -5"),
        (2.5, 0.2, 0.1, r"the number of cases is 2\.5"),
        (True, 0.2, 0.1, "the number of cases is True"),
        (10, -0.1, 0.1, r"validation_split is -0\.1"),
        (10, 0.1, 1.0, r"test_split is 1\.0"),
        (10, float("nan"), 0.1, "validation_split is nan"),
        (10, "a", 0.1, "validation_split is 'a'"),
    ],
)
def test_numbers_that_cannot_be_used(count, validation, test, message):
    with pytest.raises(ConfigError, match=message):
        plan_splits(count, validation, test)
