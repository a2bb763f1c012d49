"""Distances between surfaces against others' ways to compute them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from napari_medsynth.core.labels import LabelMap
from napari_medsynth.metrics import scores
from napari_medsynth.metrics.surface import boxes_of, surface_agreement

GRIDS = [((14, 16), (2.0, 0.7)), ((9, 14, 12), (3.0, 0.8, 1.3)), ((9, 14, 12), (0.5, 0.5, 2.0))]


def ball(shape, spacing, centre, radius):
    place = np.stack(np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij"), -1)
    return np.linalg.norm(place - np.multiply(centre, spacing), axis=-1) <= radius


def surface_points(mask, spacing):
    """Places in mm of voxels that have a neighbour outside."""
    inner = np.pad(mask, 1)
    for axis in range(mask.ndim):
        for step in (-1, 1):
            inner = inner & np.roll(np.pad(mask, 1), step, axis)
    return np.argwhere(mask & ~inner[(slice(1, -1),) * mask.ndim]) * np.array(spacing)


@pytest.mark.parametrize(("shape", "spacing"), GRIDS)
def test_hausdorff_distance_is_that_of_all_pairs_of_surface_voxels(shape, spacing):
    middle = [n / 2 for n in shape]
    one = ball(shape, spacing, middle, 3.5)
    other = ball(shape, spacing, [m + 1 for m in middle], 4.2)
    other[0] = True  # touches the edge of the image
    apart = cdist(surface_points(one, spacing), surface_points(other, spacing))
    expected = max(np.percentile(apart.min(axis=axis), 95) for axis in (0, 1))
    assert surface_agreement(one, other, spacing)[0] == pytest.approx(expected, rel=1e-5)


def test_surface_dice_weighs_faces_by_their_area_not_by_their_voxels():
    """A box of 60 mm that is found 6 mm too tall, on slices of 3 mm, with a tolerance of 2 mm."""
    truth, found = np.zeros((26, 64, 64), bool), np.zeros((26, 64, 64), bool)
    truth[2:22, 2:62, 2:62] = found[2:24, 2:62, 2:62] = True
    wrong = 60 * 60 + 4 * 60 * (6 - 2) + 56 * 56
    areas = (2 * 60 * 60 + 4 * 60 * 60) + (2 * 60 * 60 + 4 * 60 * 66)
    assert surface_agreement(truth, found, (3.0, 1.0, 1.0), 2.0)[1] == pytest.approx(1 - wrong / areas, abs=0.02)


def test_surface_dice_in_2d_weighs_edges_by_their_length():
    """A rectangle of 60 × 80 mm that is found 8 mm too tall, on rows of 2 mm, with a tolerance of 2.5 mm."""
    truth, found = np.zeros((40, 90), bool), np.zeros((40, 90), bool)
    truth[2:32, 5:85] = found[2:36, 5:85] = True
    wrong = 80 + 2 * (8 - 2.5) + (80 - 2 * 2.5)
    assert surface_agreement(truth, found, (2.0, 1.0), 2.5)[1] == pytest.approx(1 - wrong / (280 + 296), abs=0.02)


def test_spheres_agree_from_the_tolerance_on_that_is_between_their_surfaces():
    shape, spacing = (26, 52, 40), (2.0, 1.0, 1.3)
    small, large = (ball(shape, spacing, (13, 26, 20), radius) for radius in (15, 20))
    assert surface_agreement(small, large, spacing, 3.0)[1] < 0.05
    assert surface_agreement(small, large, spacing, 7.0)[1] == pytest.approx(1)


def test_a_flat_volume_is_scored_as_the_image_that_it_is():
    rng = np.random.default_rng(3)
    one, other = (rng.random((1, 9, 11)) < 0.5 for _ in range(2))
    assert surface_agreement(one, other, (5.0, 1.0, 2.0)) == surface_agreement(one[0], other[0], (1.0, 2.0))
    line = surface_agreement(np.array([[[1, 1, 0, 0]]], bool), np.array([[[0, 0, 1, 1]]], bool), (1.0, 1.0, 2.0))
    assert line[0] == pytest.approx(np.percentile([4, 2], 95))


def test_a_structure_is_measured_in_its_own_box_and_that_changes_nothing():
    truth, found = np.zeros((30, 40, 50), np.uint8), np.zeros((30, 40, 50), np.uint8)
    truth[3:9, 20:30, 40:48], found[4:11, 19:29, 41:50] = 5, 5
    whole = surface_agreement(truth == 5, found == 5, (1.0, 1.0, 1.0))
    assert boxes_of(LabelMap(truth), LabelMap(found))[5].shape == (8, 11, 10)
    (score,) = scores(LabelMap(truth), LabelMap(found))
    assert (score.hd95_mm, score.surface_dice) == pytest.approx(whole)
