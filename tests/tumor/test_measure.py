from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError, SeedError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.measure import (
    core_hu,
    free_gap_mm,
    in_lung,
    measure_lesions,
    principal_diameters_mm,
    ring_hu,
    signed_distance,
    volume_ml,
)

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 0.7, 0.7), (3.0, 1.0, 0.5)]


def millimetres(shape, spacing):
    """World coordinates of the voxels, from the centre of the array."""
    return np.stack(
        np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    )


def ellipsoid(semi_axes, spacing, margin=6.0):
    shape = [int(2 * (a + margin) / s) + 1 for a, s in zip(semi_axes, spacing, strict=True)]
    points = millimetres(shape, spacing) / np.reshape(semi_axes, (3, 1, 1, 1))
    return (points**2).sum(axis=0) < 1


@pytest.mark.parametrize("spacing", SPACINGS)
def test_volume_and_diameters_of_an_ellipsoid_are_those_of_geometry(spacing):
    mask = ellipsoid((8.0, 12.0, 16.0), spacing)
    assert volume_ml(mask, spacing) == pytest.approx(4 / 3 * np.pi * 8 * 12 * 16 / 1000, rel=0.02)
    assert principal_diameters_mm(mask, spacing) == pytest.approx((32, 24, 16), rel=0.04)


def test_diameters_of_a_turned_ellipsoid_do_not_change():
    points = millimetres((50, 50, 50), (1, 1, 1))
    turned = np.einsum("ij,jzyx->izyx", np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0], points)
    mask = ((turned / np.reshape((6, 12, 18), (3, 1, 1, 1))) ** 2).sum(axis=0) < 1
    assert principal_diameters_mm(mask, (1, 1, 1)) == pytest.approx((36, 24, 12), rel=0.03)


def test_one_voxel_has_a_size():
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[1, 1, 1] = True
    assert principal_diameters_mm(mask, (3.0, 1.0, 1.0)) == pytest.approx(np.sqrt(5 / 3) * np.array([3, 1, 1]))


@pytest.mark.parametrize("spacing", SPACINGS)
def test_distance_runs_from_the_face_between_two_voxels(spacing):
    for axis in range(3):
        mask = np.zeros((9, 9, 9), dtype=bool)
        np.moveaxis(mask, axis, 0)[:5] = True
        line = np.moveaxis(signed_distance(mask, spacing), axis, 0)[:, 4, 4]
        assert line == pytest.approx((np.arange(9) - 4.5) * spacing[axis], abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_distance_to_a_ball_is_that_of_geometry(spacing):
    radius = 10.0
    shape = [int(2 * 16 / s) + 1 for s in spacing]
    truth = np.linalg.norm(millimetres(shape, spacing), axis=0) - radius
    error = (signed_distance(truth < 0, spacing) - truth)[np.abs(truth) < 5]
    assert abs(error.mean()) < 0.2
    assert error.std() < 0.3 * max(spacing)


def test_distance_is_negative_exactly_inside():
    mask = np.random.default_rng(1).random((12, 13, 14)) < 0.3
    assert np.array_equal(signed_distance(mask, (3.0, 1.0, 1.0)) < 0, mask)


def test_a_mask_that_fills_its_box_ends_there():
    distance = signed_distance(np.ones((3, 3, 3), dtype=bool), (1, 1, 1))
    assert distance[1, 1, 1] == pytest.approx(-1.5)
    assert distance[0, 1, 1] == pytest.approx(-0.5)


def test_gap_is_zero_for_neighbours_and_counts_what_is_between():
    mask = np.zeros((1, 1, 8), dtype=bool)
    mask[0, 0, 2] = True
    assert free_gap_mm(mask, (3.0, 1.0, 0.5))[0, 0] == pytest.approx([0.5, 0, 0, 0, 0.5, 1.0, 1.5, 2.0])


@pytest.mark.parametrize("measure", [principal_diameters_mm, signed_distance, free_gap_mm])
def test_an_empty_mask_is_refused(measure):
    with pytest.raises(SeedError, match="empty"):
        measure(np.zeros((3, 3, 3), dtype=bool), (1, 1, 1))


def shells(radius, inner, outer):
    """A ball with another value deeper than 2 mm and another one from 2 to 4 mm outside."""
    truth = np.linalg.norm(millimetres((41, 41, 41), (1, 1, 1)), axis=0) - radius
    distance = signed_distance(truth < 0, (1, 1, 1))
    values = np.full(truth.shape, -300)
    values[distance <= -2] = inner
    values[(distance >= 2) & (distance <= 4)] = outer
    return values, distance


def test_core_and_ring_leave_the_blurred_rim_out():
    values, distance = shells(10, 40, -850)
    assert core_hu(values, distance) == 40
    assert ring_hu(values, distance, distance > 0) == -850


def test_core_of_a_small_lesion_is_its_deepest_quarter():
    values, distance = shells(2.2, 40, -850)
    values[distance < 0] = -600
    values[distance <= np.quantile(distance[distance < 0], 0.25)] = -200
    assert core_hu(values, distance) == -200


def test_without_any_tissue_the_ring_is_the_lesion_itself():
    values, distance = shells(10, 40, -850)
    expected = np.median(values[distance < 0])
    assert ring_hu(values, distance, np.zeros(values.shape, dtype=bool)) == expected


@pytest.mark.parametrize(
    ("organ", "outer", "expected"),
    [("lung", 40, True), ("Right lung", 40, True), ("", -850, True), ("", 40, False), ("liver", -850, False)],
)
def test_a_lesion_is_in_a_lung_if_its_organ_or_the_air_around_it_says_so(organ, outer, expected):
    values, distance = shells(10, 40, outer)
    assert in_lung(values, distance, distance > 0, organ) is expected


def test_figures_of_lesions_give_value_place_and_size():
    affine = Affine.from_spacing((2.0, 1.0, 1.0), origin=(10.0, 20.0, 30.0))
    instances = np.zeros((10, 20, 20), dtype=np.uint8)
    instances[2:4, 3:6, 4:8] = 3
    instances[6, 10, 10] = 7
    image = np.zeros(instances.shape, dtype=np.int16)
    image[instances == 3] = 50
    image[2, 3, 4] = 74
    first, second = measure_lesions(Volume(image, affine), LabelMap(instances, affine))
    assert (first.instance, second.instance) == (3, 7)
    assert first.volume_ml == pytest.approx(24 * 2 / 1000)
    assert first.mean_hu == pytest.approx(51)
    assert first.centre_zyx == pytest.approx((2.5, 4.0, 5.5))
    assert first.centre_mm == pytest.approx(tuple(affine.to_world((2.5, 4.0, 5.5))))
    assert json.loads(json.dumps(second.to_json()))["instance"] == 7


def test_figures_need_one_grid():
    with pytest.raises(GridError):
        measure_lesions(Volume(np.zeros((4, 4, 4))), LabelMap(np.zeros((4, 4, 5), dtype=np.uint8)))
