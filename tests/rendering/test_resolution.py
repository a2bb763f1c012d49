"""Voxel size, slice thickness and what a voxel sees."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.resolution import Resolution

CUBE = Lattice((50, 50, 50), (1.0, 1.0, 1.0))


def drawn(lattice=CUBE, count=400, **settings):
    rng = np.random.default_rng(3)
    params = [Resolution(**settings).draw(lattice, rng) for _ in range(count)]
    return {name: np.array([p[name] for p in params]) for name in params[0]}


def test_usually_one_axis_is_large_sometimes_all_and_sometimes_none():
    large = (drawn(count=3000)["voxel"] > 1).sum(axis=1)
    shares = np.bincount(large, minlength=4) / len(large)
    assert shares == pytest.approx([0.05, 0.855, 0, 0.095], abs=0.02)


def test_one_large_axis_reaches_eight_millimetres_and_all_large_axes_four():
    found = drawn(count=3000)["voxel"]
    large = (found > 1).sum(axis=1)
    assert 7.8 < found[large == 1].max() <= 8
    assert 3.8 < found[large == 3].max() <= 4


def test_each_axis_can_be_the_large_one():
    found = drawn(prob_iso=0, prob_min=0)["voxel"]
    assert ((found > 1).mean(axis=0) > 0.25).all()


@pytest.mark.parametrize(("slices", "axis"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_the_slices_that_are_thick_can_be_chosen(slices, axis):
    found = drawn(prob_iso=0, prob_min=0, slices=slices)["voxel"]
    assert (found[:, axis] > 1).all()
    assert (np.delete(found, axis, axis=1) == 1).all()


def test_sagittal_slices_are_thick_from_side_to_side_however_the_array_lies():
    lattice = Lattice((10, 20, 30), (1.0, 1.0, 1.0), "RIP")
    found = drawn(lattice, prob_iso=0, prob_min=0, slices="sagittal")["voxel"]
    assert (found[:, 0] > 1).all()
    assert (found[:, 1:] == 1).all()


def test_slices_are_as_thick_as_their_distance_at_most_and_as_the_labels_voxels_at_least():
    found = drawn()
    assert (found["thickness"] >= 1).all()
    assert (found["thickness"] <= found["voxel"]).all()


def test_a_voxel_sees_three_quarters_of_the_slice_thickness_give_or_take_three_percent():
    found = drawn()
    large = found["voxel"] > 1
    factor = found["sigma"] / np.where(large, 0.75 * found["thickness"], 0.5)
    assert (np.abs(np.log(factor)) <= np.log(1.03) + 1e-4).all()
    assert factor.std() > 0.01


def test_voxels_of_the_labels_larger_than_the_range_stay():
    lattice = Lattice((10, 10, 10), (9.0, 9.0, 9.0))
    found = drawn(lattice)
    assert (found["voxel"] == 9).all()
    assert found["sigma"] == pytest.approx(4.5, rel=0.04)


def test_one_slice_never_gets_larger_voxels_along_z():
    lattice = Lattice((1, 40, 40), (1.0, 1.0, 1.0))
    assert (drawn(lattice)["voxel"][:, 0] == 1).all()
    assert (drawn(lattice, slices="axial", prob_iso=0)["voxel"] == 1).all()


def test_an_interval_says_its_low_end_first():
    with pytest.raises(ConfigError, match=r"Resolution\.iso is \(4\.0, 1\.0\); expected the low end first"):
        Resolution(iso=(4, 1))
