"""Datasets that begin with real cases: which split each goes to, and what cannot be put together."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, GridError, SplitError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets import DatasetFolder, Split, make_dataset
from napari_medsynth.datasets.sources import pair_sources
from napari_medsynth.datasets.verify import verify
from napari_medsynth.io import read_labels, write_labels, write_volume
from toy_datasets import cases_of, made

pytestmark = pytest.mark.usefixtures("toy_steps")


@pytest.fixture
def scans(tmp_path):
    """Folder with five scans and their label maps."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for n in range(5):
        write_volume(Volume(np.full((3, 4, 5), 10 * n + 10, np.int16), modality="CT"), folder / f"p{n}.nii.gz")
        write_labels(LabelMap(np.full((3, 4, 5), 1 + n, np.uint8)), folder / f"p{n}_seg.nii.gz")
    return folder


def test_cases_begin_with_the_sources_in_turn_and_no_source_is_in_two_splits(tmp_path, scans):
    folder = made(tmp_path / "data", 12, sources=[scans])
    of_split = {split: cases_of(folder / f"{split}.h5") for split in ("train", "val", "test")}
    patients = {split: {name[:2] for name in names} for split, names in of_split.items()}
    assert patients == {"train": {"p0", "p1", "p2"}, "val": {"p3"}, "test": {"p4"}}
    assert sorted(name for names in of_split.values() for name in names) == sorted(
        f"p{n % 5}_{n:06d}" for n in range(12)
    )
    with Split.open(folder / "val.h5") as split:
        assert split.modality == "CT"
        assert (split.image(0) == 20).all()


def test_fewer_sources_than_splits_are_refused(tmp_path, scans):
    sources = [scans / "p0.nii.gz", scans / "p1.nii.gz"]
    with pytest.raises(SplitError, match="2 sources cannot fill 3 splits without a patient in two of them; expected"):
        made(tmp_path / "data", 12, sources=sources)
    made(tmp_path / "data", 12, sources=sources, test_split=0)


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("splits", [(0.2, 0.1), (0.8, 0.1), (0.05, 0.05), (0.4, 0.5)])
def test_each_split_that_is_wanted_gets_a_source(tmp_path, scans, count, splits):
    sources = [scans / f"p{n}.nii.gz" for n in range(count)]
    folder = made(tmp_path / "data", 7, sources=sources, validation_split=splits[0], test_split=splits[1])
    assert len(DatasetFolder.open(folder).splits) == 3


def test_label_maps_alone_make_a_dataset_without_images(tmp_path, scans):
    sources = [scans / f"p{n}_seg.nii.gz" for n in range(3)]
    for n in range(3):
        (scans / f"p{n}.nii.gz").unlink()
    folder = made(tmp_path / "data", 3, sources=sources)
    with Split.open(folder / "train.h5") as split:
        assert not split.has_images
        assert split.case(0).image is None


def test_a_source_that_changed_is_another_order(tmp_path, scans):
    made(tmp_path / "data", 6, sources=[scans])
    write_volume(Volume(np.zeros((3, 4, 5), np.int16)), scans / "p1.nii.gz")
    with pytest.raises(ConfigError, match=r"its sources\[1\]\.sha256 is"):
        made(tmp_path / "data", 6, sources=[scans])


def test_sources_of_two_sizes_are_refused(tmp_path, scans):
    write_volume(Volume(np.zeros((3, 4, 6), np.int16), modality="CT"), scans / "p3.nii.gz")
    write_labels(LabelMap(np.ones((3, 4, 6), np.uint8)), scans / "p3_seg.nii.gz")
    with pytest.raises(GridError, match="expected one size in a dataset"):
        made(tmp_path / "data", 6, sources=[scans])


@pytest.mark.data
def test_real_scans_go_through_the_same_pipeline(tmp_path, data_dir):
    folder = data_dir / "totalseg_ct"
    sources = pair_sources([folder / "example_ct_sm.nii.gz"], [folder / "example_seg.nii.gz"])
    folder = made(tmp_path / "data", 2, sources=sources, validation_split=0, test_split=0)
    with Split.open(folder / "train.h5") as split:
        assert len(split.structure_names) == 41
        assert split.case(0).history[-1].step == "toy"


@pytest.mark.data
def test_real_label_maps_without_a_scan_are_taken_as_they_are(tmp_path, data_dir):
    """Label maps have no image until a step renders one."""
    maps = [data_dir / "brain_labels" / f"training_seg_0{n}.nii.gz" for n in (1, 2)]
    job = make_dataset(Recipe(steps=()), 2, tmp_path / "data", test_split=0, workers=1, sources=pair_sources([], maps))
    folder = DatasetFolder.open(finish(job))
    with folder.split("train") as split:
        assert (split.has_images, split.image_size) == (False, (256, 256, 256))
        assert np.array_equal(split.labels(0), read_labels(maps[0]).array)
    assert verify(folder.path) == []


def test_nothing_made_of_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="case 'case_000000' has neither an image nor labels"):
        finish(make_dataset(Recipe(steps=()), 2, tmp_path / "data", workers=1))
