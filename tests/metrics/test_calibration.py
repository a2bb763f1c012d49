"""Whether models are as often right as they claim."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError, GridError
from napari_medsynth.metrics import Reliability, reliability


def honest(rng, shape, classes=3):
    """Probabilities, and a truth that is drawn from them."""
    logits = rng.normal(0, 2, (classes, *shape))
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    return p, (rng.random(shape) > np.cumsum(p, axis=0)[:-1]).sum(axis=0)


def test_a_model_that_is_right_as_often_as_it_says_is_calibrated():
    found = reliability([honest(np.random.default_rng(0), (400, 500))])
    assert found.ece < 0.01
    assert found.classwise_ece < 0.01
    curve = found.curve()
    filled = curve.count > 1000
    assert filled.sum() >= 8
    assert curve.accuracy[filled] == pytest.approx(curve.confidence[filled], abs=0.05)


def test_a_model_that_is_too_sure_has_the_error_that_was_put_in():
    """It claims 0.95 and is right in 7 of 10 voxels."""
    truth = np.array([0] * 7 + [1] * 3)
    p = np.broadcast_to(np.array([[0.95], [0.05]]), (2, 10))
    found = reliability([(p, truth)])
    assert found.ece == pytest.approx(0.25)
    assert found.brier == pytest.approx(0.7 * 2 * 0.05**2 + 0.3 * 2 * 0.95**2)
    assert found.curve(1).error == pytest.approx(0.25)


def test_images_counted_one_by_one_or_together_give_the_same():
    rng = np.random.default_rng(1)
    p, truth = honest(rng, (6, 250, 250))  # more voxels than are looked at together
    together, apart = Reliability(3), Reliability(3)
    together.add(p, truth)
    for part in range(6):
        apart.add(p[:, part], truth[part])
    assert together.voxels == truth.size
    assert together.brier == pytest.approx(apart.brier)
    assert np.array_equal(together.curve().count, apart.curve().count)
    assert json.dumps(together.to_json(), allow_nan=False)


def test_only_the_voxels_that_matter_are_counted():
    rng = np.random.default_rng(2)
    p, truth = honest(rng, (40, 40))
    where = rng.random((40, 40)) < 0.3
    masked, cut = Reliability(3), Reliability(3)
    masked.add(p, truth, where)
    cut.add(p[:, where], truth[where])
    assert masked.voxels == where.sum()
    assert (masked.ece, masked.brier) == (cut.ece, cut.brier)


@given(st.integers(0, 500), st.integers(1, 20))
def test_errors_stay_in_their_ranges(seed, bins):
    found = reliability([honest(np.random.default_rng(seed), (7, 3))], bins)
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 2
    assert found.curve().count.sum() == 21


def test_half_precision_is_taken_and_nothing_counted_is_no_error():
    p, truth = honest(np.random.default_rng(3), (30, 30))
    assert reliability([(p.astype(np.float16), truth)]).ece == pytest.approx(reliability([(p, truth)]).ece, abs=0.01)
    empty = Reliability(2)
    assert math.isnan(empty.ece)
    assert math.isnan(empty.brier)


def test_what_are_no_probabilities_or_classes_is_refused():
    p, truth = honest(np.random.default_rng(4), (5, 5))
    found = Reliability(3)
    with pytest.raises(ConfigError, match="probabilities are none"):
        found.add(p * 2, truth)
    with pytest.raises(ConfigError, match="probabilities are none"):
        found.add(p * np.nan, truth)
    with pytest.raises(ConfigError, match="truth holds class 0 … 3"):
        found.add(p, np.where(np.arange(25).reshape(5, 5) > 12, 3, 0))
    with pytest.raises(GridError, match=r"truth \(4, 5\)"):
        found.add(p, truth[1:])
    with pytest.raises(ConfigError, match="no image"):
        reliability([])
    assert found.voxels == 0
