"""Sub-labels of the background of a real image."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.step import replay
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.rendering.background import ClusterBackground, _bin_clusters

LEVELS = (200, 420, 700)


def body(modality="MR", noise=15.0, air=0.0):
    """Return a case with three tissues in bands, air around them, and an organ that is labelled."""
    image = np.full((12, 60, 60), air, dtype=np.float32)
    for n, level in enumerate(LEVELS):
        image[:, 10:50, 10 + 14 * n : 24 + 14 * n] = level
    labels = np.zeros(image.shape, dtype=np.uint8)
    labels[3:9, 20:30, 15:45] = 7
    image[labels == 7] = 1000
    rng = np.random.default_rng(0)
    image = np.hypot(image + rng.normal(0, noise, image.shape), rng.normal(0, noise, image.shape)).astype(np.float32)
    table = LabelTable((Label(7, "liver", "liver"), Label(9, "not there")))
    return Case(id="b", image=Volume(image, modality=modality), labels=LabelMap(labels, table=table))


def test_regions_are_the_tissues_and_air_stays_background():
    case = body()
    done = ClusterBackground(k=3)(case, seed=0).labels
    assert done.values() == (7, 10, 11, 12)
    for n, value in enumerate((10, 11, 12)):
        band = done.array[:, 12:48, 13 + 14 * n : 21 + 14 * n]
        free = case.labels.array[:, 12:48, 13 + 14 * n : 21 + 14 * n] == 0
        assert (band[free] == value).mean() > 0.99
    assert (done.array[:, :8] == 0).mean() > 0.99


def test_labels_that_are_there_stay_and_the_table_grows_at_free_values():
    case = body()
    done = ClusterBackground(k=2)(case, seed=0).labels
    assert np.array_equal(done.array == 7, case.labels.array == 7)
    assert tuple(done.table)[:2] == tuple(case.labels.table)
    assert tuple(done.table)[2:] == (
        Label(10, "background 1", "surroundings", context=True),
        Label(11, "background 2", "surroundings", context=True),
    )


def test_regions_hang_together():
    case = body(noise=60)
    counts = []
    for smoothing in (0.0, 1.5):
        done = ClusterBackground(k=3, smoothing=smoothing)(case, seed=0).labels
        counts.append(sum(ndimage.label(done.array == value)[1] for value in done.values()))
    assert counts[1] < counts[0] / 10


def test_bright_labels_do_not_leak_into_the_regions_beside_them():
    case = body(noise=1)
    done = ClusterBackground(k=3, smoothing=1.0)(case, seed=0).labels
    beside = ndimage.binary_dilation(case.labels.array == 7) & (case.labels.array == 0)
    dark = beside[:, :, 13:21]
    assert (done.array[:, :, 13:21][dark] == 10).mean() > 0.98


@pytest.mark.parametrize(("thickness", "apart"), [(50.0, True), (1.0, False)])
def test_smoothing_is_in_millimetres(thickness, apart):
    image = np.full((10, 8, 8), 400.0)
    image[::2] = 800
    labels = np.zeros(image.shape, dtype=np.uint8)
    labels[:, 0, 0] = 1
    affine = Affine.from_spacing((thickness, 1, 1))
    step = ClusterBackground(k=2, smoothing=3.0)
    done = step.divided(Volume(image, affine), LabelMap(labels, affine)).array[:, 4, 4]
    assert np.array_equal(done, np.where(np.arange(10) % 2, 2, 3)) == apart


def test_nothing_is_random_and_it_can_be_replayed():
    case = body()
    first, second = (ClusterBackground(k=3)(case, seed=seed) for seed in (1, 2))
    assert np.array_equal(first.labels.array, second.labels.array)
    assert np.array_equal(replay(case, first.history).labels.array, first.labels.array)
    made = Recipe.from_yaml("seed: 1\nsteps: [{cluster_background: {k: 3}}]")(case)
    assert np.array_equal(made.labels.array, first.labels.array)


def test_a_scan_that_the_body_fills_has_no_air():
    case = body()
    inner = replace(case, image=Volume(case.image.array[:, 12:48, 12:48]), labels=None)
    inner = replace(inner, labels=LabelMap(case.labels.array[:, 12:48, 12:48], table=case.labels.table))
    assert (ClusterBackground(k=3)(inner, seed=0).labels.array > 0).all()


def test_air_of_ct_is_air_and_lung_is_not():
    image = np.full((4, 40, 40), -1000, dtype=np.int16)
    image[:, 10:30, 5:20], image[:, 10:30, 20:35] = -860, 40
    labels = np.zeros_like(image)
    labels[1, 15, 25] = 1
    case = Case(id="c", image=Volume(image, modality="CT"), labels=LabelMap(labels))
    done = ClusterBackground(k=2, smoothing=0)(case, seed=0).labels
    assert np.array_equal(done.array == 0, image == -1000)
    assert set(np.unique(done.array[:, 10:30, 5:20])) == {2}


def test_two_dimensional_images_are_divided_too():
    case = body()
    flat = Case(
        id="f", image=Volume(case.image.array[5]), labels=LabelMap(case.labels.array[5], table=case.labels.table)
    )
    assert ClusterBackground(k=3)(flat, seed=0).labels.values() == (7, 10, 11, 12)


def test_fewer_intensities_than_regions_give_fewer_regions():
    image = np.repeat(np.float32([[1, 2]]), 50, axis=1).reshape(10, 10)
    case = Case(id="f", image=Volume(image, modality="US"), labels=LabelMap(np.eye(10, dtype=np.uint8)))
    assert len(ClusterBackground(k=9, smoothing=0)(case, seed=0).labels.values()) == 3
    even = replace(case, image=Volume(np.full((10, 10), 4.0)))
    assert len(ClusterBackground(k=9)(even, seed=0).labels.values()) == 2


def test_voxels_that_are_not_finite_stay_background():
    case = body()
    spoilt = case.image.array.copy()
    spoilt[2, 30, 30] = np.nan
    done = ClusterBackground(k=3)(replace(case, image=Volume(spoilt, modality="MR")), seed=0).labels
    assert done.array[2, 30, 30] == 0
    assert done.array[2, 30, 31] > 0


def test_an_image_without_background_stays_as_it_is():
    case = body()
    full = replace(case, labels=replace(case.labels, array=np.full_like(case.labels.array, 7)))
    assert ClusterBackground()(full, seed=0).labels.values() == (7,)


def test_values_beyond_255_and_65535():
    case = body()
    high = replace(case.labels, array=np.where(case.labels.array, 254, 0))
    assert ClusterBackground(k=3)(replace(case, labels=high), seed=0).labels.values() == (254, 255, 256, 257)
    top = replace(case.labels, array=np.where(case.labels.array, 65534, 0))
    with pytest.raises(LabelError, match="values up to 65534; expected 3 more below 65536"):
        ClusterBackground(k=3)(replace(case, labels=top), seed=0)


@pytest.mark.parametrize("part", ["image", "labels"])
def test_without_image_or_labels_there_is_nothing_to_divide(part):
    with pytest.raises(ConfigError, match=f"case 'b' has no {part}; expected an image and its labels"):
        ClusterBackground()(replace(body(), **{part: None}), seed=0)


def test_an_image_of_several_channels_is_refused():
    case = body()
    both = replace(case, image=Volume(np.stack([case.image.array] * 2), channels=True))
    with pytest.raises(ConfigError, match="has channels"):
        ClusterBackground()(both, seed=0)


def test_clusters_are_the_best_there_are():
    rng = np.random.default_rng(3)
    for _ in range(10):
        counts = rng.integers(0, 9, 12)
        bins = np.arange(12)

        def spread(cuts, counts=counts, bins=bins):
            runs = np.split(np.arange(12), cuts)
            return sum(
                counts[run] @ (bins[run] - np.average(bins[run], weights=counts[run] + 1e-12)) ** 2 for run in runs
            )

        found = _bin_clusters(counts, 4)
        assert spread(np.flatnonzero(np.diff(found)) + 1) == pytest.approx(
            min(map(spread, combinations(range(1, 12), 3)))
        )


@pytest.mark.data
def test_a_real_spine_is_divided_and_its_discs_stay(data_dir):
    image = read_volume(data_dir / "spine_ivd" / "11_t2.mha")
    labels = read_labels(data_dir / "spine_ivd" / "11_label.mha")
    done = ClusterBackground(k=5)(Case(id="s", image=image, labels=labels), seed=0).labels
    assert done.values() == tuple(range(1, 11))
    assert all(np.array_equal(done.array == n, labels.array == n) for n in range(1, 6))
    medians = [np.median(image.array[done.array == n]) for n in range(6, 11)]
    assert medians == sorted(medians)
