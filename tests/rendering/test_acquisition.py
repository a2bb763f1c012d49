"""Larger voxels, what they see, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_medsynth.core.affine import Affine
from napari_medsynth.rendering.acquisition import Acquisition
from napari_medsynth.rendering.lattice import Lattice

RNG = np.random.default_rng(5)


def acquired(shape, voxel, sigma, spacing=(1.0, 1.0, 1.0)):
    return Acquisition(Lattice(shape, spacing), {"voxel": voxel, "thickness": voxel, "sigma": sigma})


def taken(acquisition, image):
    return acquisition.take(torch.from_numpy(image.astype(np.float32))).numpy()


def ramp(shape, affine):
    """Return the world's coordinates at each voxel, (3, z, y, x)."""
    return np.moveaxis(affine.to_world(np.moveaxis(np.indices(shape), 0, -1)), -1, 0)


@pytest.mark.parametrize("voxel", [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [3.0, 3.0, 3.0], [1.0, 1.0, 1.0]])
def test_it_is_a_gaussian_and_then_sampling(voxel):
    image = RNG.random((33, 45, 39))
    sigma = [0.75 * v if v > 1 else 0.5 for v in voxel]
    blurred = ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.717)
    low = [round(n / v) for n, v in zip(image.shape, voxel, strict=True)]
    places = np.meshgrid(*[(np.arange(n) + 0.5) * v - 0.5 for n, v in zip(low, voxel, strict=True)], indexing="ij")
    expected = ndimage.map_coordinates(blurred, places, order=1, mode="nearest")
    assert taken(acquired(image.shape, voxel, sigma), image) == pytest.approx(expected, abs=1e-3)


def test_voxels_that_are_no_multiple_see_what_a_gaussian_around_their_centre_sees():
    image = ndimage.gaussian_filter(RNG.random((40, 41, 42)), 3)
    acquisition = acquired(image.shape, [2.3, 1.0, 1.7], [1.7, 0.5, 1.2])
    blurred = ndimage.gaussian_filter(image, [1.7, 0.5, 1.2], mode="nearest")
    spacing = acquisition.lattice.spacing
    places = [(np.arange(n) + 0.5) * s - 0.5 for n, s in zip(acquisition.lattice.shape, spacing, strict=True)]
    expected = ndimage.map_coordinates(blurred, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    assert taken(acquisition, image) == pytest.approx(expected, abs=1e-2 * np.ptp(image))


@pytest.mark.parametrize("voxel", [[5.3, 1.0, 1.0], [2.1, 3.3, 4.0]])
def test_what_is_the_same_everywhere_stays_so_there_and_back(voxel):
    acquisition = acquired((31, 32, 33), voxel, [2.0, 0.5, 1.5])
    low = taken(acquisition, np.full((31, 32, 33), 7.0))
    assert low == pytest.approx(7, abs=1e-5)
    assert acquisition.back(torch.from_numpy(low)).numpy() == pytest.approx(7, abs=1e-5)


def test_the_field_of_view_is_the_same_from_edge_to_edge():
    affine = Affine.from_spacing((1, 0.8, 1.2), (10, 20, 30), "PIR")
    acquisition = acquired((30, 50, 41), [4.0, 0.8, 3.1], [3.0, 0.4, 2.0], (1.0, 0.8, 1.2))
    low = acquisition.affine(affine)
    assert low.spacing == pytest.approx(acquisition.lattice.spacing)
    assert low.direction == pytest.approx(affine.direction)
    for corner in np.ndindex(2, 2, 2):
        fine = affine.to_world([(n - 0.5) if c else -0.5 for n, c in zip((30, 50, 41), corner, strict=True)])
        coarse = [(n - 0.5) if c else -0.5 for n, c in zip(acquisition.lattice.shape, corner, strict=True)]
        assert low.to_world(coarse) == pytest.approx(fine)


def test_what_lies_at_a_place_of_the_world_still_lies_there():
    """An image of the world's coordinates shows them on the scanner's grid too, and after the way back."""
    affine = Affine.from_spacing((1, 0.8, 1.2), (10, 20, 30), "PIR")
    shape = (30, 50, 41)
    acquisition = acquired(shape, [4.0, 0.8, 3.1], [3.0, 0.4, 2.0], (1.0, 0.8, 1.2))
    expected = ramp(acquisition.lattice.shape, acquisition.affine(affine))
    inner = (slice(3, -3), slice(3, -3), slice(3, -3))
    fine_inner = (slice(14, -14), slice(3, -3), slice(10, -10))
    for image, world in zip(ramp(shape, affine), expected, strict=True):
        low = taken(acquisition, image)
        assert low[inner] == pytest.approx(world[inner], abs=2e-3)
        back = acquisition.back(torch.from_numpy(low)).numpy()
        assert back[fine_inner] == pytest.approx(image[fine_inner], abs=2e-3)


def test_the_way_back_is_linear_and_repeats_edges():
    acquisition = acquired((8, 4, 4), [4.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    low = torch.zeros(2, 4, 4)
    low[1] = 4
    assert acquisition.back(low)[:, 0, 0].tolist() == pytest.approx([0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4])


def test_an_axis_of_one_voxel_is_left_alone():
    image = RNG.random((1, 20, 24))
    low = taken(acquired(image.shape, [8.0, 1.0, 1.0], [6.0, 0.0, 0.0]), image)
    assert np.array_equal(low, image.astype(np.float32))


def test_voxels_finer_than_those_of_the_labels_leave_an_axis_its_own():
    acquisition = acquired((10, 20, 30), [0.5, 1.0, 2.0], [0.4, 0.4, 1.4])
    assert acquisition.lattice.shape == (10, 20, 15)


def test_thin_and_thick_voxels_go_together():
    acquisition = acquired((6, 100, 100), [10.0, 1.0, 0.1], [5.0, 0.7, 0.05], (10.0, 0.1, 0.1))
    assert acquisition.lattice.shape == (6, 10, 100)
    low = taken(acquisition, np.indices((6, 100, 100))[1].astype(float))
    assert low[3, 2:-2, 50] == pytest.approx((np.arange(10) * 10 + 4.5)[2:-2], abs=0.05)


def test_a_few_voxels_never_become_one():
    acquisition = acquired((3, 30, 30), [8.0, 1.0, 1.0], [6.0, 0.5, 0.5])
    assert acquisition.lattice.shape == (2, 30, 30)
    assert np.isfinite(taken(acquisition, RNG.random((3, 30, 30)))).all()


def test_without_params_nothing_changes():
    acquisition = Acquisition(Lattice((4, 5, 6), (1.0, 2.0, 3.0)), None)
    image = torch.rand(4, 5, 6)
    assert torch.equal(acquisition.take(image), image)
    assert acquisition.back(image) is image
    affine = Affine.from_spacing((1, 2, 3))
    assert acquisition.affine(affine) is affine


def test_labels_are_those_at_the_centres():
    codes = torch.arange(9, dtype=torch.uint8).view(9, 1, 1).expand(9, 4, 4)
    found = acquired((9, 4, 4), [3.0, 1.0, 1.0], [2.0, 0.5, 0.5]).labels(codes)
    assert found[:, 0, 0].tolist() == [1, 4, 7]


def test_a_voxel_sees_little_beyond_itself_after_a_short_blur():
    """A thousandth of the peak is where the Gaussian ends."""
    image = np.zeros((21, 21, 21))
    image[10, 10, 10] = 1
    seen = taken(acquired(image.shape, [1.0, 1.0, 1.0], [0.5, 0.5, 0.5]), image)
    assert seen.sum() == pytest.approx(1, abs=1e-5)
    assert np.argwhere(seen > 0).min() == 9
