"""The generator classes: the names of others, the phantoms of this package."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medsynth.compat.phantoms import SyntheticAnatomyGenerator, SyntheticDatasetGenerator
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.datasets import LazyMedicalDataset, Split, visualize_sample
from napari_medsynth.phantom.step import Phantom

SIZE = (16, 24, 12)


def test_a_sample_is_image_masks_and_presence():
    image, masks, presence = SyntheticAnatomyGenerator(image_size=SIZE).generate_sample()
    assert (image.shape, image.dtype) == (SIZE, np.float32)
    assert (masks.shape, masks.dtype) == ((13, *SIZE), np.uint8)
    assert (presence.shape, presence.dtype) == ((13,), np.uint8)
    assert presence.all()
    assert np.array_equal(masks.any(axis=(1, 2, 3)), presence)
    assert masks.max() == 1
    assert (masks.sum(axis=0) <= 1).all()


def test_it_is_the_phantom_that_the_step_makes():
    generator = SyntheticAnatomyGenerator(SIZE, seed=5)
    generator.generate_sample()
    image, masks, _ = generator.generate_sample(["heart", "liver"], 0.01, 0.1, 0.05)
    step = Phantom(
        image_size=SIZE, present=("heart", "liver"), position_noise=0.01, size_noise=0.1, intensity_noise=0.05
    )
    case = step(Case(id="any"), seed=5, index=1)
    assert np.array_equal(image, case.image.array)
    assert np.array_equal(
        masks.any(axis=0),
        np.isin(
            case.labels.array, case.labels.table.values_of(name="heart") + case.labels.table.values_of(name="liver")
        ),
    )


def test_calls_differ_and_a_new_generator_gives_the_same_sequence():
    generator, again = SyntheticAnatomyGenerator(SIZE, seed=1), SyntheticAnatomyGenerator(SIZE, seed=1)
    first, second = generator.generate_sample()[0], generator.generate_sample()[0]
    assert not np.array_equal(first, second)
    assert np.array_equal(again.generate_sample()[0], first)
    assert np.array_equal(again.generate_sample()[0], second)
    assert not np.array_equal(SyntheticAnatomyGenerator(SIZE, seed=2).generate_sample()[0], first)


@pytest.mark.parametrize(("names", "expected"), [(["heart", "L3"], {"heart", "L3"}), ([], set())])
def test_only_the_structures_asked_for_are_present(names, expected):
    generator = SyntheticAnatomyGenerator((32, 32, 32))
    _, masks, presence = generator.generate_sample(present_structures=names)
    found = {name for name, there in zip(generator.structure_names, presence, strict=True) if there}
    assert found == expected
    assert masks.any() == bool(expected)


def test_spacing_and_anatomy_are_those_of_the_step():
    generator = SyntheticAnatomyGenerator((24, 24, 24), spacing=(8.0, 8.0, 8.0), anatomy="torso")
    image, masks, _ = generator.generate_sample()
    assert image.min() < -500
    assert len(masks) == len(generator.structure_names) >= 30


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"present_structures": ["hart"]}, "did you mean 'heart'"),
        ({"present_structures": "heart"}, "present_structures is 'heart'; expected a list of names"),
        ({"position_noise": -0.1}, "position_noise"),
        ({"size_noise": 5}, "size_noise"),
    ],
)
def test_what_cannot_be_used_is_named(settings, said):
    with pytest.raises(ConfigError, match=said):
        SyntheticAnatomyGenerator(SIZE).generate_sample(**settings)


@pytest.mark.parametrize("size", [(64, 64), (0, 64, 64), (64.5, 64, 64), "64,64,64", (-8, 16, 16)])
def test_a_size_is_three_positive_whole_numbers(size):
    for generator in (SyntheticAnatomyGenerator, SyntheticDatasetGenerator):
        with pytest.raises(ConfigError, match="image_size"):
            generator(image_size=size)


@pytest.mark.parametrize("seed", [-1, None, 1.5])
def test_a_seed_that_cannot_be_used_is_refused_at_once(seed):
    for generator in (SyntheticAnatomyGenerator, SyntheticDatasetGenerator):
        with pytest.raises(ConfigError, match="seed is"):
            generator(image_size=SIZE, seed=seed)


def test_a_planned_dataset_makes_samples_when_they_are_asked_for(monkeypatch):
    generator = SyntheticDatasetGenerator(SIZE)
    dataset = generator.generate_dataset(total_samples=10**6, validation_split=0.2, test_split=0.1)
    assert {name: len(split) for name, split in dataset.items()} == {"train": 700_000, "val": 200_000, "test": 100_000}
    assert dataset["test"][-1]["case_id"] == "case_999999"
    sample = dataset["train"][0]
    assert sample["image"].shape == SIZE
    assert sample["masks"].shape == (13, *SIZE)
    assert sample["presence_labels"].dtype == np.float32
    assert len(dataset["val"][:5]) == 5
    with pytest.raises(IndexError):
        dataset["train"][700_000]
    with pytest.raises(KeyError, match="did you mean 'val'"):
        dataset["vall"]
    assert dataset.get("vall") is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"validation_split": 0.6, "test_split": 0.4}, "less than 1"),
        ({"total_samples": 0}, "at least 1"),
        ({"total_samples": -5}, "at least 1"),
        ({"scenario": "left_nefrectomy"}, "did you mean 'left_nephrectomy'"),
        ({"intensity_noise": 2}, "intensity_noise"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_at_once(settings, said):
    with pytest.raises(ConfigError, match=said):
        SyntheticDatasetGenerator(SIZE).generate_dataset(**settings)


def test_what_is_saved_is_what_was_planned(tmp_path):
    generator = SyntheticDatasetGenerator(SIZE, spacing=(30.0, 16.0, 40.0), seed=9)
    dataset = generator.generate_dataset(6, 0.34, 0.17, scenario="left_nephrectomy", size_noise=0.1)
    folder = generator.save_dataset_hdf5(dataset, tmp_path / "saved")
    assert folder == tmp_path / "saved"
    assert json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["generation_params"]["size_noise"] == 0.1
    for name, split in dataset.items():
        saved = LazyMedicalDataset(folder, split=name)
        assert len(saved) == len(split)
        for planned, item in zip(split, saved, strict=True):
            assert set(planned) == set(item)
            for key in ("image", "masks", "presence_labels", "spacing"):
                assert np.array_equal(planned[key], item[key])
            assert planned["scenario"] == item["scenario"] == "left_nephrectomy"
            assert planned["case_id"] == item["case_id"]


def test_only_a_plan_can_be_saved(tmp_path):
    with pytest.raises(ConfigError, match="is of type dict; expected what generate_dataset gave"):
        SyntheticDatasetGenerator(SIZE).save_dataset_hdf5({"train": []}, tmp_path / "saved")


def test_a_scheduler_takes_the_place_of_workers(tmp_path):
    generator = SyntheticDatasetGenerator(SIZE)
    with pytest.raises(ConfigError, match="nowhere"):
        generator.save_dataset_hdf5(generator.generate_dataset(3), tmp_path / "saved", scheduler="nowhere")


def test_another_seed_plans_other_samples():
    one, other = (SyntheticDatasetGenerator(SIZE, seed=seed).generate_dataset(3)["train"][0] for seed in (1, 2))
    assert not np.array_equal(one["image"], other["image"])


def test_a_planned_sample_can_be_drawn_like_a_saved_one(tmp_path):
    generator = SyntheticDatasetGenerator(SIZE)
    dataset = generator.generate_dataset(2, 0, 0)
    folder = generator.save_dataset_hdf5(dataset, tmp_path / "saved")
    with Split.open(folder / "train.h5") as split:
        assert np.array_equal(visualize_sample(dataset["train"], 1), visualize_sample(split, 1))
