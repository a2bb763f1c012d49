"""Whether two sets of images can be told apart, and by what."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.volume import Volume
from napari_medsynth.metrics import domain_gap
from napari_medsynth.metrics.domain import cross_validated
from napari_medsynth.metrics.patches import FEATURES, patch_features


def texture(seed, sigma=1.0, noise=0.02):
    rng = np.random.default_rng(seed)
    array = ndimage.gaussian_filter(rng.random((4, 64, 64)), (0, 3, 3)) * 10
    return Volume(ndimage.gaussian_filter(array + noise * rng.standard_normal(array.shape), (0, sigma, sigma)))


def images(name, seeds, **how):
    return {f"{name}{seed}": texture(seed, **how) for seed in seeds}


def test_images_of_one_kind_cannot_be_told_apart():
    found = domain_gap(images("a", range(6)), images("b", range(10, 16)), seed=0, patches=10, resamples=100)
    assert found.auc.low < 0.5
    assert found.auc.estimate < 0.65
    assert (found.auc.n, found.patches) == (12, 120)


def test_blurred_images_are_told_apart_and_by_their_detail():
    """The unit of the intensities tells nothing."""
    sharp = images("a", range(6), noise=0.2, sigma=0.4)
    blurred = {k: Volume(v.array * 1000 - 500) for k, v in images("b", range(10, 16), noise=0.2, sigma=1.6).items()}
    found = domain_gap(sharp, blurred, seed=0, patches=10, resamples=100)
    assert found.auc.estimate > 0.95
    assert found.auc.low > 0.85
    assert "detail" in found.features[0].name or "spectrum" in found.features[0].name
    assert found.features[0].difference > 2
    assert [f.name for f in found.features] != list(FEATURES)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_patients_are_not_learned_by_heart():
    """Each patient has a feature of its own, which tells the set of any other patch of that patient, but no more."""
    groups = np.repeat(np.arange(12), 10)
    features = np.eye(12)[groups] + 0.01 * np.random.default_rng(0).standard_normal((120, 12))
    target = groups % 2
    assert roc_auc_score(target, cross_validated(features, target, np.arange(120), 0)) == 1
    assert roc_auc_score(target, cross_validated(features, target, groups, 0)) < 0.75


def test_a_patient_with_images_in_both_sets_is_one_patient():
    one, other = images("a", range(4)), images("b", range(4))
    owner = {f"{side}{n}": f"patient {n}" for side in "ab" for n in range(4)}
    found = domain_gap(one, other, patients=owner, seed=0, patches=6, resamples=50)
    assert found.auc.n == 4
    assert 0.3 < found.auc.estimate < 0.7


def test_patches_are_of_the_slices_where_there_is_something():
    array = np.zeros((60, 50, 6))
    array[30:] = np.random.default_rng(0).random((30, 50, 6))
    found = patch_features(Volume(array, Affine.from_spacing((1, 1, 4))), 16, 12, np.random.default_rng(1))
    assert found.shape == (12, len(FEATURES))
    assert np.isfinite(found).all()
    assert (found[:, FEATURES.index("standard deviation")] > 0.01).all()
    assert patch_features(Volume(np.zeros((40, 40))), 16, 12, np.random.default_rng(1)).shape == (0, len(FEATURES))


def test_one_patient_is_too_few():
    with pytest.raises(ConfigError, match="set b has patches of 1 patients"):
        domain_gap(images("a", (1, 2)), images("b", (3,)), seed=0, patches=3)
