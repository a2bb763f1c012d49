"""Estimation: a prior measured on images is what those images were made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, GridError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.rendering.background import ClusterBackground
from napari_medsynth.rendering.contrast import draw_intensities
from napari_medsynth.rendering.estimate import estimate_prior
from napari_medsynth.rendering.naming import named_labels
from napari_medsynth.rendering.prior import read_prior, write_prior

TABLE = LabelTable(
    (
        Label(1, "left kidney", "kidney", "left"),
        Label(2, "right kidney", "kidney", "right"),
        Label(3, "liver", "liver"),
        Label(4, "L1", "bone"),
        Label(5, "L2", "bone"),
    )
)


def scan(means, stds=10, seed=0, modality="CT", shape=(6, 20, 20)):
    """Return an image of ``means`` by label value, slice by slice, and its labels."""
    array = np.repeat(np.arange(shape[0], dtype=np.uint8), shape[1] * shape[2]).reshape(shape)
    noise = np.random.default_rng(seed).standard_normal(shape)
    image = np.asarray(means, dtype=float)[array] + noise * np.broadcast_to(stds, 6)[array]
    return Volume(image.astype(np.float32), modality=modality), LabelMap(array, table=TABLE)


def test_means_and_deviations_are_those_the_image_was_made_of():
    prior = estimate_prior([scan([-1000, 30, 30, 60, 200, 300], [1, 5, 5, 10, 20, 20])])
    found = {name: (entry.mean.at(0.5), entry.std.at(0.5)) for name, entry in prior.classes.items()}
    assert set(found) == {"background", "kidney", "liver", "l1", "l2"}
    expected = {"background": (-1000, 1), "kidney": (30, 5), "liver": (60, 10), "l1": (200, 20), "l2": (300, 20)}
    for name, (mean, std) in expected.items():
        assert found[name][0] == pytest.approx(mean, abs=0.15 * std)
        assert found[name][1] == pytest.approx(std, rel=0.15)


def test_it_is_measured_how_much_of_the_variation_is_smooth():
    image, labels = scan([0, 30, 30, 60, 200, 300], 2, shape=(6, 20, 60))
    wave = 10 * np.sin(np.arange(60) / 60 * 2 * np.pi)  # seen by its median absolute deviation as 10.5
    prior = estimate_prior(
        [(replace(image, array=image.array + (labels.array == 3) * wave.astype(np.float32)), labels)]
    )
    assert prior.classes["liver"].smooth == pytest.approx(1 - 2**2 / 10.5**2, abs=0.04)
    assert prior.classes["kidney"].smooth < 0.15


def test_outliers_do_not_move_them():
    image, labels = scan([0, 30, 30, 60, 200, 300])
    spoilt = image.array.copy()
    spoilt[3].flat[:60] = 3000
    plain, robust = (
        estimate_prior([(part, labels)]).classes["liver"] for part in (image, replace(image, array=spoilt))
    )
    assert robust.mean.at(0.5) == pytest.approx(plain.mean.at(0.5), abs=4)
    assert robust.std.at(0.5) == pytest.approx(plain.std.at(0.5), rel=0.35)


def test_one_scan_gives_constants_and_several_their_mean_and_spread():
    shifts = (-30, 0, 30)
    scans = [scan(np.array([0, 30, 30, 60, 200, 300]) + shift, seed=n) for n, shift in enumerate(shifts)]
    assert estimate_prior(scans[:1]).classes["liver"].mean.kind == "uniform"
    mean = estimate_prior(scans).classes["liver"].mean
    assert mean.kind == "normal"
    assert mean.parameters == pytest.approx((60, 30), abs=2)


def test_by_tissue_structures_share_a_class_and_how_they_differ_is_kept():
    prior = estimate_prior([scan([0, 30, 30, 60, 200, 300])], by="tissue")
    assert set(prior.classes) == {"background", "kidney", "liver", "bone"}
    bone = prior.classes["bone"]
    assert bone.mean.at(0.5) == pytest.approx(250, abs=3)
    assert bone.std.at(0.5) == pytest.approx(10, rel=0.15)
    assert bone.each == pytest.approx(100 / np.sqrt(2), rel=0.05)
    assert prior.classes["liver"].each == 0


def test_images_that_are_not_ct_are_brought_to_0_to_255():
    image, labels = scan([0, 400, 400, 800, 1200, 1600], modality="MR")
    found = estimate_prior([(image, labels)]).classes
    assert [found[name].mean.at(0.5) for name in ("background", "liver", "l2")] == pytest.approx([2, 127, 253], abs=3)
    brighter = replace(image, array=image.array * 7 + 100)
    again = estimate_prior([(brighter, labels)]).classes
    assert again["l1"].mean.at(0.5) == pytest.approx(found["l1"].mean.at(0.5), abs=0.01)


def test_hounsfield_units_can_be_kept_where_the_modality_is_not_known():
    image, labels = scan([-1000, 30, 30, 60, 200, 300], modality="")
    assert estimate_prior([(image, labels)], hounsfield=True).classes["liver"].mean.at(0.5) == pytest.approx(60, abs=2)


def test_voxels_that_are_not_finite_are_left_out():
    image, labels = scan([0, 30, 30, 60, 200, 300], modality="MR")
    spoilt = image.array.copy()
    spoilt[3, :5], spoilt[4, 3] = np.nan, np.inf
    plain, other = (estimate_prior([(part, labels)]).classes for part in (image, replace(image, array=spoilt)))
    assert other["liver"].mean.at(0.5) == pytest.approx(plain["liver"].mean.at(0.5), abs=3)


def test_a_handful_of_voxels_counts_only_where_no_scan_has_more():
    image, labels = scan([0, 30, 30, 60, 200, 300])
    array = labels.array.copy()
    array[3] = 0
    array[3, 0, 0] = 3
    few = replace(image, array=image.array + 500), replace(labels, array=array)
    assert estimate_prior([(image, labels), few]).classes["liver"].mean.at(0.5) == pytest.approx(60, abs=3)
    assert estimate_prior([few]).classes["liver"].mean.at(0.5) > 450


def test_a_measured_prior_survives_its_file_and_draws_what_was_measured(tmp_path):
    image, labels = scan([0, 30, 30, 60, 200, 300])
    prior = estimate_prior([(image, labels)])
    write_prior(prior, tmp_path / "p.yaml")
    assert read_prior(tmp_path / "p.yaml") == prior
    drawn = draw_intensities(labels, read_prior(tmp_path / "p.yaml"), seed=1)
    assert [mean for _, mean, _ in drawn] == pytest.approx([0, 30, 30, 60, 200, 300], abs=2)


def test_what_cannot_be_measured_is_refused():
    image, labels = scan([0, 30, 30, 60, 200, 300], modality="MR")
    with pytest.raises(ConfigError, match="estimated from no image"):
        estimate_prior([])
    with pytest.raises(ConfigError, match="Hounsfield units and others"):
        estimate_prior([(image, labels), (replace(image, modality="CT"), labels)])
    with pytest.raises(GridError, match="expected the same grid"):
        estimate_prior([(image, replace(labels, affine=Affine.from_spacing((2, 1, 1))))])
    with pytest.raises(GridError, match="image has 2 channels"):
        estimate_prior([(Volume(np.stack([image.array] * 2), channels=True), labels)])
    with pytest.raises(LabelError, match="all background"):
        estimate_prior([(image, replace(labels, array=np.zeros_like(labels.array)))])
    with pytest.raises(ConfigError, match="same value 5 nearly everywhere"):
        estimate_prior([(replace(image, array=np.full_like(image.array, 5)), labels)])
    with pytest.raises(ConfigError, match="same value 0 nearly everywhere"):
        estimate_prior([(replace(image, array=np.full_like(image.array, np.nan)), labels)])


@pytest.mark.data
def test_a_real_ct_gives_the_hounsfield_units_of_its_organs(data_dir):
    folder = data_dir / "totalseg_ct"
    image = read_volume(folder / "example_ct_sm.nii.gz", modality="CT")
    labels = named_labels(read_labels(folder / "example_seg.nii.gz"), "totalsegmentator", None)
    found = estimate_prior([(image, labels)], by="tissue").classes
    for tissue, low, high in (("liver", 30, 130), ("muscle", 10, 80), ("lung", -950, -650), ("bone", 100, 400)):
        assert low < found[tissue].mean.at(0.5) < high


@pytest.mark.data
def test_a_real_t2_spine_comes_back_as_it_was(data_dir):
    image = read_volume(data_dir / "spine_ivd" / "11_t2.mha", modality="MR")
    labels = named_labels(read_labels(data_dir / "spine_ivd" / "11_label.mha"), "lumbar-discs", None)
    case = ClusterBackground(k=8)(Case(id="s", image=image, labels=labels), seed=0)
    drawn = {v: mean for v, mean, _ in draw_intensities(case.labels, estimate_prior([(image, case.labels)]), seed=0)}
    made = np.array([drawn.get(v, 0) for v in range(int(case.labels.array.max()) + 1)])[case.labels.array]
    assert np.corrcoef(made[::3, ::3, ::3].ravel(), image.array[::3, ::3, ::3].ravel())[0, 1] > 0.9
