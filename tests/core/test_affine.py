"""Affine: index to world and back, orientation, and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError
from napari_medsynth.core.grid import reorder, unreorder
from napari_medsynth.core.volume import Volume

ORIENTATIONS = [
    "".join(sides) for axes in itertools.permutations(("RL", "AP", "SI")) for sides in itertools.product(*axes)
]
SHAPE = (3, 4, 5)


@st.composite
def affines(draw):
    """Any orientation, anisotropic, turned by up to 0.3 rad about each axis, anywhere in the room."""
    spacing = draw(st.tuples(*[st.floats(0.1, 8)] * 3))
    affine = Affine.from_spacing(spacing, orientation=draw(st.sampled_from(ORIENTATIONS)))
    matrix = affine.matrix.copy()
    for first, second in itertools.combinations(range(3), 2):
        angle = draw(st.floats(-0.3, 0.3))
        turn = np.eye(4)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    matrix[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return Affine(matrix)


def test_a_plain_affine_runs_to_head_back_and_left():
    affine = Affine.from_spacing((2, 1, 0.5), origin=(10, 20, 30))
    assert affine.orientation == "SPL"
    assert affine.to_world((1, 0, 0)).tolist() == [10, 20, 32]  # one slice up is 2 mm to the head
    assert affine.to_world((0, 1, 0)).tolist() == [10, 19, 30]
    assert affine.to_world((0, 0, 1)).tolist() == [9.5, 20, 30]
    assert affine.spacing == (2, 1, 0.5)
    assert affine.origin == (10, 20, 30)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientation_is_the_one_asked_for(orientation):
    affine = Affine.from_spacing((3, 2, 1), orientation=orientation)
    assert affine.orientation == orientation
    assert affine.spacing == (3, 2, 1)
    assert not affine.is_oblique


@given(affines(), st.lists(st.floats(-100, 100), min_size=3, max_size=3))
def test_world_and_index_undo_each_other(affine, index):
    np.testing.assert_allclose(affine.to_index(affine.to_world(index)), index, atol=1e-8)


@given(affines())
def test_spacing_and_direction_make_up_the_matrix(affine):
    np.testing.assert_allclose(affine.direction * affine.spacing, affine.matrix[:3, :3], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(affine.direction, axis=0), 1)


@given(affines(), st.sampled_from(ORIENTATIONS))
def test_reorienting_moves_no_voxel_in_the_world(affine, orientation):
    before = Volume(np.arange(60).reshape(SHAPE), affine)
    after = before.reoriented(orientation)
    where = {int(v): affine.to_world(index) for index, v in np.ndenumerate(before.array)}
    for index, value in np.ndenumerate(after.array):
        np.testing.assert_allclose(after.affine.to_world(index), where[int(value)], atol=1e-6)


@given(affines(), st.sampled_from(ORIENTATIONS))
def test_reorienting_there_and_back_gives_the_same_volume(affine, orientation):
    before = Volume(np.arange(60).reshape(SHAPE), affine)
    back = before.reoriented(orientation).reoriented(affine.orientation)
    np.testing.assert_array_equal(back.array, before.array)
    np.testing.assert_allclose(back.affine.matrix, affine.matrix, atol=1e-6)


@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_unreorder_undoes_reorder(order, flips):
    array = np.arange(60).reshape(SHAPE)
    np.testing.assert_array_equal(unreorder(reorder(array, tuple(order), flips), tuple(order), flips), array)


def test_a_turn_of_a_hundredth_degree_is_oblique_and_less_is_not():
    def turned(degrees):
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return Affine(np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]]))

    assert turned(0.02).is_oblique
    assert not turned(0.005).is_oblique


def test_shifted_is_the_affine_of_a_crop():
    affine = Affine.from_spacing((2, 1, 1), origin=(1, 2, 3))
    assert affine.shifted((5, 0, 2)).to_world((0, 0, 0)).tolist() == affine.to_world((5, 0, 2)).tolist()


def test_close_means_within_a_hundredth_of_a_voxel_at_every_corner():
    affine = Affine.from_spacing((1, 1, 1))
    stretched = Affine.from_spacing((1, 1, 1.001))  # 0.001 mm a voxel: 0.5 mm at the far side
    assert affine.is_close(stretched, (2, 2, 2))
    assert not affine.is_close(stretched, (2, 2, 512))
    assert not affine.is_close(affine.shifted((0, 0, 0.02)), (1, 1, 1))


def test_the_matrix_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Affine.from_spacing().matrix[0, 0] = 2


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.eye(3), r"shape \(3, 3\); expected \(4, 4\)"),
        (np.diag([1, np.nan, 1, 1]), "not finite"),
        (np.diag([1, 1, 1, 2]), "last row"),
        (np.diag([1, 0, 1, 1]), "singular"),
        (np.diag([1e200, 1, 1, 1]), "expected at most 1e"),
        (np.diag([1e-200, 1, 1, 1]), "singular"),
        (np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
    ],
)
def test_a_matrix_that_is_no_place_is_refused(matrix, said):
    with pytest.raises(GridError, match=said):
        Affine(matrix)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"spacing": (1, 1, 0)}, "expected finite values above 0 mm"),
        ({"spacing": (1, 1, -1)}, "expected finite values above 0 mm"),
        ({"spacing": (1, np.inf, 1)}, "expected finite values above 0 mm"),
        ({"spacing": (1,)}, "expected 2 or 3"),
        ({"origin": (1, 2)}, "origin has 2 values"),
        ({"orientation": "SPP"}, "one letter each of"),
        ({"orientation": "SPLR"}, "one letter each of"),
        ({"orientation": "spl"}, "one letter each of"),
    ],
)
def test_spacing_origin_and_orientation_are_checked(options, said):
    with pytest.raises(GridError, match=said):
        Affine.from_spacing(**options)
