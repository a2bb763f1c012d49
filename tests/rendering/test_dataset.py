"""Images rendered while a network trains: the same stream for any number of workers, on CPU and GPU."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_medsynth import Case, LabelMap, LabelTable, Render, RenderDataset, Volume
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError, LabelError, ReadError
from napari_medsynth.core.step import replay
from napari_medsynth.io import write_case, write_labels, write_volume
from napari_medsynth.rendering import render_batch

SHAPE = (12, 20, 16)
TABLE = LabelTable.from_names({1: "shell", 2: "core", 300: "spot"})


def nested(offset=0, shape=SHAPE):
    """A box in a box, and a spot in it with a value that takes two bytes."""
    array = np.zeros(shape, np.uint16)
    array[..., 2:-2, 2:-2] = 1
    array[..., 6 - offset : -6, 5:-4] = 2
    array[..., 9:11, 7:9] = 300
    return LabelMap(array, Affine.from_spacing((2.0, 1.0, 1.5)[-len(shape) :]), TABLE)


@pytest.fixture(scope="module")
def maps():
    return [nested(), nested(2)]


@pytest.fixture
def dataset(maps):
    return RenderDataset(maps, seed=5, length=4)


def images(items):
    return [item["image"].numpy().tobytes() for item in items]


def test_an_item_is_an_image_with_a_channel_its_labels_and_the_name(dataset):
    item = dataset[0]
    assert item["image"].shape == item["labels"].shape == (1, *SHAPE)
    assert (item["image"].dtype, item["labels"].dtype) == (torch.float32, torch.int64)
    assert item["image"].std() > 0
    assert set(item["labels"].unique().tolist()) <= {0, 1, 2, 300}
    assert item["id"] == "labels"


def test_a_2d_label_map_gives_2d_items():
    item = RenderDataset([nested(shape=SHAPE[1:])])[0]
    assert item["image"].shape == item["labels"].shape == (1, *SHAPE[1:])


def test_several_presets_are_channels(maps):
    item = RenderDataset(maps, Render(also=("synthseg",)))[0]
    assert item["image"].shape == (2, *SHAPE)
    assert not torch.equal(item["image"][0], item["image"][1])


def test_a_crop_is_the_patch_size_and_batches_collate(maps):
    dataset = RenderDataset(maps, Render(crop=(8, 10, 12)), length=4)
    [batch] = DataLoader(dataset, batch_size=4)
    assert batch["image"].shape == batch["labels"].shape == (4, 1, 8, 10, 12)
    assert batch["id"] == ["labels"] * 4


@pytest.mark.parametrize(("workers", "start"), [(0, None), (1, "fork"), (2, "fork"), (2, "spawn")])
def test_workers_give_the_very_items_that_the_dataset_gives(dataset, workers, start):
    if start not in (None, *multiprocessing.get_all_start_methods()):
        pytest.skip(f"this machine cannot {start} processes")
    here = [dataset[n] for n in range(4)]
    loader = DataLoader(dataset, batch_size=None, num_workers=workers, multiprocessing_context=start)
    for mine, theirs in zip(here, loader, strict=True):
        assert torch.equal(mine["image"], theirs["image"])
        assert torch.equal(mine["labels"], theirs["labels"])


def test_each_item_of_each_epoch_is_another(dataset):
    first = images(dataset)
    dataset.set_epoch(1)
    assert len({*first, *images(dataset)}) == 8
    dataset.set_epoch(0)
    assert images(dataset) == first


def test_training_goes_on_from_any_item(maps, dataset):
    dataset.set_epoch(3)
    whole = images(dataset)
    again = RenderDataset(maps, seed=5, length=4)
    again.set_epoch(3)
    assert images([again[2], again[3]]) == whole[2:]
    assert images(RenderDataset(maps, seed=6, length=4)) != whole


def test_items_take_the_label_maps_in_turn(maps):
    dataset = RenderDataset([Case(id=f"map-{n}", labels=labels) for n, labels in enumerate(maps)], length=3)
    assert [item["id"] for item in dataset] == ["map-0", "map-1", "map-0"]
    assert len(RenderDataset(maps)) == 2


def test_label_maps_on_disk_are_read_when_asked_for(maps, tmp_path):
    write_labels(maps[0], tmp_path / "brain.nii.gz")
    write_case(Case(id="patient", labels=maps[1]), tmp_path / "patient")
    from_disk = RenderDataset([tmp_path / "brain.nii.gz", str(tmp_path / "patient")], seed=3)
    in_memory = RenderDataset(maps, seed=3)
    assert images(from_disk) == images(in_memory)
    assert [item["id"] for item in from_disk] == ["brain", "patient"]
    (tmp_path / "brain.nii.gz").unlink()
    with pytest.raises(ReadError, match=r"brain\.nii\.gz"):
        from_disk[0]


def test_instances_go_along(maps):
    instances = LabelMap((maps[0].array == 300).astype(np.uint8), maps[0].affine)
    item = RenderDataset([Case(id="a", labels=maps[0], instances=instances)])[0]
    assert torch.equal(item["instances"] == 1, item["labels"] == 300)


def test_other_maps_and_images_take_the_same_warp(maps, tmp_path):
    image = Volume(maps[0].array.astype(np.float32), maps[0].affine)
    write_volume(image, tmp_path / "t2.nii.gz")
    item = RenderDataset(
        maps[:1],
        Render(crop=(8, 12, 12)),
        also_labels=[{"parts": maps[0]}],
        also_images=[{"t2": tmp_path / "t2.nii.gz", "same": image}],
    )[0]
    assert torch.equal(item["parts"], item["labels"])
    assert torch.equal(item["t2"], item["same"])
    assert item["t2"].dtype == torch.float32
    far = (item["labels"] != 300) & (item["t2"] <= 2)
    assert (item["t2"] - item["labels"])[far].abs().max() <= 2
    assert float((item["t2"].round() == item["labels"]).float().mean()) > 0.6


def test_an_item_as_a_case_says_how_it_was_made(dataset, maps):
    case = dataset.case(1)
    assert np.array_equal(case.image.array, dataset[1]["image"][0])
    assert case.history[-1].rng == {"seed": 5, "case": 1, "occurrence": 0}
    again = replay(Case(id="again", labels=maps[1]), case.history)
    assert np.array_equal(again.image.array, case.image.array)
    assert np.array_equal(Render()(Case(id="a", labels=maps[1]), seed=5, index=1).image.array, case.image.array)


def test_others_lie_on_the_acquisition_s_grid_too(maps):
    step = Render(grid="acquisition", resolution={"prob_iso": 1, "prob_min": 0, "iso": (3, 3)})
    instances = LabelMap((maps[0].array > 0).astype(np.uint8), maps[0].affine)
    case = Case(id="a", labels=maps[0], instances=instances)
    item = RenderDataset([case], step, also_labels=[{"parts": maps[0]}])[0]
    assert item["image"].shape[1:] < SHAPE
    assert item["image"].shape == item["labels"].shape == item["parts"].shape
    assert torch.equal(item["parts"], item["labels"])
    assert torch.equal(item["instances"] > 0, item["labels"] > 0)


@pytest.mark.parametrize("shape", [SHAPE, SHAPE[1:]])
def test_a_batch_on_the_cpu_is_its_items_side_by_side(shape):
    dataset = RenderDataset([nested(shape=shape), nested(2, shape)], Render(also=("synthseg",)), seed=9)
    batch = render_batch([dataset.drawn[n] for n in range(2)], dataset.step)
    for name in ("image", "labels"):
        assert torch.equal(batch[name], torch.stack([dataset[n][name] for n in range(2)]))
    assert batch["id"] == ["labels", "labels"]


def test_workers_draw_what_is_rendered_elsewhere(dataset):
    loader = DataLoader(dataset.drawn, batch_size=2, num_workers=2, collate_fn=list, multiprocessing_context="fork")
    rendered = torch.cat([render_batch(drawn, dataset.step)["image"] for drawn in loader])
    assert torch.equal(rendered, torch.stack([item["image"] for item in dataset]))
    assert [drawn.params for drawn in loader.dataset] == [dataset.case(n).history[-1].params for n in range(4)]


def test_a_batch_is_of_one_size(maps):
    dataset = RenderDataset([maps[0], nested(shape=(10, 20, 16))])
    with pytest.raises(GridError, match="10×20×16"):
        render_batch([dataset.drawn[0], dataset.drawn[1]], dataset.step)
    with pytest.raises(ConfigError, match="no items"):
        render_batch([], dataset.step)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_batch_on_a_gpu_has_the_shapes_and_contrast_of_the_cpu():
    dataset = RenderDataset([nested(), nested(2)], seed=9)
    drawn = [dataset.drawn[n] for n in range(2)]
    here, there = render_batch(drawn, dataset.step), render_batch(drawn, dataset.step, device="cuda")
    assert there["image"].device.type == "cuda"
    assert (here["labels"] == there["labels"].cpu()).float().mean() > 0.99
    assert torch.allclose(here["image"].mean((2, 3, 4)), there["image"].cpu().mean((2, 3, 4)), atol=0.05)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"label_maps": []}, "label_maps is empty"),
        ({"length": 0}, "length is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"also_labels": [{"a": None}]}, "also_labels has 1 entries; expected one for each of 2"),
        ({"also_images": [{"image": None}, {}]}, "also_images has 'image', which items have already"),
    ],
)
def test_arguments_that_cannot_be_used_are_told_in_one_line(maps, arguments, said):
    with pytest.raises(ConfigError, match=said):
        RenderDataset(**{"label_maps": maps, **arguments})


def test_items_that_cannot_be_made_are_told_in_one_line(maps, dataset):
    with pytest.raises(IndexError, match="item 4 of a dataset of 4"):
        dataset[4]
    with pytest.raises(ConfigError, match="epoch is -1"):
        dataset.set_epoch(-1)
    with pytest.raises(ConfigError, match="has no labels"):
        RenderDataset([Case(id="empty")])[0]
    with pytest.raises(LabelError, match=r"^item 1, case 'slice': label map .* is all background"):
        RenderDataset([maps[0], Case(id="slice", labels=LabelMap(np.zeros(SHAPE, np.uint8)))])[1]
    with pytest.raises(GridError, match="the label map is 12×20×16 voxels and other is 10×20×16"):
        RenderDataset(maps[:1], also_labels=[{"other": nested(shape=(10, 20, 16))}])[0]


def test_global_torch_and_numpy_generators_are_left_alone(dataset):
    torch.manual_seed(0)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    _ = dataset[0]
    assert torch.equal(torch_before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])
