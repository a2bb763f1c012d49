"""What PyTorch gets of a dataset: the samples as they were written, whoever reads them."""

from __future__ import annotations

import pickle  # noqa: TID251 - as workers that are spawned do
import shutil

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, ReadError
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import LazyMedicalDataset, make_dataset
from napari_medsynth.phantom.step import Phantom

SIZE = (12, 20, 16)
RECIPE = Recipe(steps=(Phantom(image_size=SIZE),), seed=11)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven samples to train with, two to validate, one to test."""
    folder = tmp_path_factory.mktemp("lazy") / "dataset"
    return finish(make_dataset(RECIPE, 10, folder, workers=1))


@pytest.fixture
def dataset(folder):
    return LazyMedicalDataset(folder)


def halved(image, masks):
    """A transform that spawned workers can be given."""
    return image / 2, masks


def test_a_sample_is_the_case_that_was_made(dataset):
    case = RECIPE(Case(id="case_000003"), index=3)
    item = dataset[3]
    assert item["image"].dtype == torch.float32
    assert item["masks"].dtype == torch.uint8
    assert item["presence_labels"].dtype == torch.float32
    assert np.array_equal(item["image"], case.image.array)
    values = [entry.value for name in dataset.structure_names for entry in case.labels.table if entry.name == name]
    assert item["masks"].shape == (13, *SIZE)
    for value, mask, present in zip(values, item["masks"], item["presence_labels"], strict=True):
        assert np.array_equal(mask, case.labels.array == value)
        assert present == mask.any()
    assert item["scenario"] == case.history[0].params["scenario"]
    assert item["case_id"] == "case_000003"
    assert np.allclose(item["spacing"], case.image.spacing)


def test_a_sample_as_a_case_has_history_and_geometry(dataset):
    case = RECIPE(Case(id="case_000006"), index=6)
    stored = dataset.case(-1)
    assert stored.id == "case_000006"
    assert stored.history == case.history
    assert stored.image.same_grid(case.image)


def test_what_holds_for_all_samples_is_known_without_reading_one(dataset):
    assert len(dataset) == 7
    assert dataset.image_size == SIZE
    assert dataset.get_structure_names()[:3] == ["left_lung", "right_lung", "heart"]
    assert [len(LazyMedicalDataset(dataset.data_path, split=name)) for name in ("train", "val", "test")] == [7, 2, 1]


def test_the_class_distribution_counts_what_the_samples_have(dataset):
    distribution = dataset.get_class_distribution()
    seen = torch.stack([item["presence_labels"] for item in dataset]).sum(dim=0)
    assert list(distribution) == dataset.get_structure_names()
    for count, stats in zip(seen.tolist(), distribution.values(), strict=True):
        assert stats == {"count": count, "total": 7, "presence_rate": count / 7}


def test_numbers_count_from_either_end_and_end_where_the_samples_do(dataset):
    assert dataset[-1]["case_id"] == dataset[6]["case_id"] == "case_000006"
    assert dataset[np.int64(2)]["case_id"] == "case_000002"
    assert [item["case_id"] for item in dataset] == [f"case_{n:06d}" for n in range(7)]
    for number in (7, -8):
        with pytest.raises(IndexError, match="has 7"):
            dataset[number]


@pytest.mark.parametrize("index", [slice(0, 2), "0", 1.0, None, [1, 2]])
def test_anything_but_a_whole_number_is_refused_with_a_hint(dataset, index):
    with pytest.raises(TypeError, match="expected a whole number"):
        dataset[index]


@pytest.mark.parametrize("preload", [True, False])
def test_without_masks_the_rest_is_the_same(folder, dataset, preload):
    light = LazyMedicalDataset(folder, load_masks=False, preload_metadata=preload)
    assert set(light[0]) == set(dataset[0]) - {"masks"}
    for name in ("image", "presence_labels", "spacing"):
        assert torch.equal(light[2][name], dataset[2][name])
    assert light[2]["scenario"] == dataset[2]["scenario"]


def test_a_transform_gets_image_and_masks_or_the_image_alone(folder, dataset):
    both = LazyMedicalDataset(folder, transform=lambda image, masks: (image[None], masks[:2]))[0]
    assert both["image"].shape == (1, *SIZE)
    assert both["masks"].shape == (2, *SIZE)
    alone = LazyMedicalDataset(folder, transform=lambda image: image + 1, load_masks=False)[0]
    assert torch.equal(alone["image"], dataset[0]["image"] + 1)
    with pytest.raises(ConfigError, match="the transform returned Tensor; expected a pair"):
        LazyMedicalDataset(folder, transform=lambda image, masks: image)[0]


def test_what_is_done_to_one_sample_changes_no_other(dataset):
    for name in ("image", "masks", "presence_labels", "spacing"):
        dataset[1][name].fill_(7)
        assert not (dataset[1][name] == 7).all()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_give_the_same_samples_in_every_epoch(folder, dataset, start):
    dataset[0]  # the file is open before there are workers
    with_halves = LazyMedicalDataset(folder, transform=halved)
    loader = DataLoader(
        with_halves, batch_size=3, num_workers=2, multiprocessing_context=start, persistent_workers=True
    )
    for _ in range(2):
        batches = list(loader)
        assert [len(batch["scenario"]) for batch in batches] == [3, 3, 1]
        assert torch.equal(torch.cat([b["image"] for b in batches]), torch.stack([d["image"] / 2 for d in dataset]))
        assert torch.equal(torch.cat([b["masks"] for b in batches]), torch.stack([d["masks"] for d in dataset]))
        assert [n for b in batches for n in b["case_id"]] == [d["case_id"] for d in dataset]
    with_halves[1]  # and it is still open here


def test_it_can_be_pickled(dataset):
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[4]["image"], dataset[4]["image"])


def test_a_loss_takes_presence_as_it_is(dataset):
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros(4, 13), batch["presence_labels"])
    assert loss == pytest.approx(np.log(2))
    assert dataset[0]["presence_labels"].sum().item() == dataset[0]["masks"].flatten(1).any(1).sum()


def test_a_dataset_of_label_maps_has_masks_and_no_images(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "labels")
    with h5py.File(tmp_path / "labels" / "train.h5", "a") as file:
        del file["images"]
    labels = LazyMedicalDataset(tmp_path / "labels")
    assert "image" not in labels[0]
    assert labels[0]["masks"].any()
    with pytest.raises(ConfigError, match=r"train\.h5 has no images"):
        LazyMedicalDataset(tmp_path / "labels", transform=halved)


def test_the_plain_layout_of_other_tools_is_read(tmp_path):
    masks = np.zeros((2, 3, 4, 5, 6), np.uint8)
    masks[0, 1, 2:] = 1
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["images"] = np.arange(240, dtype=np.float32).reshape(2, 4, 5, 6)
        file["masks"] = masks
        file["presence_labels"] = masks.any(axis=(2, 3, 4)).astype(np.uint8)
        file["scenarios"] = ["one", "two"]
    dataset = LazyMedicalDataset(tmp_path)
    assert np.array_equal(dataset[0]["masks"], masks[0])
    assert dataset[1]["scenario"] == "two"
    assert dataset[1]["image"].max() == 239


@pytest.mark.parametrize(
    ("split", "said"),
    [("vall", "did you mean 'val'"), ("../dataset/train", "has no split"), ("", "expected one of test, train, val")],
)
def test_a_split_that_is_not_there_is_named_with_those_that_are(folder, split, said):
    with pytest.raises(ReadError, match="has no split") as caught:
        LazyMedicalDataset(folder, split=split)
    assert said in str(caught.value)


def test_a_folder_without_a_dataset_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ReadError, match=str(path)):
            LazyMedicalDataset(path)


def test_a_damaged_or_newer_file_is_refused(folder, tmp_path):
    for name in ("cut", "newer", "other"):
        shutil.copytree(folder, tmp_path / name)
    with open(tmp_path / "cut" / "train.h5", "r+b") as file:
        file.truncate(2000)
    with h5py.File(tmp_path / "newer" / "train.h5", "a") as file:
        file.attrs["schema_version"] = 99
    (tmp_path / "other" / "train.h5").write_bytes(b"not a dataset")
    for name, said in (("cut", "train.h5"), ("newer", "99"), ("other", "train.h5")):
        with pytest.raises(ReadError, match=said):
            LazyMedicalDataset(tmp_path / name)
