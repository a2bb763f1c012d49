"""The numbers of a split are those of its voxels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ReadError
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.statistics import class_distribution, intensity_histogram, scenario_shares, volumes_ml
from stored import dataset, made_case


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    with Split.open(dataset(tmp_path_factory.mktemp("data")) / "train.h5") as split:
        yield split


def test_class_distribution(split):
    found = class_distribution(split)
    counts = {"liver": 4, "spleen": 5, "tumor": 5}
    assert found == {name: {"count": n, "total": 7, "presence_rate": n / 7} for name, n in counts.items()}


def test_scenario_shares(split):
    assert scenario_shares(split) == {"whole": 4 / 7, "resected": 3 / 7}


def test_volumes(split):
    volumes = volumes_ml(split)
    assert volumes.shape == (7, 3)
    labels = made_case(4).labels
    for place, value in enumerate((1, 2, 5)):
        assert volumes[4, place] == pytest.approx((labels.array == value).sum() * labels.voxel_ml)
    np.testing.assert_array_equal(volumes_ml(split, [4]), volumes[4:5])


def test_histograms(split):
    edges = np.array([0.0, 50, 100, 200])
    whole = intensity_histogram(split, edges)
    assert whole.sum() == 7 * made_case(0).image.array.size
    liver = intensity_histogram(split, edges, indices=[1], structure="liver")
    case = made_case(1)
    np.testing.assert_array_equal(liver, np.histogram(case.image.array[case.labels.array == 1], edges)[0])


def test_a_structure_that_is_not_there(split):
    with pytest.raises(ValueError, match="not in"):
        intensity_histogram(split, np.array([0.0, 1]), structure="heart")


def test_no_volumes_without_labels(tmp_path):
    from dataclasses import replace

    with (
        Split.open(dataset(tmp_path, [replace(made_case(0), labels=None)]) / "train.h5") as split,
        pytest.raises(ReadError, match="has no labels"),
    ):
        volumes_ml(split)
