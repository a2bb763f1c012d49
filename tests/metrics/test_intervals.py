"""Intervals by resampling patients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.metrics import bootstrap_interval, paired_difference, paired_ratio

NUMBERS = st.lists(st.floats(0, 1).map(lambda v: round(v, 4)), min_size=2, max_size=12)


@settings(max_examples=25)
@given(NUMBERS, st.integers(0, 9))
def test_an_interval_holds_its_estimate_which_is_the_mean(values, seed):
    found = bootstrap_interval(values, seed=seed)
    assert found.estimate == pytest.approx(np.mean(values))
    assert found.low <= found.estimate <= found.high
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.n == len(values)


def test_intervals_are_as_wide_as_theory_says_and_hold_the_truth_as_often_as_they_claim():
    rng = np.random.default_rng(1)
    found = [bootstrap_interval(rng.normal(0.8, 0.1, 40), seed=n, level=0.9) for n in range(200)]
    assert np.mean([f.high - f.low for f in found]) == pytest.approx(2 * 1.645 * 0.1 / math.sqrt(40), rel=0.05)
    assert np.mean([f.low <= 0.8 <= f.high for f in found]) == pytest.approx(0.9, abs=0.06)


def test_scans_of_one_patient_do_not_count_as_new_evidence():
    patients = np.random.default_rng(2).normal(0.8, 0.1, 10)
    values, owners = np.repeat(patients, 8), np.repeat(np.arange(10), 8)
    grouped, alone = bootstrap_interval(values, owners.tolist(), seed=1), bootstrap_interval(patients, seed=1)
    assert (grouped.estimate, grouped.low, grouped.high) == pytest.approx(
        (alone.estimate, alone.low, alone.high), abs=5e-4
    )
    naive = bootstrap_interval(values, seed=1)
    assert grouped.high - grouped.low > 2 * (naive.high - naive.low)
    assert grouped.n == 10


def test_the_same_seed_gives_the_same_interval_and_leaves_global_generators_alone():
    values = np.random.default_rng(3).random(9)
    state = np.random.get_state()[1].copy()
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)
    assert np.array_equal(np.random.get_state()[1], state)


def test_one_patient_has_no_interval_and_it_says_so():
    found = bootstrap_interval([0.7, 0.9], ["p", "p"], seed=0)
    assert (found.estimate, found.n, found.note) == (pytest.approx(0.8), 1, "no interval: N = 1")
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert "no interval: N = 1" in str(found)
    assert found.to_json()["low"] is None
    assert not found.excludes_zero
    none = bootstrap_interval([math.nan], seed=0)
    assert (none.n, none.note) == (0, "no interval: N = 0")


def test_patients_that_are_all_alike_have_an_interval_of_no_width():
    found = bootstrap_interval([0.5, 0.5, 0.5], seed=0)
    assert (found.low, found.high, found.method) == (0.5, 0.5, "constant")


def test_what_is_not_a_number_is_left_out_with_its_pair():
    found = paired_difference([0.9, math.nan, 0.8, 0.6], [0.5, 0.1, math.nan, 0.4], seed=0)
    assert (found.estimate, found.n) == (pytest.approx(0.3), 2)


def test_a_paired_difference_is_surer_than_two_means():
    rng = np.random.default_rng(5)
    hard = rng.normal(0.7, 0.2, 30)
    one, other = hard + 0.05 + rng.normal(0, 0.01, 30), hard
    found = paired_difference(one, other, seed=0)
    assert found.excludes_zero
    assert found.estimate == pytest.approx(0.05, abs=0.01)
    assert bootstrap_interval(one, seed=0).low < bootstrap_interval(other, seed=0).high


def test_a_ratio_is_that_of_the_means_and_its_parts_are_drawn_together():
    bottom = np.random.default_rng(6).uniform(0.1, 0.5, 20)
    found = paired_ratio(0.25 * bottom, bottom, seed=0)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert paired_ratio([1, 3, math.nan], [2, 4, 1], seed=0).estimate == pytest.approx(4 / 6)


def test_numbers_without_a_partner_are_refused():
    with pytest.raises(ConfigError, match="2 values and 1 groups"):
        bootstrap_interval([0.1, 0.2], ["p"], seed=0)
    with pytest.raises(ConfigError, match="expected pairs"):
        paired_difference([0.1], [0.1, 0.2], seed=0)
    with pytest.raises(ConfigError, match="level is 95"):
        bootstrap_interval([0.1, 0.2], seed=0, level=95)
