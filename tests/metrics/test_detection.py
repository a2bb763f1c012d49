"""Lesions found, and false alarms."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.metrics import Hits, froc, match_lesions
from napari_medsynth.metrics.detection import OPERATING_POINTS, lesions_of

PLACE = Affine.from_spacing((2, 1, 1), (5, 6, 7))


def boxes(*starts, size=3):
    array = np.zeros((12, 30, 30), np.uint8)
    for z, y, x in starts:
        array[z : z + size, y : y + size, x : x + size] = 1
    return LabelMap(array, PLACE)


def by_hand():
    """Three lesions in two scans of two patients; one is found at 0.9, one at 0.5 (twice), one never."""
    return [
        Hits("p", 2, ((0.9, (0,)), (0.7, ()), (0.5, (1,)), (0.4, (1,)))),
        Hits("q", 1, ((0.8, ()), (0.2, ()))),
    ]


def test_lesions_are_connected_parts_with_their_places_in_the_patient():
    score = np.zeros((12, 30, 30))
    score[4, 12, 12] = 0.6
    first, second = lesions_of(boxes((0, 0, 0), (3, 11, 11)), Volume(score, PLACE))
    assert (first.voxels, first.score, second.score) == (27, 0, 0.6)
    assert first.radius_mm == pytest.approx(np.cbrt(54 * 3 / (4 * np.pi)))
    assert second.centre_mm == pytest.approx(tuple(PLACE.to_world((4, 12, 12))))
    corner = LabelMap(np.eye(4, dtype=np.uint8))
    assert [part.voxels for part in lesions_of(corner)] == [4]


def test_candidates_hit_what_they_overlap_or_what_their_centre_is_near():
    truth, found = boxes((0, 0, 0), (0, 4, 0), (6, 20, 20)), boxes((0, 2, 0), (6, 23, 23), (0, 15, 15))
    by_overlap = match_lesions(truth, found, patient="p")
    assert by_overlap == Hits("p", 3, ((1.0, (0, 1)), (1.0, ()), (1.0, ())))
    near = match_lesions(truth, found, patient="p", rule="centre", radius_mm=5)
    assert near.candidates == ((1.0, (0,)), (1.0, ()), (1.0, (2,)))
    assert match_lesions(truth, found, patient="p", rule="centre").candidates[2] == (1.0, ())
    assert match_lesions(truth, boxes(), patient="p").candidates == ()
    assert match_lesions(boxes(), found, patient="p", min_voxels=28).candidates == ()


def test_the_curve_is_the_one_worked_out_by_hand():
    found = froc(by_hand(), seed=0)
    rows = [(point.false_positives, round(point.sensitivity, 3)) for point in found.points]
    assert rows == [(0, 0), (0, 0.333), (0.5, 0.333), (1, 0.333), (1, 0.667), (1.5, 0.667)]
    assert [point.threshold for point in found.points] == [math.inf, 0.9, 0.8, 0.7, 0.5, 0.2]
    at = dict(zip(OPERATING_POINTS, found.sensitivities, strict=True))
    assert (at[0.5].estimate, at[1.0].estimate) == pytest.approx((1 / 3, 2 / 3))
    assert (found.scans, found.patients, found.lesions) == (2, 2, 3)
    assert json.dumps(found.to_json(), allow_nan=False)


SCORES = st.floats(0, 1).map(lambda v: round(v, 1))


@st.composite
def scans(draw):
    lesions = draw(st.integers(0, 3))
    hit = st.sets(st.integers(0, lesions - 1)).map(lambda s: tuple(sorted(s))) if lesions else st.just(())
    return Hits(draw(st.sampled_from("pqr")), lesions, tuple(draw(st.lists(st.tuples(SCORES, hit), max_size=5))))


@settings(max_examples=30)
@given(st.lists(scans(), min_size=1, max_size=5).filter(lambda found: sum(s.lesions for s in found)))
def test_the_curve_only_grows_and_intervals_hold_their_estimate(found):
    curve = froc(found, seed=1, resamples=20)
    for before, after in pairwise(curve.points):
        assert before.threshold > after.threshold
        assert before.false_positives <= after.false_positives
        assert before.sensitivity <= after.sensitivity + 1e-12
    assert 0 <= curve.points[-1].sensitivity <= 1 + 1e-12
    for found_at in curve.sensitivities:
        assert found_at.note or found_at.low <= found_at.estimate <= found_at.high
    estimates = [found_at.estimate for found_at in curve.sensitivities]
    assert estimates == sorted(estimates)
    assert curve.mean.estimate == pytest.approx(np.mean(estimates))


def test_patients_are_drawn_anew_whole_and_one_patient_has_no_interval():
    """A patient in whom all is found and one in whom nothing is: intervals reach from 0 to 1."""
    both = [Hits("p", 4, tuple((0.9, (n,)) for n in range(4))), Hits("q", 4, ())]
    found = froc(both, seed=0).mean
    assert (found.low, found.estimate, found.high) == (0, 0.5, 1)
    assert froc(both, seed=0) == froc(both, seed=0)
    alone = froc(both[:1], seed=0).mean
    assert (alone.estimate, alone.note) == (1, "no interval: N = 1")


def test_without_a_lesion_there_is_no_curve():
    with pytest.raises(ConfigError, match="no lesion"):
        froc([Hits("p", 0, ((0.5, ()),))], seed=0)
    with pytest.raises(ConfigError, match="not finite"):
        match_lesions(boxes(), boxes((0, 0, 0)), Volume(np.full((12, 30, 30), np.nan), PLACE), patient="p")
