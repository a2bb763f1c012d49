"""Left and right exchanged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.codes import Codes
from napari_medsynth.rendering.flip import Flip, side_axis, side_pairs
from napari_medsynth.rendering.geometry import Geometry
from napari_medsynth.rendering.lattice import Lattice

NAMES = LabelTable.from_names(
    {
        2: "Left-Cerebral-White-Matter",
        41: "Right-Cerebral-White-Matter",
        16: "Brain-Stem",
        5: "kidney_left",
        6: "right_kidney",  # the word may stand anywhere
        7: "left lung",
        8: "right lung",
        9: "lung_middle_lobe_right",  # has no partner
        10: "ctx-lh-insula",
        11: "ctx-rh-insula",
        12: "leftFemur",
        13: "rightFemur",
        14: "vertebrae_L1",
        15: "vertebrae_R1",  # "R1" is no side
    }
)


def test_partners_have_one_name_but_for_the_side():
    assert side_pairs(NAMES) == ((2, 41), (5, 6), (7, 8), (10, 11), (12, 13))


def test_a_side_of_its_own_outweighs_the_name():
    table = LabelTable((Label(1, "kidney", side="left"), Label(2, "kidney", side="right"), Label(3, "kidney")))
    assert side_pairs(table) == ((1, 2),)


def test_several_of_a_name_are_paired_in_their_order_and_what_is_left_stays():
    table = LabelTable.from_names({1: "left rib", 2: "left rib", 3: "right rib", 5: "left right shunt"})
    assert side_pairs(table) == ((1, 3),)


@pytest.mark.parametrize(("orientation", "axis"), [("SPL", 2), ("LAS", 0), ("ARS", 1), ("IAR", 2), ("RIP", 0)])
def test_the_axis_is_the_one_from_side_to_side(orientation, axis):
    labels = LabelMap(np.ones((3, 4, 5), np.uint8), Affine.from_spacing((3, 1, 1), orientation=orientation))
    assert side_axis(labels) == axis


def test_an_oblique_map_is_mirrored_along_the_nearest_axis():
    matrix = Affine.from_spacing((1, 1, 1), orientation="SPL").matrix.copy()
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    matrix[:3, :3] = turn @ matrix[:3, :3]
    assert side_axis(LabelMap(np.ones((3, 4, 5), np.uint8), Affine(matrix))) == 2


def swapped(*values):
    labels = LabelMap(np.array([values], np.uint8), table=NAMES)
    return Flip(prob=1).decide_for(labels, seed=3)


def test_a_2d_map_of_unknown_place_is_mirrored_along_x():
    assert swapped(2, 41, 16, 9, 5, 6) == {"axis": 2, "swap": [[2, 41], [5, 6]]}


def test_what_is_on_one_side_only_is_on_the_other_in_the_mirror():
    assert swapped(2, 41, 5)["swap"] == [[2, 41], [5, 6]]


def test_a_map_that_calls_both_sides_by_one_value_keeps_its_values():
    assert swapped(2, 5, 16)["swap"] == []


def test_a_sagittal_slice_is_never_mirrored():
    labels = LabelMap(np.ones((4, 5), np.uint8), Affine.from_spacing((1, 1, 1), orientation="LPS"))
    assert Flip(prob=1).decide_for(labels, seed=3) is None


def test_half_of_all_images_are_mirrored():
    labels = LabelMap(np.ones((4, 5), np.uint8))
    flips = sum(Flip().decide_for(labels, seed) is not None for seed in range(1000))
    assert 440 < flips < 560
    assert all(Flip(prob=0).decide_for(labels, seed) is None for seed in range(50))


def test_a_lattice_alone_is_mirrored_along_x():
    lattice = Lattice((3, 4, 5), (1.0, 1.0, 1.0))
    assert Flip().draw(lattice, stream(1)) == {"axis": 2, "swap": []}


@st.composite
def tables(draw):
    """Tables in which some structures have both sides, some one, some none, and values are in any order."""
    values = iter(draw(st.lists(st.integers(1, 65535), min_size=30, max_size=30, unique=True)))
    entries = []
    for number in range(draw(st.integers(0, 10))):
        sides = draw(st.sets(st.sampled_from(["", "left", "right"])))
        entries += [Label(next(values), f"{side} organ {number}", side=side) for side in sides]
    return LabelTable(tuple(entries))


@given(tables(), st.integers(0, 2), st.integers(0, 99))
def test_mirroring_twice_changes_nothing(table, axis, seed):
    pairs = side_pairs(table)
    assert len({value for pair in pairs for value in pair}) == 2 * len(pairs)
    known = [0, *(entry.value for entry in table)]
    array = np.random.default_rng(seed).choice(known, (3, 4, 5)).astype(np.uint16)
    labels = LabelMap(array, table=table)
    once = mirrored(labels, axis, pairs)
    sides = {entry.value: entry.side for entry in table}
    partners = dict((*pairs, *(pair[::-1] for pair in pairs)))
    for value in known:
        assert np.array_equal(once.array == partners.get(value, value), np.flip(array == value, axis))
        assert value not in partners or {sides[value], sides[partners[value]]} == {"left", "right"}
    assert np.array_equal(mirrored(once, axis, pairs).array, array)


def mirrored(labels, axis, pairs):
    params = {"crop": None, "warp": None, "flip": {"axis": axis, "swap": [list(pair) for pair in pairs]}}
    codes = Codes.of(labels).swapped(params["flip"]["swap"])
    found = Geometry(Lattice.of(labels), params).labels(codes.tensor)
    return LabelMap(codes.decoded(found), table=labels.table)
