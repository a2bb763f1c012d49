"""The spine generator: the document's names, this package's rendering."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_medsynth import Label, LabelMap, LabelTable, SpineSynthGenerator, SyntheticDataset
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, LabelError
from napari_medsynth.rendering.presets import preset

VERTEBRA, DISC, CANAL = 1, 7, 13


def spine(shape=(64, 48)):
    """Six vertebrae with discs below them and the canal behind, in the 14 classes of the document."""
    array = np.zeros(shape, np.uint8)
    for level in range(6):
        top = 2 + 10 * level
        array[..., top : top + 7, 12:26] = VERTEBRA + level
        array[..., top + 7 : top + 10, 12:26] = DISC + level
    array[..., 2:-2, 28:34] = CANAL
    return array


def spider():
    """The same levels with SPIDER's values: vertebrae from 1, canal 100, discs from 201."""
    table = np.zeros(14, np.uint16)
    table[1:] = [*range(1, 7), *range(201, 207), 100]
    return table[spine()]


def plain(**settings):
    """A generator whose images differ by their contrast alone."""
    off = {"resolution_range": (1.0, 1.0), "add_bias_field": False, "add_noise": False}
    return SpineSynthGenerator(**{**off, **settings})


def levels(image, labels):
    """Mean of a vertebra, a disc and the canal, away from their edges."""
    return [float(np.median(image[labels == value])) for value in (3, 9, 13)]


@pytest.mark.parametrize("shape", [(64, 48), (6, 64, 48), (1, 64, 48)])
@pytest.mark.parametrize("contrast", ["T1", "T2", "random"])
def test_an_image_is_as_large_as_its_label_map_and_lies_from_0_to_1(shape, contrast):
    image = SpineSynthGenerator(contrast_type=contrast).generate_synthetic_mri(spine(shape))
    assert (image.shape, image.dtype) == (shape, np.float32)
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.std() > 0.02


@pytest.mark.parametrize(("contrast", "canal_is_brighter"), [("T1", False), ("T2", True)])
def test_fluid_is_dark_in_t1_and_bright_in_t2(contrast, canal_is_brighter):
    generator = plain(contrast_type=contrast)
    for _ in range(6):
        vertebra, _, canal = levels(generator.generate_synthetic_mri(spine()), spine())
        assert (canal > vertebra) == canal_is_brighter


def test_random_contrasts_are_of_either_kind():
    generator = plain(contrast_type="random")
    brighter = set()
    for _ in range(30):
        vertebra, _, canal = levels(generator.generate_synthetic_mri(spine()), spine())
        brighter.add(canal > vertebra)
    assert brighter == {True, False}


def test_the_image_lies_on_its_label_map():
    """Edges of the image are where the label map has them: nothing is warped, flipped or moved."""
    image = plain(contrast_type="T2", seed=1).generate_synthetic_mri(spine())
    labels = spine()
    between = np.abs(np.diff(image, axis=1))
    edge = (np.diff(labels.astype(int), axis=1) != 0) & (np.maximum(labels[:, 1:], labels[:, :-1]) == CANAL)
    assert np.median(between[edge]) > 5 * np.median(between[~edge])


def test_alpha_goes_from_t1_to_t2_whatever_the_contrast_type():
    made = {
        contrast: [plain(contrast_type=contrast).generate_synthetic_mri(spine(), contrast_alpha=a) for a in (0, 1)]
        for contrast in ("T1", "T2", "random")
    }
    for images in made.values():
        assert np.array_equal(images[0], made["T1"][0])
        assert np.array_equal(images[1], made["T1"][1])
    assert levels(made["T1"][0], spine())[2] < levels(made["T1"][0], spine())[0]
    assert levels(made["T1"][1], spine())[2] > levels(made["T1"][1], spine())[0]


def test_alpha_is_smooth():
    canals = []
    for alpha in np.linspace(0, 1, 11):
        vertebra, _, canal = levels(plain(seed=2).generate_synthetic_mri(spine(), contrast_alpha=alpha), spine())
        canals.append(canal - vertebra)
    steps = np.diff(canals)
    assert canals[0] < 0 < canals[-1]
    assert np.abs(steps).max() < 0.45 * (canals[-1] - canals[0])


def test_calls_differ_and_a_new_generator_gives_the_same_sequence():
    generator, again = SpineSynthGenerator(seed=1), SpineSynthGenerator(seed=1)
    first, second = (generator.generate_synthetic_mri(spine()) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(again.generate_synthetic_mri(spine()), first)
    assert np.array_equal(again.generate_synthetic_mri(spine()), second)
    assert np.array_equal(again.image(spine(), 0), first)
    assert not np.array_equal(SpineSynthGenerator(seed=2).generate_synthetic_mri(spine()), first)


@pytest.mark.parametrize(
    ("switch", "name"), [("add_bias_field", "bias_field"), ("add_noise", "noise"), ("add_motion", "motion")]
)
def test_each_switch_is_one_stage(switch, name):
    labels = LabelMap(spine())
    for on in (True, False):
        generator = SpineSynthGenerator(**{switch: on})
        step = generator.step(labels)
        assert getattr(step, name).prob == float(on)
        history = step(Case(id="a", labels=labels), seed=3).history
        assert (history[-1].params["channels"][0][name] is not None) == on


def test_noise_is_gaussian():
    assert SpineSynthGenerator().step(LabelMap(spine())).noise.kind == "gaussian"


def test_voxels_are_as_many_times_larger_as_was_asked_for():
    labels = LabelMap(spine(), Affine.from_spacing((0.5, 0.5)))
    step = SpineSynthGenerator(resolution_range=(2.0, 3.0)).step(labels)
    assert step.resolution.iso == step.resolution.aniso == (1.0, 1.5)
    assert step.resolution.prob == 1
    sharp, coarse = (plain(resolution_range=r, seed=4).generate_synthetic_mri(spine()) for r in ((1, 1), (4, 4)))
    assert np.abs(np.diff(coarse)).max() < np.abs(np.diff(sharp)).max()


def test_values_say_whether_they_are_classes_or_spider_s():
    of_classes, of_spider = (plain(seed=3).generate_synthetic_mri(labels) for labels in (spine(), spider()))
    vertebra, disc, canal = levels(of_spider, spine())
    assert np.allclose(levels(of_classes, spine()), (vertebra, disc, canal), atol=0.15)
    assert plain().step(LabelMap(spine())).scheme == "spine14"
    assert plain().step(LabelMap(spider())).scheme == "spider"


def test_a_label_map_with_a_table_says_itself_what_its_values_are():
    array = np.zeros((32, 32), np.uint8)
    array[4:16, 8:24], array[16:20, 8:24] = 1, 2
    labels = LabelMap(array, table=LabelTable((Label(1, "L3", "bone"), Label(2, "disc"))))
    assert plain().step(labels).scheme is None
    assert plain().generate_synthetic_mri(labels).std() > 0.02


def test_label_maps_that_are_not_of_a_spine_are_told_in_one_line():
    with pytest.raises(LabelError, match="9999"):
        SpineSynthGenerator().generate_synthetic_mri(np.where(spine() == 3, 9999, spine().astype(np.uint16)))
    with pytest.raises(LabelError, match="not labels"):
        SpineSynthGenerator().generate_synthetic_mri(spine() + 0.5)
    with pytest.raises(LabelError, match="all background"):
        SpineSynthGenerator().generate_synthetic_mri(spine() * 0)


def test_a_dataset_says_which_label_map_cannot_be_rendered():
    dataset = SyntheticDataset([spine(), spine() * 0], SpineSynthGenerator())
    with pytest.raises(LabelError, match=r"^label map 1: .* is all background"):
        dataset[3]


def test_a_call_that_failed_does_not_count():
    generator = SpineSynthGenerator(seed=1)
    with pytest.raises(ConfigError, match="contrast_alpha"):
        generator.generate_synthetic_mri(spine(), contrast_alpha=1.5)
    assert np.array_equal(
        generator.generate_synthetic_mri(spine()), SpineSynthGenerator(seed=1).generate_synthetic_mri(spine())
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"contrast_type": "T3"}, "contrast_type is 'T3'; expected 'T1', 'T2' or 'random'"),
        ({"resolution_range": (4.0, 1.0)}, "the smaller one first"),
        ({"resolution_range": (0.5, 2.0)}, "from 1 to 20"),
        ({"resolution_range": 2.0}, "resolution_range is 2.0"),
        ({"seed": -3}, "seed is -3"),
    ],
)
def test_settings_that_cannot_be_used_are_told_in_one_line(settings, said):
    with pytest.raises(ConfigError, match=said):
        SpineSynthGenerator(**settings)


def test_the_presets_are_each_other_s_opposite():
    assert (preset("spine-t1").toward, preset("spine-t2").toward) == ("spine-t2", "spine-t1")


def test_a_dataset_has_each_label_map_as_often_as_asked():
    maps = [spine(), spine((64, 40)), spider()]
    dataset = SyntheticDataset(label_maps=maps, generator=SpineSynthGenerator(), num_augmentations=4)
    assert len(dataset) == 12
    for number, (image, labels) in enumerate(dataset):
        assert image.shape == (1, *maps[number % 3].shape)
        assert (image.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert np.array_equal(labels.numpy(), maps[number % 3])
    assert len(SyntheticDataset(maps, SpineSynthGenerator())) == 15


def test_pairs_feed_a_cross_entropy_loss():
    dataset = SyntheticDataset([spine(), spine()], SpineSynthGenerator())
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    network = torch.nn.Conv2d(1, 14, 3, padding=1)
    assert torch.nn.functional.cross_entropy(network(images), labels).isfinite()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_item_depends_on_its_index_alone(workers):
    dataset = SyntheticDataset([spine(), spider()], SpineSynthGenerator(seed=8), num_augmentations=2)
    dataset.generator.generate_synthetic_mri(spine())  # calls of the generator do not count
    here = [image for image, _ in dataset]
    assert len({image.numpy().tobytes() for image in here}) == 4
    there = [image for image, _ in DataLoader(dataset, batch_size=None, num_workers=workers)]
    assert all(torch.equal(a, b) for a, b in zip(here, there, strict=True))
    dataset.set_epoch(1)
    assert not torch.equal(dataset[0][0], here[0])


def test_datasets_that_cannot_be_are_told_in_one_line():
    with pytest.raises(ConfigError, match="label_maps is empty"):
        SyntheticDataset([], SpineSynthGenerator())
    with pytest.raises(ConfigError, match="num_augmentations is 0"):
        SyntheticDataset([spine()], SpineSynthGenerator(), num_augmentations=0)
    with pytest.raises(LabelError, match="not labels"):
        SyntheticDataset([spine() + 0.5], SpineSynthGenerator())
    dataset = SyntheticDataset([spine()], SpineSynthGenerator())
    with pytest.raises(IndexError, match="item 5 of a dataset of 5"):
        dataset[5]
    with pytest.raises(ConfigError, match="epoch is -1"):
        dataset.set_epoch(-1)
