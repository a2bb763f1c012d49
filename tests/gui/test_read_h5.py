"""Datasets through the reader: the first case with its place and history; what others keep in HDF5 is left alone."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from napari.layers import Layer
from napari.utils.notifications import notification_manager

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.folder import write_metadata
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.schema import Meta
from napari_medsynth.widgets.datasets.case_layers import origin_of
from napari_medsynth.widgets.layers import history_of, labels_of, volume_of
from napari_medsynth.widgets.read_h5 import is_dataset
from napari_medsynth.widgets.reader import get_reader


@pytest.fixture
def folder(tmp_path, ct, labels, record):
    """A dataset of two cases for training."""
    made = tmp_path / "made"
    made.mkdir()
    parts = {}
    for n in range(2):
        case = Case(id=f"case_{n}", image=ct, labels=labels, history=(record,))
        parts[n] = tmp_path / f"{n}.h5"
        parts[n].write_bytes(pack(case, Meta.of(case), index=n, seed=0))
    finish(assemble(parts, Outline.of(parts.values()), made / "train.h5", "train"))
    write_metadata(made)
    return made


def opened(path):
    read = get_reader(str(path))
    assert read is not None
    return [Layer.create(*data) for data in read(str(path))]


@pytest.mark.parametrize("name", ["train.h5", ""], ids=["file", "folder"])
def test_a_dataset_opens_with_its_first_case_and_says_where_the_others_are(folder, name, ct, labels, record):
    image, structures = opened(folder / name)
    assert (image.name, structures.name) == ("case_0", "case_0 labels")
    np.testing.assert_array_equal(volume_of(image).array, ct.array)
    assert volume_of(image).same_grid(ct)
    assert labels_of(structures).table == labels.table
    assert history_of(image) == (record,)
    assert origin_of(structures) == (folder / "train.h5", 0)
    assert "first of 2 cases in train.h5; Plugins › MedSynth › Dataset" in notification_manager.records[-1].message


def test_a_single_case_opens_without_a_word(folder):
    before = len(notification_manager.records)
    assert len(opened(folder.parent / "0.h5")) == 2
    assert len(notification_manager.records) == before


def test_the_plain_layout_of_others_opens(tmp_path):
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["images"] = np.arange(60, dtype=np.uint8).reshape(1, 3, 4, 5)
        file["masks"] = np.zeros((1, 2, 3, 4, 5), np.uint8)
        file["presence_labels"] = np.zeros((1, 2), np.uint8)
        file["scenarios"] = ["normal_complete"]
    assert opened(tmp_path / "train.h5")[0].data.max() == 59


class TestLeftToOthers:
    def test_other_hdf5(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["images"] = np.zeros((2, 3))
        assert get_reader(str(tmp_path / "a.h5")) is None

    @pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"this is no HDF5"])
    def test_what_is_no_hdf5(self, tmp_path, content):
        (tmp_path / "a.h5").write_bytes(content)
        assert get_reader(str(tmp_path / "a.h5")) is None

    def test_what_is_not_there(self, tmp_path):
        assert get_reader(str(tmp_path / "gone.h5")) is None

    def test_hdf5_by_another_name(self, folder, tmp_path):
        other = (folder / "train.h5").rename(tmp_path / "a.nwb")
        assert get_reader(str(other)) is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "something else"}'])
    def test_folders_with_metadata_of_others(self, tmp_path, text):
        (tmp_path / "metadata.json").write_text(text)
        assert get_reader(str(tmp_path)) is None

    def test_a_schema_that_is_no_text(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.attrs["schema"] = np.arange(5)
        assert not is_dataset(tmp_path / "a.h5")


class TestRefused:
    def test_a_newer_version_is_named(self, folder):
        with h5py.File(folder / "train.h5", "a") as file:
            file.attrs["schema_version"] = 99
        with pytest.raises(ReadError, match="99"):
            opened(folder / "train.h5")

    def test_a_folder_whose_file_is_gone(self, folder):
        (folder / "train.h5").unlink()
        with pytest.raises(ReadError, match=r"train\.h5 is missing"):
            opened(folder)

    def test_a_folder_that_names_files_elsewhere(self, folder):
        path = folder / "metadata.json"
        said = json.loads(path.read_text())
        said["splits"]["train"]["file"] = "../0.h5"
        path.write_text(json.dumps(said))
        with pytest.raises(ReadError, match="plain names"):
            opened(folder)

    def test_voxels_in_other_files_are_not_followed(self, folder, tmp_path):
        (tmp_path / "secret").write_bytes(bytes(1000))
        with h5py.File(folder / "train.h5", "a") as file:
            shape = file["images"].shape
            del file["images"]
            file.create_dataset("images", shape, "u1", external=[(str(tmp_path / "secret"), 0, 1000)])
        with pytest.raises(ReadError, match="other files"):
            opened(folder / "train.h5")


def test_npe2_offers_it_for_datasets_alone(medsynth_plugin, folder, tmp_path):
    from npe2 import io_utils

    assert [kind for _, _, kind in io_utils.read([str(folder / "train.h5")], stack=False)] == ["image", "labels"]
    (tmp_path / "other.h5").write_bytes(b"something else")
    with pytest.raises(ValueError, match="No readers"):
        io_utils.read([str(tmp_path / "other.h5")], stack=False)
