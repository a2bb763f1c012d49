"""A case as one HDF5 file: the documented layout, the same bytes for the same case, readable by plain h5py."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, GridError, ReadError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.deflate import RUNS, STRINGS, deflated, deflated_mask, inflated, unshuffled
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.schema import MAX_HISTORY, Meta
from napari_medsynth.phantom.step import Phantom
from stored import PLACE, SIZE, TABLE, made_case, same
from strategies import REAL, WHOLE, volumes


def opened(data):
    """Packed bytes as any reader of HDF5 sees them."""
    return h5py.File(io.BytesIO(data), "r")


@pytest.mark.parametrize("index", range(3))
def test_plain_h5py_finds_the_documented_layout(index):
    case = made_case(index)
    with opened(pack(case, index=index, seed=7)) as file:
        np.testing.assert_array_equal(file["images"][0], case.image.array)
        np.testing.assert_array_equal(file["labels"][0], case.labels.array)
        assert file["masks"].shape == (1, 3, *SIZE)
        assert file["masks"].dtype == np.uint8
        for place, value in enumerate((1, 2, 5)):
            np.testing.assert_array_equal(file["masks"][0, place], case.labels.array == value)
            assert file["presence_labels"][0, place] == (case.labels.array == value).any()
        assert file["scenarios"].asstr()[0] == ("whole", "resected")[index % 2]
        assert file["case_ids"].asstr()[0] == case.id
        assert json.loads(file["history"].asstr()[0])[0]["params"]["text"] == "ä" * index
        np.testing.assert_array_equal(file["affines"][0], PLACE.matrix)
        np.testing.assert_allclose(file["spacing"][0], (3.0, 1.5, 1.25))
        assert (file["seeds"][0], file["indices"][0]) == (7, index)
        assert json.loads(file.attrs["structure_names"]) == ["liver", "spleen", "tumor"]
        assert file.attrs["schema"] == "napari-medsynth dataset"
        assert file.attrs["schema_version"] == 1
        assert list(file.attrs["image_size"]) == list(SIZE)
        assert LabelTable.from_json(json.loads(file.attrs["label_table"])) == TABLE


def test_only_filters_that_every_hdf5_has():
    with opened(pack(made_case(1), index=0, seed=0)) as file:
        assert {file[name].compression for name in ("images", "labels", "masks", "history")} == {"gzip"}


def test_the_same_case_gives_the_same_bytes():
    assert pack(made_case(2), index=2, seed=7) == pack(made_case(2), index=2, seed=7)
    assert pack(made_case(2), index=2, seed=7) != pack(made_case(2), index=2, seed=8)


def test_no_time_is_kept():
    with opened(pack(made_case(0), index=0, seed=0)) as file:
        assert {h5py.h5o.get_info(file[name].id).mtime for name in ("/", *file)} == {0}


def test_masks_of_absent_structures_are_not_stored():
    case = made_case(0)
    assert case.labels.values() == (2, 5)
    with opened(pack(case, index=0, seed=0)) as file:
        assert file["masks"].id.get_num_chunks() == 2
        assert not file["masks"][0, 0].any()


@given(volumes(dtypes=(*WHOLE, *REAL)), st.data())
def test_any_voxels_anywhere_come_back(tmp_path_factory, image, data):
    labels = data.draw(hnp.arrays(data.draw(st.sampled_from(["uint8", "uint16"])), image.shape))
    case = Case(id="x", image=image, labels=LabelMap(labels, image.affine))
    path = tmp_path_factory.getbasetemp() / "any.h5"
    path.write_bytes(pack(case, index=0, seed=0))
    with Split.open(path) as split:
        assert same(split.case(0), case)
        assert split.structure_names == tuple(f"label {value}" for value in case.labels.values())
        assert all(np.array_equal(m, labels == v) for m, v in zip(split.masks(0), case.labels.values(), strict=True))


@pytest.mark.parametrize("case", [made_case(1, size=(9, 11)), made_case(1, lesions=True), made_case(2, dtype="uint8")])
def test_flat_images_and_lesions_come_back(tmp_path, case):
    (tmp_path / "case.h5").write_bytes(pack(case, index=0, seed=0))
    with Split.open(tmp_path / "case.h5") as split:
        assert same(split.case(0), case)


def test_labels_or_an_image_alone_come_back(tmp_path):
    whole = made_case(1)
    for case in (replace(whole, image=None), replace(whole, labels=None)):
        (tmp_path / "case.h5").write_bytes(pack(case, index=0, seed=0))
        with Split.open(tmp_path / "case.h5") as split:
            assert same(split.case(0), case)
            assert split.has_images == (case.image is not None)
            assert split.has_labels == (case.labels is not None)


@given(st.integers(0, 5000), hnp.arrays(np.uint8, st.integers(0, 3000), elements=st.integers(0, 1)), st.integers(0, 9))
def test_zeros_around_a_mask_are_those_of_one_whole_stream(before, mask, after):
    whole = np.concatenate([np.zeros(before, np.uint8), mask, np.zeros(after, np.uint8)]).tobytes()
    packed = deflated_mask(mask, before, after)
    assert zlib.decompress(packed) == whole
    assert inflated(packed, len(whole), "x") == whole


def test_many_zeros():
    assert zlib.decompress(deflated_mask(np.ones(3, np.uint8), 5_000_001, 2_222_222)).count(1) == 3


@given(hnp.arrays(st.sampled_from(["<u2", "<f4", "<f8"]), 40), st.sampled_from([RUNS, STRINGS]))
def test_shuffling_is_undone(array, how):
    packed = deflated(array, how, shuffle=True)
    assert unshuffled(inflated(packed, array.nbytes, "x"), array.dtype.itemsize) == array.tobytes()


def test_no_more_is_unpacked_than_was_declared():
    packed = zlib.compress(bytes(10_000_000))
    with pytest.raises(ReadError, match="x is damaged: it holds more bytes; expected 1000"):
        inflated(packed, 1000, "x")
    with pytest.raises(ReadError, match="x is damaged: it holds 10000000 bytes; expected 10000001"):
        inflated(packed, 10_000_001, "x")
    with pytest.raises(ReadError, match="x is damaged"):
        inflated(packed[:-3], 10_000_000, "x")


def test_a_dataset_may_know_more_structures_than_a_case_has():
    case = made_case(0)
    meta = replace(Meta.of(case), structures=(*TABLE, Label(9, "kidney")))
    with opened(pack(case, meta, index=0, seed=0)) as file:
        assert file["presence_labels"][0].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        (made_case(0, size=(6, 7, 9)), GridError, "6×7×9 voxels; expected 6×7×8 as in the whole dataset"),
        (made_case(0, dtype="float32"), ConfigError, "images of type float32; the dataset has int16"),
        (replace(made_case(0), labels=None), ConfigError, "has images; the dataset has images, labels"),
        (made_case(0, lesions=True), ConfigError, "has images, instances, labels; the dataset has images, labels"),
        (Case(id="x"), ConfigError, "neither an image nor labels"),
        (Case(id="x", image=Volume(np.zeros((2, 3, 4, 5)), channels=True)), GridError, "an image of 2 channels"),
    ],
)
def test_cases_that_do_not_fit(case, error, message):
    with pytest.raises(error, match=message):
        pack(case, Meta.of(made_case(1)), index=0, seed=0)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"scenario": "x" * 65}, "expected at most 64 bytes"), ({"text": "x" * MAX_HISTORY}, "a history of 167")],
)
def test_texts_that_are_too_long(params, message):
    with pytest.raises(WriteError, match=message):
        pack(replace(made_case(0), history=(Record("toy", 1, {}, params, {}),)), index=0, seed=0)


def test_what_surrounds_a_phantoms_organs_has_no_mask():
    case = Phantom(image_size=(16, 16, 16))(Case(id="x"), seed=1)
    assert "body" in [entry.name for entry in case.labels.table]
    assert Meta.of(case).names == (
        "left_lung", "right_lung", "heart", "liver", "spleen", "pancreas", "left_kidney", "right_kidney",
        "L1", "L2", "L3", "L4", "L5",
    )  # fmt: skip
