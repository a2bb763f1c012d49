"""Boxes, and arrays that know where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.box import Box
from napari_medsynth.core.errors import GridError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume

corners = st.tuples(*[st.integers(-3, 8)] * 3)


@given(arrays(bool, (4, 5, 6)))
def test_box_around_holds_every_true_voxel_and_touches_them(mask):
    box = Box.around(mask)
    if box is None:
        assert not mask.any()
        return
    assert mask[box.slices].sum() == mask.sum()
    for axis in range(3):
        inner = np.moveaxis(mask[box.slices], axis, 0)
        assert inner[0].any()
        assert inner[-1].any()


@given(corners, corners, corners, corners)
def test_boxes_overlap_exactly_if_they_share_a_voxel(a, b, c, d):
    def voxels(start, stop):
        return {
            (z, y, x)
            for z in range(start[0], stop[0])
            for y in range(start[1], stop[1])
            for x in range(start[2], stop[2])
        }

    assert Box(a, b).overlaps(Box(c, d)) == bool(voxels(a, b) & voxels(c, d))


def test_an_empty_box_inside_another_overlaps_nothing():
    inside, around = Box((2, 2, 2), (2, 4, 4)), Box((0, 0, 0), (5, 5, 5))
    assert not inside.overlaps(around)
    assert not around.overlaps(inside)


@given(corners, corners)
def test_a_clipped_box_is_the_part_inside(start, stop):
    array = np.zeros((5, 5, 5), bool)
    box = Box(start, stop).clipped(array.shape)
    inside = [(0 <= p < 5) for p in (*box.start, *box.stop)]
    assert all(i or p == 5 for i, p in zip(inside, (*box.start, *box.stop), strict=True))
    wanted = [len(range(max(a, 0), min(b, 5))) for a, b in zip(start, stop, strict=True)]
    assert list(box.shape) == wanted
    assert array[box.slices].shape == box.shape
    assert box.is_empty == (0 in wanted)


def test_grown_shifted_and_within():
    box = Box((2, 3, 4), (5, 6, 7))
    assert box.grown((1, 0, 2)) == Box((1, 3, 2), (6, 6, 9))
    assert box.shifted((1, -1, 0)) == Box((3, 2, 4), (6, 5, 7))
    assert box.within(Box((2, 2, 2), (9, 9, 9))) == Box((0, 1, 2), (3, 4, 5))


def test_a_crop_stays_where_it_was_in_the_patient():
    volume = Volume(np.arange(60.0).reshape(3, 4, 5), Affine.from_spacing((2, 1, 1), origin=(7, 8, 9)))
    part = volume.crop(Box((1, 2, 3), (3, 4, 5)))
    assert part.shape == (2, 2, 2)
    assert part.array[0, 0, 0] == volume.array[1, 2, 3]
    assert part.affine.to_world((0, 0, 0)).tolist() == volume.affine.to_world((1, 2, 3)).tolist()


def test_a_crop_of_a_colour_image_keeps_its_channels():
    image = Volume(np.zeros((3, 8, 9)), channels=True)
    assert image.shape == (8, 9)
    assert image.crop(Box((1, 1), (3, 4))).array.shape == (3, 2, 3)


@pytest.mark.parametrize("box", [Box((0, 0, 0), (4, 1, 1)), Box((-1, 0, 0), (1, 1, 1)), Box((1, 1, 1), (1, 2, 2))])
def test_a_crop_that_leaves_the_array_or_is_empty_is_refused(box):
    with pytest.raises(GridError):
        Volume(np.zeros((3, 3, 3))).crop(box)


def test_the_array_is_read_only_and_contiguous_and_the_given_one_stays_writable():
    given = np.zeros((3, 4, 5), order="F")
    volume = Volume(given)
    assert volume.array.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    given[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(3), r"shape \(3,\); expected \(y, x\) or \(z, y, x\)"),
        (np.zeros((1, 2, 3, 4)), "shape"),
        (np.zeros((3, 0, 3)), "at least one voxel"),
        (np.zeros((2, 2), complex), "real numbers"),
        (np.array([["a"]]), "real numbers"),
    ],
)
def test_what_is_no_image_is_refused(array, said):
    with pytest.raises(GridError, match=said):
        Volume(array)


def test_grids_that_differ_are_both_named():
    image = Volume(np.zeros((3, 4, 5)))
    with pytest.raises(GridError, match="image is 3×4×5 voxels and labels is 3×4×6"):
        image.require_same_grid(LabelMap(np.zeros((3, 4, 6), int)), "image", "labels")
    moved = LabelMap(np.zeros((3, 4, 5), int), Affine.from_spacing(origin=(0, 0, 1)))
    with pytest.raises(GridError, match=r"origin \(0, 0, 0\)\) and labels on .*origin \(0, 0, 1\)"):
        image.require_same_grid(moved, "image", "labels")
    assert not image.same_grid(moved)
    assert image.same_grid(LabelMap(np.zeros((3, 4, 5), int)))


def test_a_2d_image_has_2d_spacing_and_one_slice():
    image = Volume(np.zeros((4, 5)), Affine.from_spacing((0.5, 0.25)))
    assert image.spacing == (0.5, 0.25)
    assert image.shape3 == (1, 4, 5)
    assert image.voxel_ml == pytest.approx(0.000125)
    assert image.reoriented() is image


@pytest.mark.parametrize(("value", "finite"), [(0.0, True), (np.nan, False), (np.inf, False)])
def test_is_finite(value, finite):
    assert Volume(np.full((2, 2), value)).is_finite == finite
