"""Rendering among MONAI's dictionary transforms: axes, affines, random states and workers as MONAI has them."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, ThreadDataLoader
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, RandScaleIntensityd

from napari_medsynth import Case, Label, LabelTable, Render
from napari_medsynth.core.errors import ConfigError, GridError, LabelError
from napari_medsynth.core.record import Record
from napari_medsynth.core.step import replay
from napari_medsynth.io import read_labels
from napari_medsynth.rendering import Rendered

SIZE = (14, 20, 10)  # x, y, z
TABLE = LabelTable((Label(1, "left part", "part", "left"), Label(2, "right part", "part", "right"), Label(3, "spot")))


def parts(size=SIZE):
    """Two halves and a spot, ``(x, y[, z])``."""
    array = np.zeros(size, np.uint8)
    array[2:7, 3:-3] = 1
    array[7:-2, 3:-3] = 2
    array[8:11, 5:9] = 3
    return array


def oblique():
    """Voxels of 1.2, 0.9 and 2.5 mm, turned by 20 degrees about two axes."""
    c, s = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * (-1.2, 0.9, 2.5)
    matrix[:3, 3] = (31, -17, 5)
    return matrix


@pytest.fixture
def path(tmp_path):
    nib.save(nib.Nifti1Image(parts(), oblique()), tmp_path / "labels.nii.gz")
    return tmp_path / "labels.nii.gz"


def pipeline(*more, **settings):
    steps = [LoadImaged("label"), EnsureChannelFirstd("label"), Rendered(tables={"label": TABLE}, **settings), *more]
    return Compose(steps).set_random_state(4)


@pytest.mark.parametrize("step", [Render(), Render(crop=(6, 10, 8)), Render(grid="acquisition")])
def test_a_file_loaded_by_monai_is_rendered_as_the_file_read_by_this_package(path, step):
    item = pipeline(step=step, record_key="made")({"label": str(path)})
    record = Record.from_json(json.loads(item["made"]))
    labels = read_labels(path)
    mine = replay(Case(id="mine", labels=type(labels)(labels.array, labels.affine, TABLE)), (record,))
    for theirs, volume in ((item["image"], mine.image), (item["label"], mine.labels)):
        assert isinstance(theirs, MetaTensor)
        assert np.array_equal(theirs[0].numpy().transpose(2, 1, 0), volume.array)
        index = np.array([1, 2, 3])
        world = theirs.affine.numpy() @ (*index[::-1], 1)
        assert np.allclose(world[:3], volume.affine.to_world(index))
    assert item["image"].dtype == torch.float32
    assert item["image"].meta["filename_or_obj"] == str(path)


def test_the_voxels_stay_where_they_are_in_the_world(path):
    whole = pipeline(step=Render(warp={"prob": 0}, flip={"prob": 0}))({"label": str(path)})
    assert np.array_equal(whole["label"][0].numpy(), parts())
    assert np.allclose(whole["image"].affine, oblique(), atol=1e-5)


def test_a_crop_moves_the_affine(path):
    still = Render(crop=(6, 10, 8), warp={"prob": 0}, flip={"prob": 0})
    item = pipeline(step=still)({"label": str(path)})
    assert item["image"].shape == item["label"].shape == (1, 8, 10, 6)
    corner = np.linalg.inv(oblique()) @ item["image"].affine.numpy()[:, 3]
    start = np.rint(corner[:3]).astype(int)
    assert np.allclose(corner[:3], start, atol=1e-3)
    box = tuple(slice(a, a + n) for a, n in zip(start, (8, 10, 6), strict=True))
    assert np.array_equal(item["label"][0].numpy(), parts()[box])


def test_a_random_state_makes_it_again_and_calls_differ(path):
    first, again = pipeline(), pipeline()
    items = [first({"label": str(path)})["image"] for _ in range(2)]
    assert not torch.equal(*items)
    for item in items:
        assert torch.equal(again({"label": str(path)})["image"], item)
    other = pipeline().set_random_state(5)
    assert not torch.equal(other({"label": str(path)})["image"], items[0])


def test_global_generators_are_left_alone(path):
    made = pipeline()
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    made({"label": str(path)})
    assert torch.equal(torch_before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])


@pytest.mark.parametrize("loader", [DataLoader, ThreadDataLoader])
@pytest.mark.parametrize("workers", [0, 2])
def test_it_works_in_monai_s_loaders_between_other_transforms(path, loader, workers):
    made = pipeline(RandScaleIntensityd("image", factors=0.1, prob=1.0))
    batches = list(loader(Dataset([{"label": str(path)}] * 4, made), batch_size=2, num_workers=workers))
    assert [tuple(batch["image"].shape) for batch in batches] == [(2, 1, *SIZE)] * 2
    assert len({image.numpy().tobytes() for batch in batches for image in batch["image"]}) == 4


def test_others_take_the_same_warp(path):
    loaded = Compose([LoadImaged("label"), EnsureChannelFirstd("label")])({"label": str(path)})
    twice = torch.cat([loaded["label"], loaded["label"] * 10]).as_tensor().float()
    loaded |= {"parts": loaded["label"].clone(), "scan": MetaTensor(twice, affine=loaded["label"].affine)}
    tables = {"label": TABLE, "parts": TABLE}
    made = Rendered(step=Render(crop=(6, 10, 8)), tables=tables, also_labels="parts", also_images=["scan"])
    item = made.set_random_state(1)(loaded)
    assert torch.equal(item["parts"], item["label"])
    assert item["scan"].shape == (2, 8, 10, 6)
    assert torch.allclose(item["scan"][1], 10 * item["scan"][0], atol=1e-4)
    assert torch.equal(item["scan"].affine, item["image"].affine)
    background = (item["scan"][0] == 0) == (item["label"][0] == 0)
    assert float(background.float().mean()) > 0.6


def test_others_lie_on_the_acquisition_s_grid_too():
    coarse = {"prob_iso": 1, "prob_min": 0, "iso": (2, 2)}
    step = Render(grid="acquisition", resolution=coarse, flip={"prob": 0})
    data = {"label": parts()[None], "parts": parts()[None], "scan": parts()[None].astype(np.float32)}
    item = Rendered(step=step, also_labels="parts", also_images="scan")(data)
    assert item["image"].shape == item["label"].shape == item["scan"].shape == (1, 7, 10, 5)
    assert torch.equal(item["parts"], item["label"])


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy, lambda a: MetaTensor(torch.from_numpy(a))])
@pytest.mark.parametrize("size", [SIZE, SIZE[:2]])
def test_any_channel_first_array_will_do(make, size):
    item = Rendered().set_random_state(3)({"label": make(parts(size)[None]), "name": "a"})
    assert item["image"].shape == item["label"].shape == (1, *size)
    assert item["image"].dtype == torch.float32
    assert item["label"].dtype == torch.uint8
    assert item["name"] == "a"
    assert item["image"].is_contiguous()


def test_the_label_map_keeps_its_type():
    for dtype in (torch.float32, torch.int64, torch.uint8):
        item = Rendered()({"label": torch.from_numpy(parts()[None]).to(dtype)})
        assert item["label"].dtype == dtype


def test_a_2d_image_keeps_its_affine_of_two_axes():
    matrix = torch.tensor([[0.0, 0.7, 4.0], [0.5, 0.0, -3.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    still = Render(crop=(1, 8, 6), warp={"prob": 0}, flip={"prob": 0})
    label = MetaTensor(torch.from_numpy(parts(SIZE[:2])[None]), affine=matrix)
    item = Rendered(step=still)({"label": label})
    assert item["image"].shape == (1, 6, 8)
    assert item["image"].affine.shape == (3, 3)
    start = np.rint((torch.linalg.inv(matrix) @ item["image"].affine[:, 2])[:2].numpy()).astype(int)
    box = slice(start[0], start[0] + 6), slice(start[1], start[1] + 8)
    assert np.array_equal(item["label"][0].numpy(), parts(SIZE[:2])[box])


def test_axes_in_the_order_of_this_package():
    array = np.ascontiguousarray(parts().T)
    mine, theirs = (
        Rendered(axes=axes).set_random_state(2)({"label": value[None]})
        for axes, value in (("zyx", array), ("xyz", parts()))
    )
    assert torch.equal(mine["image"], theirs["image"].permute(0, 3, 2, 1))


def test_now_and_then_the_image_that_was_there_stays():
    real = torch.full((1, *SIZE), 7.0)
    made = Rendered(prob=0.5).set_random_state(0)
    kept = [torch.equal(made({"label": parts()[None], "image": real})["image"], real) for _ in range(20)]
    assert 3 < sum(kept) < 17
    with pytest.raises(ConfigError, match="the item has no 'image' to keep"):
        Rendered(prob=0)({"label": parts()[None]})


def test_an_item_without_a_label_map_passes_if_it_may():
    with pytest.raises(KeyError, match="label"):
        Rendered()({"image": 1})
    assert Rendered(allow_missing_keys=True)({"image": 1}) == {"image": 1}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_label_map_on_a_gpu_is_rendered_there():
    item = Rendered()({"label": torch.from_numpy(parts()[None]).cuda()})
    assert item["image"].device.type == item["label"].device.type == "cuda"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"keys": ("a", "b")}, "expected the key of one label map"),
        ({"axes": "yxz"}, "axes is 'yxz'; expected 'xyz' or 'zyx'"),
        ({"image_key": "label"}, "has key 'label' twice"),
        ({"also_labels": "x", "also_images": ("x",)}, "has key 'x' twice"),
    ],
)
def test_settings_that_cannot_be_used_are_told_in_one_line(settings, said):
    with pytest.raises(ConfigError, match=said):
        Rendered(**settings)


@pytest.mark.parametrize(
    ("item", "settings", "error", "said"),
    [
        ({"label": parts()}, {}, ConfigError, "'label' has 14 channels; expected a label map with one"),
        ({"label": parts()[0, 0]}, {}, ConfigError, r"'label' has shape \(10,\)"),
        ({"label": np.stack([parts()] * 2)}, {}, ConfigError, "'label' has 2 channels"),
        ({"label": parts()[None] + 0.5}, {}, LabelError, "voxels that are not labels"),
        ({"label": parts()[None] * 0}, {}, LabelError, "all background"),
        ({"label": parts()[None]}, {"also_images": "scan"}, ConfigError, "the item has no 'scan'"),
        (
            {"label": parts()[None], "scan": parts()[None, :-1]},
            {"also_images": "scan"},
            GridError,
            "label is 10×20×14 voxels and scan is 10×20×13",
        ),
    ],
)
def test_items_that_cannot_be_rendered_are_told_in_one_line(item, settings, error, said):
    with pytest.raises(error, match=said):
        Rendered(**settings)(item)
