"""SynthLung's four actions, one after the other, on a Task06_Lung folder."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth import LabelMap, Volume
from napari_medsynth.core.errors import HostError, ReadError, SeedError
from napari_medsynth.core.progress import finish
from napari_medsynth.io import read_labels, read_volume, write_labels, write_volume
from napari_medsynth.phantom.thorax import thorax
from napari_medsynth.tumor import InsertTumors, SeedLibrary, Variation
from napari_medsynth.tumor.actions import cut_seeds, find_hosts, format_msd, generate

STEP = InsertTumors(count=(2, 2), variation=Variation(size="range", diameter_mm=(10, 14)))


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """Two chests with tumors and a belly without lungs, as the Decathlon stores them."""
    folder = tmp_path_factory.mktemp("msd") / "Task06_Lung"
    for number, tumors in (("001", 2), ("002", 1)):
        case = thorax((64, 128, 144), (3.75, 2.5, 2.5), seed=int(number), tumors=tumors)
        truth = LabelMap(case.instances.array > 0, case.image.affine)
        write_volume(case.image, folder / "imagesTr" / f"lung_{number}.nii.gz")
        write_labels(truth, folder / "labelsTr" / f"lung_{number}.nii.gz")
    belly = np.random.default_rng(0).normal(40, 10, (20, 64, 64)).astype(np.int16)
    truth = np.zeros(belly.shape, np.uint8)
    truth[8:12, 20:26, 20:26] = 1
    write_volume(Volume(belly), folder / "imagesTr" / "lung_003.nii.gz")
    write_labels(LabelMap(truth), folder / "labelsTr" / "lung_003.nii.gz")
    (folder / "imagesTr" / "._lung_001.nii.gz").write_bytes(b"a resource fork, not a scan")
    return folder


@pytest.fixture(scope="module")
def root(task, tmp_path_factory):
    root = tmp_path_factory.mktemp("assets")
    finish(format_msd(task, root))
    finish(cut_seeds(root / "source", root))
    return root


def listing(folder):
    return json.loads((folder / "dataset.json").read_text())


def test_format_copies_under_synthlung_s_names_and_lists_them(root, task):
    entries = listing(root / "source")
    assert [set(entry) for entry in entries] == [{"image", "label"}] * 3
    assert entries[0]["image"].endswith("source/source_msd_lung_001_image.nii.gz")
    original = (task / "imagesTr" / "lung_001.nii.gz").read_bytes()
    assert (root / "source" / "source_msd_lung_001_image.nii.gz").read_bytes() == original


def test_seed_gives_one_seed_a_component_and_a_library(root):
    entries = listing(root / "seeds")
    assert [set(entry) for entry in entries] == [{"seed_image", "seed_label"}] * 4
    names = sorted(p.name for p in (root / "seeds").glob("seed_*_image.nii.gz"))
    assert names == [
        "seed_msd_lung_001-1_image.nii.gz",
        "seed_msd_lung_001-2_image.nii.gz",
        "seed_msd_lung_002_image.nii.gz",
        "seed_msd_lung_003_image.nii.gz",
    ]
    assert {info.patient for info in SeedLibrary.open(root / "seeds").infos} == {
        "msd_lung_001", "msd_lung_002", "msd_lung_003",
    }  # fmt: skip


def test_a_seed_lies_where_it_was_in_its_scan(root):
    seed = SeedLibrary.open(root / "seeds").load("seed_msd_lung_002")
    scan = read_volume(root / "source" / "source_msd_lung_002_image.nii.gz")
    start = np.rint(scan.affine.to_index(seed.image.affine.origin)).astype(int)
    window = tuple(slice(a, a + n) for a, n in zip(start, seed.image.shape, strict=True))
    assert np.array_equal(scan.array[window], seed.image.array)


def test_host_passes_over_a_scan_without_lungs_and_generate_finishes(root):
    outcome = finish(find_hosts(root / "source", root))
    assert outcome.written == 2
    assert len(outcome.remarks) == 1
    assert outcome.remarks[0].startswith("msd_lung_003: passed over:")
    entries = listing(root / "hosts")
    assert entries[0]["host_label"].endswith("hosts/host_msd_lung_001_label.nii.gz")
    assert read_volume(entries[0]["host_image"]).shape == (64, 128, 144)
    assert read_labels(entries[0]["host_label"]).values() == (1, 2)

    made = finish(generate(root / "source", root, STEP, 3, seed=4))
    images = root / "artificial_tumors" / "00-00" / "randomzied_images"
    assert made.folder == images.parent
    log = listing(images.parent / "log")
    assert len(log) == 3
    assert {entry["image_mask"] for entry in log} == {e["host_label"] for e in entries}
    for number, entry in enumerate(log):
        label = read_labels(images / f"label_{number}.nii.gz")
        instances = read_labels(images / f"instances_{number}.nii.gz")
        own = read_labels(entry["label"])
        assert label.values() == (1,)
        assert instances.values() == (1, 2)
        assert np.array_equal(label.array > 0, (own.array > 0) | (instances.array > 0))
        scan, host = read_volume(images / f"image_{number}.nii.gz"), read_volume(entry["image"])
        assert (scan.array != host.array).any()
        assert scan.same_grid(host)

    again = finish(generate(root / "source", root, replace(STEP, count=(1, 1)), 1, seed=4))
    assert again.folder.name == "00-01"


def test_the_same_seed_generates_the_same_files(root):
    finish(find_hosts(root / "source", root))
    runs = [finish(generate(root / "source", root, STEP, 1, seed=9)).folder / "randomzied_images" for _ in range(2)]
    for name in ("image_0.nii.gz", "label_0.nii.gz", "instances_0.nii.gz", "image_0.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()


def test_missing_steps_are_named(tmp_path, task):
    with pytest.raises(ReadError, match="holds no imagesTr"):
        finish(format_msd(tmp_path, tmp_path))
    with pytest.raises(ReadError, match="the folder that `tumor format` wrote"):
        finish(cut_seeds(tmp_path / "source", tmp_path))
    finish(format_msd(task, tmp_path))
    with pytest.raises(HostError, match="`tumor host` writes"):
        finish(generate(tmp_path / "source", tmp_path, STEP, 1, seed=0))
    finish(find_hosts(tmp_path / "source", tmp_path))
    with pytest.raises(SeedError, match="`tumor seed` writes"):
        finish(generate(tmp_path / "source", tmp_path, STEP, 1, seed=0))


def test_a_scan_without_its_label_is_named(tmp_path):
    write_volume(Volume(np.zeros((4, 5, 6), np.int16)), tmp_path / "imagesTr" / "lung_009.nii.gz")
    with pytest.raises(ReadError, match=r"lung_009.nii.gz has no label"):
        finish(format_msd(tmp_path, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_real_scans_go_all_the_way(data_dir, tmp_path):
    """A chest CT and three patches of 50 mm around nodules, as Task06_Lung."""
    chest, nodules = data_dir / "lung4d_113", data_dir / "node21_nodules"
    cases = {"001": [chest / f"113_HM10395_{part}.nii.gz" for part in ("ct", "label")]}
    cases |= {f"1{n}": [nodules / f"nodule_{n}_{part}.mha" for part in ("image", "label")] for n in ("07", "10", "19")}
    task = tmp_path / "Task06_Lung"
    for number, (image, label) in cases.items():
        truth = read_labels(label)
        write_volume(read_volume(image), task / "imagesTr" / f"lung_{number}.nii.gz")
        write_labels(LabelMap(truth.array == 1, truth.affine), task / "labelsTr" / f"lung_{number}.nii.gz")
    finish(format_msd(task, tmp_path))
    finish(cut_seeds(tmp_path / "source", tmp_path))
    outcome = finish(find_hosts(tmp_path / "source", tmp_path))
    assert outcome.written + len(outcome.remarks) == 4
    hosts = {e["host_label"]: e["host_image"] for e in listing(tmp_path / "hosts")}
    assert any("lung_001" in label for label in hosts)
    made = finish(generate(tmp_path / "source", tmp_path, InsertTumors(count=(2, 2)), outcome.written, seed=3))
    images = made.folder / "randomzied_images"
    placed = 0
    for number, entry in enumerate(listing(made.folder / "log")):
        inside = read_labels(images / f"instances_{number}.nii.gz").array > 0
        assert (read_labels(entry["image_mask"]).array[inside] > 0).all()
        placed += len(read_labels(images / f"instances_{number}.nii.gz").values())
        placed += len(entry["not_placed"])
    assert placed == 2 * outcome.written
