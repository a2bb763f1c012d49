"""Dice, volumes and distances between label maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.metrics import mean_dice, scores

PLACE = Affine.from_spacing((3, 1, 2))
SHAPE = (3, 6, 5)


def maps(most=3):
    return hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, most)).map(lambda array: LabelMap(array, PLACE))


def by_value(found):
    return {score.value: score for score in found}


def test_two_boxes_have_the_dice_and_volumes_that_were_worked_out_by_hand():
    """Boxes of 2×4×4 and 2×4×3 voxels of 6 mm³ that share 2×4×2."""
    truth, found = np.zeros((2, 4, 8), np.uint8), np.zeros((2, 4, 8), np.uint8)
    truth[..., :4], found[..., 2:5] = 7, 7
    (score,) = scores(LabelMap(truth, PLACE), LabelMap(found, PLACE), surfaces=False)
    assert score.dice == pytest.approx(2 * 16 / (32 + 24))
    assert (score.truth_ml, score.found_ml) == pytest.approx((0.192, 0.144))
    assert score.volume_error == pytest.approx(-0.25)
    assert math.isnan(score.hd95_mm)


@settings(max_examples=8)
@given(maps(), maps())
def test_scores_do_not_change_when_the_maps_change_places(one, other):
    there, back = by_value(scores(one, other)), by_value(scores(other, one))
    assert there.keys() == back.keys()
    for value, score in there.items():
        assert score.dice == back[value].dice
        assert 0 <= score.dice <= 1
        assert score.hd95_mm == pytest.approx(back[value].hd95_mm)
        assert 0 <= score.surface_dice <= 1 + 1e-6
        assert score.surface_dice == pytest.approx(back[value].surface_dice)


@settings(max_examples=6)
@given(maps(), maps(), st.permutations(range(1, 4)))
def test_scores_follow_their_labels_when_these_get_other_values(one, other, order):
    names = np.array([0, *(300 + n for n in order)], np.uint16)
    renamed = (LabelMap(names[m.array], PLACE) for m in (one, other))
    before, after = by_value(scores(one, other)), by_value(scores(*renamed))
    for value, score in before.items():
        same = after[int(names[value])]
        assert (score.dice, score.hd95_mm, score.surface_dice) == (same.dice, same.hd95_mm, same.surface_dice)


@settings(max_examples=6)
@given(maps())
def test_a_map_agrees_with_itself(labels):
    for score in scores(labels, labels):
        assert (score.dice, score.hd95_mm, score.volume_error) == (1, 0, 0)
        assert score.surface_dice == pytest.approx(1)


def test_a_structure_that_is_missing_has_the_scores_that_the_table_says():
    table = LabelTable.from_names({1: "missed", 3: "nowhere"})
    truth, found = np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 4), np.uint8)
    truth[..., 0], found[..., 3] = 1, 2
    missed, false, nowhere = scores(LabelMap(truth, PLACE, table), LabelMap(found, PLACE))
    diagonal = math.hypot(6, 2, 8)
    assert (missed.name, missed.dice, missed.surface_dice, missed.volume_error) == ("missed", 0, 0, -1)
    assert (false.name, false.dice, false.surface_dice) == ("label 2", 0, 0)
    assert missed.hd95_mm == false.hd95_mm == pytest.approx(diagonal)
    assert math.isnan(false.volume_error)
    assert nowhere.truth_ml == nowhere.found_ml == 0
    undefined = (nowhere.dice, nowhere.hd95_mm, nowhere.surface_dice, nowhere.volume_error)
    assert all(math.isnan(number) for number in undefined)
    assert nowhere.to_json()["dice"] is None
    assert mean_dice([missed, nowhere]) == 0
    assert math.isnan(mean_dice([nowhere]))


def test_what_only_surrounds_the_case_is_not_scored_unless_asked_for():
    table = LabelTable((Label(1, "skin", context=True), Label(2, "heart")))
    labels = LabelMap(np.array([[1, 2], [0, 2]], np.uint8), table=table)
    assert [score.name for score in scores(labels, labels)] == ["heart"]
    assert [score.name for score in scores(labels, labels, values=[1])] == ["skin"]


def test_maps_on_other_grids_and_a_negative_tolerance_are_refused():
    labels = LabelMap(np.ones(SHAPE, np.uint8), PLACE)
    with pytest.raises(GridError, match="same grid"):
        scores(labels, LabelMap(labels.array))
    with pytest.raises(ConfigError, match="tolerance_mm is -1"):
        scores(labels, labels, tolerance_mm=-1)


def test_all_voxels_are_counted_where_there_are_more_than_are_looked_at_together():
    rng = np.random.default_rng(0)
    truth, found = (rng.integers(0, 4, (9, 200, 200), np.uint8) for _ in range(2))
    truth[:2] = found[:2] = 0
    for score in scores(LabelMap(truth), LabelMap(found.astype(np.uint16)), surfaces=False):
        mine, theirs = truth == score.value, found == score.value
        assert score.dice == 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum())
        assert score.found_ml == pytest.approx(theirs.sum() / 1000)
