"""What is drawn of a warp."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.warp import STEEPEST, Warp, matrix, node_counts, node_distances

BRAIN = Lattice((256, 256, 256), (1.0, 1.0, 1.0))


def drawn(settings, lattice=BRAIN, count=600):
    return [settings.draw(lattice, stream(7, n, "warp")) for n in range(count)]


@pytest.fixture(scope="module")
def default():
    return drawn(Warp())


@pytest.mark.parametrize(
    ("name", "low", "high"), [("scaling", 0.8, 1.2), ("rotation", -15, 15), ("shearing", -0.012, 0.012)]
)
def test_default_affines_are_uniform_in_the_ranges_of_synthseg(default, name, low, high):
    values = np.array([params[name] for params in default])
    assert values.shape[1] == (6 if name == "shearing" else 3)
    for along in values.T:
        assert stats.kstest(along, "uniform", (low, high - low)).pvalue > 1e-3
    correlation = np.corrcoef(values.T) - np.eye(values.shape[1])
    assert np.abs(correlation).max() < 0.2  # each axis is drawn for itself


def test_default_elastic_deviations_are_uniform_up_to_4_mm_on_the_nodes_of_synthseg(default):
    elastic = [params["elastic"] for params in default]
    assert stats.kstest([e["std"] for e in elastic], "uniform", (0, 4)).pvalue > 1e-3
    assert {tuple(e["nodes"]) for e in elastic} == {(11, 11, 11)}
    assert len({e["seed"] for e in elastic}) == len(elastic)
    assert all(params["translation"] == [0, 0, 0] for params in default)


def test_params_are_json_of_six_digits(default):
    assert json.loads(json.dumps(default)) == default
    numbers = [v for params in default for name in ("scaling", "rotation", "shearing") for v in params[name]]
    assert all(value == round(value, 6) for value in numbers)


def test_settings_that_are_zero_change_nothing():
    params = Warp(scaling=0, rotation=0, shearing=0, translation=0, elastic=0).draw(BRAIN, stream(1))
    assert np.array_equal(matrix(params), np.eye(3))
    assert params["elastic"] is None


def test_one_slice_moves_only_in_its_plane():
    for params in drawn(Warp(translation=5), Lattice((1, 200, 160), (3.0, 1.0, 1.0)), 20):
        found = matrix(params)
        assert np.array_equal(found[0], (1, 0, 0))
        assert np.array_equal(found[:, 0], (1, 0, 0))
        assert params["translation"][0] == 0
        assert params["elastic"]["nodes"] == [1, 8, 7]
        assert params["rotation"][0] != 0


def test_a_single_voxel_does_not_move():
    params = Warp(translation=5).draw(Lattice((1, 1, 1), (1.0, 1.0, 1.0)), stream(1))
    assert np.array_equal(matrix(params), np.eye(3))
    assert params["elastic"] is None


def test_a_switched_off_part_leaves_the_others_as_they_were():
    whole, part = (warp.decide(BRAIN, 5) for warp in (Warp(), Warp(rotation=0)))
    assert {k: v for k, v in whole.items() if k != "rotation"} == {k: v for k, v in part.items() if k != "rotation"}


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [
        ((256, 256, 256), (1, 1, 1), (11, 11, 11)),
        ((160, 160, 160), (1, 1, 1), (7, 7, 7)),
        ((16, 16, 16), (1, 1, 1), (2, 2, 2)),  # where SynthSeg has one, which only shifts
        ((30, 101, 122), (3, 3, 3), (2, 5, 5)),
        ((4, 256, 256), (2, 1, 1), (1, 11, 11)),  # a thin stack bends as a whole
        ((1, 256, 256), (1, 1, 1), (1, 11, 11)),
    ],
)
def test_nodes_are_a_share_of_the_voxels(shape, spacing, expected):
    assert node_counts(Lattice(shape, spacing), 0.04) == expected


def test_a_share_that_is_a_whole_number_of_nodes_is_that_number():
    assert 0.07 * 100 > 7  # in floating point
    assert node_counts(Lattice((100, 100, 100), (1.0, 1.0, 1.0)), 0.07) == (7, 7, 7)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((500, 500, 500), (0.08,) * 3), ((99, 512, 512), (3, 0.5, 0.5)), ((8, 8, 8), (1, 1, 1))]
)
def test_deviations_stay_within_what_the_distance_of_nodes_allows(shape, spacing):
    lattice = Lattice(shape, spacing)
    least = min(d for d in node_distances(lattice, node_counts(lattice, 0.1)) if d)
    most = max(params["elastic"]["std"] for params in drawn(Warp(elastic=50, node_share=0.1), lattice, 100))
    assert 0.9 * STEEPEST * least < most <= STEEPEST * least + 1e-6


def test_the_cap_leaves_the_settings_of_synthseg_alone():
    for size in range(25, 400):
        lattice = Lattice((size,) * 3, (1.0, 1.0, 1.0))
        assert STEEPEST * min(node_distances(lattice, node_counts(lattice, 0.04))) >= 4


def test_rotations_turn_and_scalings_stretch():
    params = {"scaling": [1, 2, 1], "rotation": [90, 0, 0], "shearing": [0] * 6}
    turned = matrix(params) @ [0, 1, 0]  # y, in (z, y, x)
    assert np.allclose(np.abs(turned), [0, 0, 2])
    for axis in range(3):
        params = {"scaling": [1, 1, 1], "rotation": [30 * (n == axis) for n in range(3)], "shearing": [0] * 6}
        found = matrix(params)
        assert np.allclose(found @ found.T, np.eye(3))
        assert math.isclose(found[axis, axis], 1)
        assert math.isclose(np.linalg.det(found), 1)


def test_no_affine_in_range_mirrors_or_flattens():
    strongest = Warp(scaling=0.8, rotation=180, shearing=0.4)
    assert min(np.linalg.det(matrix(params)) for params in drawn(strongest, count=2000)) > 0
