"""``find_cases``: folders of every layout, what is wrong with them, and what is read of a case."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, GridError, LabelError, ReadError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.exchange import export_dataset
from napari_medsynth.datasets.finding import LAYOUTS, find_cases, layout_of
from napari_medsynth.datasets.found import labels_of
from napari_medsynth.io import write_case, write_labels, write_volume
from toy_datasets import made

SHAPE = (6, 8, 10)


def labels(value=1, shape=SHAPE):
    array = np.zeros(shape, np.uint8)
    array[tuple(slice(1, n // 2) for n in shape)] = value
    return LabelMap(array, Affine.from_spacing((3.0, 1.0, 1.0)[-len(shape) :]))


def image(seed=0, shape=SHAPE):
    array = np.random.default_rng(seed).integers(0, 255, shape).astype(np.int16)
    return Volume(array, Affine.from_spacing((3.0, 1.0, 1.0)[-len(shape) :]))


def put(path, part):
    path.parent.mkdir(parents=True, exist_ok=True)
    (write_labels if isinstance(part, LabelMap) else write_volume)(part, path)


def spider(root, names=("1_t1", "1_t2", "2_t2_SPACE", "10_t1"), doubled=True):
    inner = ("images/images", "masks/masks") if doubled else ("images", "masks")
    for number, name in enumerate(names):
        put(root / inner[0] / f"{name}.mha", image(number))
        put(root / inner[1] / f"{name}.mha", labels(201))
    return root


@pytest.mark.parametrize("doubled", [True, False])
def test_spider_gives_patients_modality_and_names(tmp_path, doubled):
    found = find_cases(spider(tmp_path, doubled=doubled))
    assert layout_of(tmp_path) == "spider"
    assert [case.id for case in found] == ["1_t1", "1_t2", "2_t2_SPACE", "10_t1"]
    assert [case.patient for case in found] == ["1", "1", "2", "10"]
    case = found[0].read()
    assert case.image.modality == "MR"
    assert case.labels.table[201].name == "disc 1"


def test_a_mask_without_a_scan_is_a_case_and_a_scan_without_a_mask_is_none(tmp_path):
    spider(tmp_path)
    (tmp_path / "images/images/1_t1.mha").unlink()
    (tmp_path / "masks/masks/10_t1.mha").unlink()
    found = {case.id: case for case in find_cases(tmp_path)}
    assert found["1_t1"].image is None
    assert found["1_t1"].read().labels.values() == (201,)
    assert "10_t1" not in found
    assert len(find_cases(tmp_path, labelled=False)) == 4


def test_what_is_not_asked_for_is_not_opened(tmp_path):
    spider(tmp_path)
    (tmp_path / "images/images/1_t1.mha").write_bytes(b"no image")
    case = find_cases(tmp_path)[0]
    assert case.read(image=False).image is None
    with pytest.raises(ReadError, match=r"1_t1\.mha"):
        case.read()


def decathlon(root, **changes):
    for name in ("lung_001", "lung_003"):
        put(root / f"imagesTr/{name}.nii.gz", image())
        put(root / f"labelsTr/{name}.nii.gz", labels())
    listed = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in ("lung_001", "lung_003")]
    about = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "cancer"}, "training": listed, "test": []}
    (root / "dataset.json").write_text(json.dumps(about | changes))
    return root


def test_decathlon_with_and_without_its_list(tmp_path):
    found = find_cases(decathlon(tmp_path))
    assert layout_of(tmp_path) == "msd"
    assert [case.patient for case in found] == [case.id for case in found] == ["lung_001", "lung_003"]
    assert found[0].read().labels.table[1].name == "cancer"
    assert found[0].modality == "CT"
    (tmp_path / "dataset.json").unlink()
    assert layout_of(tmp_path) == "msd"
    assert [case.id for case in find_cases(tmp_path)] == ["lung_001", "lung_003"]


@pytest.mark.parametrize("path", ["../outside.nii.gz", "/etc/passwd", "imagesTr/link.nii.gz", "imagesTr/none.nii.gz"])
def test_a_list_that_leaves_the_folder_is_refused(tmp_path, path):
    root = tmp_path / "data"
    put(tmp_path / "outside.nii.gz", image())
    decathlon(root, training=[{"image": path, "label": "labelsTr/lung_001.nii.gz"}])
    (root / "imagesTr/link.nii.gz").symlink_to(tmp_path / "outside.nii.gz")
    with pytest.raises(ReadError, match=r"dataset\.json lists"):
        find_cases(root)


@pytest.mark.usefixtures("toy_steps")
def test_nnunet_hdf5_and_datalists_of_our_own_export(tmp_path):
    made(tmp_path / "ours")
    finish(export_dataset(tmp_path / "ours", tmp_path / "Dataset501_Toys", "nnunet"))
    finish(export_dataset(tmp_path / "ours", tmp_path / "list", "monai"))
    finish(export_dataset(tmp_path / "ours", tmp_path / "pairs", "nifti"))
    folders = {"hdf5": "ours", "nnunet": "Dataset501_Toys", "monai": "list", "folder": "pairs"}
    for layout, name in folders.items():
        assert layout_of(tmp_path / name) == layout
        found = {case.id: case for case in find_cases(tmp_path / name)}
        assert len(found) == 10
        assert {case.split for case in found.values()} == {"train", "val", "test"}
        assert len({case.patient for case in found.values()}) == 10
        first = found["case_000000"].read()
        assert first.image is not None
        assert first.labels.values()
    one = find_cases(tmp_path / "ours" / "train.h5")
    assert {case.split for case in one} == {"train"}
    assert find_cases(tmp_path / "list" / "datalist.json")[0].read().labels.values()


@pytest.mark.usefixtures("toy_steps")
def test_a_case_in_hdf5_has_the_checksum_of_its_own_voxels(tmp_path):
    made(tmp_path / "ours")
    sums = [case.sums() for case in find_cases(tmp_path / "ours")]
    assert len(set(sums)) == 10


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("scan.nii.gz", "scan_labels.nii.gz"),
        ("scan.mha", "scan-seg.mha"),
        ("scan_image.nrrd", "scan_label.nrrd"),
        ("scan_ct.nii.gz", "scan_mask.nii.gz"),
        ("images/scan.png", "masks/scan.png"),
        ("images/scan_0000.nii.gz", "labels/scan.nii.gz"),
    ],
)
def test_pairs_of_a_plain_folder(tmp_path, picture, mask):
    shape = (8, 10) if picture.endswith("png") else SHAPE
    put(tmp_path / picture, Volume(image(shape=shape).array.astype(np.uint8), image(shape=shape).affine))
    put(tmp_path / mask, labels(shape=shape))
    (found,) = find_cases(tmp_path)
    assert (found.id, found.image, found.labels) == ("scan", tmp_path / picture, tmp_path / mask)
    assert found.read().labels.values() == (1,)


def test_folders_of_written_cases_with_and_without_images(tmp_path):
    write_case(Case(id="both", image=image(), labels=labels()), tmp_path / "both")
    write_case(Case(id="truth", labels=labels(2)), tmp_path / "truth")
    both, truth = find_cases(tmp_path)
    assert both.read().image is not None
    assert (truth.image, truth.read().labels.values()) == (None, (2,))


def test_white_is_one_and_masks_of_one_picture_are_joined(tmp_path):
    shape = (8, 10)
    first, second = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    first[1:3], second[5:7] = 255, 255
    put(tmp_path / "benign (4).png", Volume(np.arange(80, dtype=np.uint8).reshape(shape)))
    put(tmp_path / "benign (4)_mask.png", LabelMap(first))
    put(tmp_path / "benign (4)_mask_1.png", LabelMap(second))
    (found,) = find_cases(tmp_path)
    assert len(found.files) == len(found.sums()) == 3
    assert np.array_equal(found.read().labels.array, (first | second) // 255)


def test_nothing_found_says_what_was_looked_for(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        find_cases(tmp_path / "none")
    with pytest.raises(ReadError, match=r"images beside NAME_labels"):
        find_cases(tmp_path)
    with pytest.raises(ReadError, match=r"1_t1\.mha"):
        find_cases(tmp_path, "spider")
    put(tmp_path / "scan.nii.gz", image())
    with pytest.raises(ReadError, match="1 images and no label map"):
        find_cases(tmp_path)
    with pytest.raises(ConfigError, match="spider"):
        find_cases(tmp_path, "spyder")
    assert set(LAYOUTS) == {"auto", "spider", "nnunet", "msd", "hdf5", "monai", "folder"}


def test_two_images_for_one_label_map_are_refused(tmp_path):
    for name in ("scan.nii.gz", "scan_image.nii.gz"):
        put(tmp_path / name, image())
    put(tmp_path / "scan_mask.nii.gz", labels())
    with pytest.raises(ReadError, match="both be the image"):
        find_cases(tmp_path)


def test_parts_that_do_not_fit_are_named(tmp_path):
    put(tmp_path / "scan.nii.gz", image())
    put(tmp_path / "scan_mask.nii.gz", labels(shape=(6, 8, 9)))
    (found,) = find_cases(tmp_path)
    with pytest.raises(GridError, match="6×8×10"):
        found.read()
    put(tmp_path / "scan_mask.nii.gz", Volume(np.full(SHAPE, 0.5, np.float32)))
    with pytest.raises(LabelError, match=r"case scan: .*scan_mask"):
        labels_of(found)


def test_names_of_the_layout_come_before_those_of_the_file(tmp_path):
    decathlon(tmp_path)
    named = LabelMap(labels().array, labels().affine, LabelTable.from_names({1: "other"}))
    put(tmp_path / "labelsTr/lung_001.nii.gz", named)
    assert find_cases(tmp_path)[0].read().labels.table[1].name == "cancer"


@pytest.mark.data
def test_real_scans_in_the_layouts_that_they_are_published_in(tmp_path, data_dir):
    for name, kind in (("11_t2", "images"), ("11_label", "masks")):
        target = tmp_path / "spider" / kind / kind / "11_t2.mha"
        target.parent.mkdir(parents=True)
        shutil.copy(data_dir / "spine_ivd" / f"{name}.mha", target)
    (spine,) = find_cases(tmp_path / "spider")
    assert (spine.patient, spine.read().labels.values()) == ("11", (1, 2, 3, 4, 5))
    lung = tmp_path / "Task06_Lung"
    for part, kind in (("ct", "imagesTr"), ("label", "labelsTr")):
        (lung / kind).mkdir(parents=True)
        shutil.copy(data_dir / "lung4d_113" / f"113_HM10395_{part}.nii.gz", lung / kind / "lung_113.nii.gz")
    (chest,) = find_cases(lung)
    assert layout_of(lung) == "msd"
    assert chest.read(image=False).labels.values() == (1, 2, 3, 4)
    breast = {case.id: case for case in find_cases(data_dir / "busi")}
    assert len(breast) == 19
    assert sum(len(case.more_labels) for case in breast.values()) == 1
    with pytest.raises(GridError, match=r"benign \(4\)_mask_1"):  # published so: its masks are of two sizes
        breast.pop("benign-4-").read()
    assert {case.read().labels.values() for case in breast.values()} == {(), (1,)}
    assert len(find_cases(data_dir / "node21_nodules")) == 24
