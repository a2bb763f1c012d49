"""Settling: what the catalogue must satisfy for the rules of placing to work."""

from __future__ import annotations

import numpy as np

from napari_medsynth.phantom.classic import Classic
from napari_medsynth.phantom.layout import Limits, Solids, apart, settle

NAMES, HOME, LIMITS = Classic()._plan


def test_the_catalogue_itself_is_allowed():
    assert LIMITS.holds(HOME).all()
    assert apart(HOME)[LIMITS.pairs].min() >= 1


def test_an_allowed_layout_is_left_as_it_is():
    found = settle(HOME, HOME, LIMITS)
    assert np.array_equal(found.centre, HOME.centre)
    assert np.array_equal(found.half, HOME.half)


def test_who_may_not_overlap_is_mutual():
    assert np.array_equal(LIMITS.pairs, LIMITS.pairs.T)
    assert not LIMITS.pairs.diagonal().any()


def test_two_solids_in_one_place_part_as_they_lie_in_the_catalogue():
    """With room enough they part without shrinking much; there is no line between their middles to follow."""
    limits = Limits(np.full((2, 3, 2), (-9.0, 9.0)), ~np.eye(2, dtype=bool), np.full(2, 9.0))
    home = Solids(np.array([[0, 0, -2.0], [0, 0, 2.0]]), np.ones((2, 3)))
    found = settle(Solids(np.zeros((2, 3)), np.ones((2, 3))), home, limits)
    assert found.centre[0, 2] < found.centre[1, 2]
    assert apart(found)[0, 1] >= 1 - 1e-9
    assert found.half.min() > 0.5


def test_a_solid_far_outside_comes_back():
    centre = HOME.centre.copy()
    centre[NAMES.index("spleen")] = (3, 3, 3)
    assert LIMITS.holds(settle(Solids(centre, HOME.half), HOME, LIMITS)).all()
