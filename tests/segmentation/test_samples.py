"""Examples: what is in them, and that they depend on seed, epoch and number alone."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.learning.batches import train_loader
from napari_medsynth.learning.settings import FitSettings
from napari_medsynth.rendering.step import Render
from napari_medsynth.segmentation.prepare import Prepared
from napari_medsynth.segmentation.samples import Samples, training_data
from napari_medsynth.segmentation.settings import Augment, TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

SHAPE = (24, 40, 48)
TABLE = LabelTable((Label(3, "left lung", side="left"), Label(4, "right lung", side="right"), Label(9, "cord")))
OFF = Augment(warp=False, flip=False, intensity=0, noise=0, blur=0)
SPECS = {
    "slices": InputSpec(plane="axial", patch=(32, 32)),
    "sagittal": InputSpec(plane="sagittal", patch=(16, 32)),
    "slab": InputSpec(kind="slab", slab=3, plane="coronal", patch=(16, 32)),
    "patches": InputSpec(kind="patches", patch=(16, 32, 32)),
    "volumes": InputSpec(kind="volumes", patch=(32, 48, 48)),
}


def case(name="a", image=True, spec=SPECS["slices"], shape=SHAPE, seed=0):
    labels = np.zeros(shape, np.uint8)
    z, y, x = (n // 8 for n in shape)
    labels[2 * z : 6 * z, 2 * y : 5 * y, x : 3 * x] = 3  # x runs to the right
    labels[2 * z : 6 * z, 2 * y : 5 * y, 5 * x : 7 * x] = 4
    labels[z : 7 * z, 6 * y : 7 * y, 4 * x - 2 : 4 * x + 2] = 9
    noise = np.random.default_rng(seed).normal(0, 5, shape)
    scan = Volume((labels * 40.0 + noise).astype(np.float32), Affine.from_spacing((2.0, 1.0, 1.0), orientation="SAR"))
    mask = LabelMap(labels, scan.affine, TABLE)
    known = {3: 1, 4: 2, 9: 3}
    classes = np.choose(np.searchsorted([0, 3, 4, 9], labels), [0, 1, 2, 3]).astype(np.uint8)
    return Prepared(name, name, scan if image else None, mask, classes, TABLE, spec, known)


def samples(kind="slices", source="synthetic", cases=2, **settings):
    spec = SPECS[kind]
    length = settings.pop("length", 12)
    made = [case(str(n), source != "synthetic", spec, seed=n) for n in range(cases)]
    return Samples(made, TrainSettings(source=source, inputs=spec, **settings), length=length)


@pytest.mark.parametrize("source", ["synthetic", "real", "mixed"])
@pytest.mark.parametrize("kind", SPECS)
def test_an_example_is_what_the_network_takes(kind, source):
    made = samples(kind, source)
    for number in range(4):
        item = made[number]
        assert item["image"].dtype == torch.float32
        assert item["labels"].dtype == torch.int64
        assert item["image"].shape == (made.spec.in_channels, *made.spec.patch)
        assert item["labels"].shape == made.spec.patch
        assert torch.isfinite(item["image"]).all()
        assert set(item["labels"].unique().tolist()) <= {0, 1, 2, 3}
        assert item["case"] in ("0", "1")
    with pytest.raises(IndexError):
        made[12]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("source", ["synthetic", "mixed"])
def test_any_number_of_workers_gives_the_same_examples_in_every_epoch(source, workers):
    def epochs(count):
        made = samples(source=source, length=6)
        loader = train_loader(made, FitSettings(batch_size=2, workers=count), patches=_growing)
        found = []
        for epoch in range(2):
            loader.sampler.set_epoch(epoch)
            found += list(loader)
        return found

    here, there = epochs(0), epochs(workers)
    assert len(here) == 6
    assert [batch["image"].shape[2:] for batch in here] == [(16, 16)] * 3 + [(32, 32)] * 3
    for mine, theirs in zip(here, there, strict=True):
        assert mine["case"] == theirs["case"]
        assert torch.equal(mine["image"], theirs["image"])
        assert torch.equal(mine["labels"], theirs["labels"])


def _growing(epoch):
    return (16, 16) if epoch == 0 else (32, 32)


def test_epochs_numbers_and_seeds_give_others_and_the_global_generators_stay():
    made = samples()
    before = (torch.get_rng_state(), np.random.get_state()[1].copy())
    first = made[0]["image"]
    assert torch.equal(made[0]["image"], first)
    assert not torch.equal(made[1]["image"], first)
    made.set_epoch(1)
    assert not torch.equal(made[0]["image"], first)
    assert not torch.equal(samples(fit=FitSettings(seed=1))[0]["image"], first)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_the_length_of_an_epoch_shows_every_case_or_slice_once():
    assert len(samples("patches", cases=3, length=None)) == 3
    one = samples("slices", cases=2, length=None)
    assert len(one) == 2 * int(case().labels.array.any(axis=(1, 2)).sum())
    shown = [one[number]["case"] for number in range(8)]
    assert shown.count("0") == shown.count("1") == 4


@pytest.mark.parametrize("kind", ["slices", "slab", "patches", "volumes"])
def test_without_changes_a_real_example_is_a_part_of_the_scan_padded_with_zeros(kind):
    made = samples(kind, "real", cases=1, augment=OFF)
    inputs, classes = made._real[0][0].inputs, made._real[0][0].classes
    item = made[3]
    image, labels = item["image"].numpy(), item["labels"].numpy()
    if kind == "volumes":
        assert np.array_equal(image[0, 4:-4, 4:-4], inputs[0])
        assert not image[0, :4].any()
        assert not labels[:4].any()
        assert np.array_equal(labels[4:-4, 4:-4], classes)
        return
    wanted = (1, *labels.shape) if made.spec.ndim == 2 else labels.shape
    views = np.lib.stride_tricks.sliding_window_view(classes, wanted)
    stacked = labels.reshape(wanted)
    places = np.argwhere((views == stacked).all(axis=(3, 4, 5)))
    centre = image[len(image) // 2] if made.spec.ndim == 2 else image[0]
    cuts = (inputs[0][tuple(slice(a, a + n) for a, n in zip(at, wanted, strict=True))] for at in places)
    assert any(np.array_equal(cut.reshape(centre.shape), centre) for cut in cuts)


def test_image_and_labels_are_bent_together():
    """Where every structure has an intensity of its own, labels can be read off a warped and mirrored image."""
    made = samples("patches", "real", cases=1, augment=replace(OFF, warp=True, flip=True))
    for number in range(6):
        item = made[number]
        image, labels = item["image"][0], item["labels"]
        large = [value for value in (1, 2, 3) if (labels == value).sum() > 200]
        means = {value: float(image[labels == value].mean()) for value in large}
        cord = means.get(3)
        if cord is not None:
            assert cord > 0.7  # 9 · 40 is the brightest
        lungs = [means[value] for value in (1, 2) if value in means]
        assert all(0.2 < mean < 0.6 for mean in lungs)


def test_a_mirrored_example_has_left_on_the_left():
    """Left and right are exchanged in the labels where the image is mirrored: left stays at low x, as x grows right."""
    made = samples("slices", "real", cases=1, augment=replace(OFF, flip=True), foreground=1.0, length=40)
    mirrored = set()
    for number in range(40):
        item = made[number]
        labels = item["labels"].numpy()
        if {1, 2} <= set(np.unique(labels)):
            left, right = (np.argwhere(labels == value)[:, 1].mean() for value in (1, 2))
            assert left < right
            mirrored.add(bool(item["image"][0][labels == 1].mean() > item["image"][0][labels == 2].mean()))
    assert mirrored == {True, False}  # the left lung is darker (3 against 4) unless it was the right one


def test_sagittal_slices_are_never_mirrored():
    made = samples("sagittal", "real", augment=replace(OFF, flip=True))
    assert made._real[0][1]._mirror is None


def test_structures_are_oversampled():
    spec = InputSpec(kind="patches", patch=(8, 8, 8))
    for share, least in ((1.0, 1.0), (0.0, 0.0)):
        settings = TrainSettings(source="real", inputs=spec, foreground=share, augment=OFF)
        made = Samples([case(spec=spec)], settings, length=60)
        found = np.mean([bool(made[number]["labels"].any()) for number in range(60)])
        assert found == 1.0 if least else found < 0.9


def test_rendered_labels_keep_what_is_not_learned_out_of_the_classes():
    one = replace(case(image=False), class_of={3: 1, 4: 2}, classes=np.where(case().classes == 3, 0, case().classes))
    made = Samples([one], TrainSettings(inputs=SPECS["slices"]), length=20)
    seen = set().union(*(made[number]["labels"].unique().tolist() for number in range(20)))
    assert seen == {0, 1, 2}


def test_what_renderings_cannot_be_is_said_at_once():
    with pytest.raises(ConfigError, match="Render makes 2 channels and the network takes 1"):
        samples(render=Render(preset="spine-t1", also=("spine-t2",), scheme="spider"))
    with pytest.raises(ConfigError, match="expected grid 'labels' and no crop"):
        samples(render=Render(crop=(1, 8, 8)))
    with pytest.raises(ConfigError, match="none of 1 cases has an image"):
        Samples([case(image=False)], TrainSettings(source="real"))
    with pytest.raises(ConfigError, match="expected 2 numbers"):
        samples().set_patch((8, 8, 8))
    with pytest.raises(LabelError, match=r"case 0: preset 'brain-t1' has no intensities"):
        samples(render=Render(preset="brain-t1"), cases=1)[0]


def test_a_volume_with_nothing_about_its_centre_is_named():
    labels = np.zeros((64, 64, 64), np.uint8)
    labels[:4, :4, :4] = 3
    spec = InputSpec(kind="volumes", patch=(16, 16, 16))
    one = replace(case(image=False), labels=LabelMap(labels, table=TABLE), classes=(labels > 0).astype(np.uint8))
    made = Samples([replace(one, spec=spec, class_of={3: 1})], TrainSettings(inputs=spec))
    with pytest.raises(LabelError, match="case a has no label in the"):
        made[0]


@pytest.mark.data
@pytest.mark.parametrize("source", ["synthetic", "real"])
def test_real_scans_give_examples(tmp_path, data_dir, source):
    for name, kind in (("11_t2", "images"), ("11_label", "masks")):
        (tmp_path / kind).mkdir()
        shutil.copy(data_dir / "spine_ivd" / f"{name}.mha", tmp_path / kind / "11_t2.mha")
    spec = InputSpec(plane="sagittal", patch=(96, 96), spacing=(2.0, 2.0))
    spine = TrainSettings(source=source, inputs=spec, foreground=1.0)
    item = training_data(find_cases(tmp_path), (), spine).train[0]
    assert len(item["labels"].unique()) > 2
    breast = TrainSettings(source=source, inputs=InputSpec(patch=(128, 128), spacing=(3.0, 3.0)))
    found = find_cases(data_dir / "busi" / "malignant")
    item = training_data(found, (), breast).train[0]
    assert item["image"].shape == (1, 128, 128)
    assert os.path.basename(found[0].image) == "malignant (1).png"
