"""HDF5 files that name other files, unpack to more than they are, or lie about themselves."""

from __future__ import annotations

import json
import os
import resource
import zlib

import h5py
import numpy as np
import pytest

from napari_medsynth.core.errors import ReadError
from napari_medsynth.datasets.folder import DatasetFolder, write_metadata
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.verify import verify
from stored import SIZE, dataset

#: A billion laughs: twelve lists of nine of the one before.
LAUGHS = "b0: &b0 [x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 13))

SECRET = np.full((7, *SIZE), 77, np.int16)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return (dataset(tmp_path_factory.mktemp("data")) / "train.h5").read_bytes()


@pytest.fixture
def path(whole, tmp_path):
    """A dataset to be tampered with, beside a file that it must not reach."""
    (tmp_path / "train.h5").write_bytes(whole)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["images"] = SECRET
    SECRET.tofile(tmp_path / "secret.raw")
    return tmp_path / "train.h5"


@pytest.fixture
def little_memory():
    """Let this process grow by no more than 2 GiB, so that a bomb is a MemoryError and not a dead machine."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * 1024**3, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def refused(path, message, read=None):
    """The file, or one read from it, is refused with a line that names it; `verify` names it too."""
    with pytest.raises(ReadError, match=message) as caught, Split.open(path) as split:
        (read or (lambda opened: list(opened.cases())))(split)
    assert "\n" not in str(caught.value)
    assert "train.h5" in str(caught.value)
    assert verify(path)


@pytest.mark.parametrize("name", ["images", "labels", "masks", "presence_labels", "case_ids", "history", "affines"])
@pytest.mark.parametrize("kind", ["external", "soft"])
def test_links_are_not_followed(path, name, kind):
    with h5py.File(path, "a") as file:
        if kind == "soft":
            file.move(name, "elsewhere")
            file[name] = h5py.SoftLink("/elsewhere")
        else:
            del file[name]
            file[name] = h5py.ExternalLink("secret.h5", "images")
    refused(path, rf"has a link in place of '{name}'; links are not followed")


@pytest.mark.parametrize("name", ["images", "labels", "seeds"])
def test_external_storage_is_not_followed(path, name):
    with h5py.File(path, "a") as file:
        shape, dtype = file[name].shape, file[name].dtype
        del file[name]
        file.create_dataset(name, shape, dtype, external=[(str(path.parent / "secret.raw"), 0, h5py.h5f.UNLIMITED)])
    refused(path, rf"keeps '{name}' in other files; they are not followed")


def test_virtual_datasets_are_not_followed(path):
    layout = h5py.VirtualLayout((7, *SIZE), "i2")
    layout[...] = h5py.VirtualSource(str(path.parent / "secret.h5"), "images", (7, *SIZE))
    with h5py.File(path, "a") as file:
        del file["images"]
        file.create_virtual_dataset("images", layout)
        assert file["images"][0, 0, 0, 0] == 77  # plain h5py does follow
    refused(path, "has a virtual dataset 'images'; other files are not followed")


def test_groups_in_place_of_datasets_and_groups_in_circles(path):
    with h5py.File(path, "a") as file:
        del file["images"]
        group = file.create_group("images")
        group["again"] = group
        group["root"] = file["/"]
    refused(path, r"train\.h5 \(images\) is cut short or damaged")


def test_a_circle_beside_the_data_does_no_harm(path):
    with h5py.File(path, "a") as file:
        group = file.create_group("extra")
        group["again"] = group
        group["root"] = file["/"]
    assert verify(path) == []


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((7, 2**20, 2**20, 2**10), (1, 1, 1, 1)),
        ((7, 2**40, 2**10, 1), None),
        ((2**60, *SIZE), (1, *SIZE)),
        ((7, 0, 7, 8), None),
    ],
)
def test_declared_sizes_are_checked_before_anything_is_allocated(path, shape, chunks):
    with h5py.File(path, "a") as file:
        for name in ("images", "labels"):
            del file[name]
            file.create_dataset(name, shape, "u2", chunks=chunks)
        file.attrs["image_size"] = np.array(shape[1:], np.int64)
    refused(path, r"train\.h5 (declares|has 'images' of)")


def test_a_billion_cases_in_a_small_file(path):
    with h5py.File(path, "a") as file:
        size = 10**9
        for name in file:
            shape, dtype = file[name].shape, file[name].dtype
            del file[name]
            file.create_dataset(name, (size, *shape[1:]), dtype, chunks=None if len(shape) < 4 else (1, *shape[1:]))
    refused(path, r"train\.h5 (is cut short|declares)")


def test_chunks_larger_than_memory(path):
    with h5py.File(path, "a") as file:
        del file["images"]
        file.create_dataset("images", (7, *SIZE), "i2", maxshape=(None,) * 4, chunks=(1, 2000, 1000, 1000))
    with pytest.raises(ReadError, match="declares 1×2000×1000×1000 voxels, 4000000000 bytes; at most 1000000"):
        Split.open(path, max_bytes=1_000_000)


def bomb(mebibytes):
    """A zlib stream of zeros, a thousandth of what it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\x01" + block * mebibytes + b"\x03\x00"


@pytest.mark.parametrize(("name", "mebibytes"), [("images", 4096), ("labels", 4096), ("masks", 4096), ("history", 32)])
def test_a_chunk_that_unpacks_to_a_thousand_times_its_size(path, name, mebibytes, little_memory):
    with h5py.File(path, "a") as file:
        file[name].id.write_direct_chunk((0,) * file[name].ndim, bomb(mebibytes))
    read = {"masks": lambda split: split.stored_mask(0, 0), "history": lambda split: split.history(0)}
    refused(path, rf"\({name}, case 0.*\) is damaged: it holds more bytes", read.get(name, lambda split: split.case(0)))


@pytest.mark.parametrize("name", ["seeds", "presence_labels", "case_ids"])
def test_a_column_that_unpacks_to_more_than_it_declares(path, name, little_memory):
    with h5py.File(path, "a") as file:
        shape, dtype = file[name].shape, file[name].dtype
        del file[name]
        file.create_dataset(name, shape, dtype, chunks=shape, compression="gzip")
        file[name].id.write_direct_chunk((0,) * len(shape), bomb(3000))
    refused(path, rf"train\.h5 \({name}\) is damaged: it holds more bytes")


def test_a_chunk_packed_by_lzf_and_by_gzip(path, little_memory):
    with h5py.File(path, "a") as file:
        shape = file["labels"].shape
        del file["labels"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, *shape[1:]))
        plist.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL, (0, 0, 0))
        plist.set_deflate(1)
        labels = h5py.h5d.create(file.id, b"labels", h5py.h5t.STD_U8LE, h5py.h5s.create_simple(shape), plist)
        labels.write_direct_chunk((0, 0, 0, 0), bomb(3000))
    refused(path, "packs 'labels' with filters")


def test_many_rows_that_name_one_long_text(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medsynth.datasets.foreign.MAX_TEXT", 1000)
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["images"] = np.zeros((3, *SIZE), np.int16)
        file.create_dataset("scenarios", data=["x" * 400] * 3, dtype=h5py.string_dtype())
    refused(tmp_path / "train.h5", "has 'scenarios' of more than 1000 bytes")


def test_packed_references_to_texts(tmp_path):
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["images"] = np.zeros((3, *SIZE), np.int16)
        file.create_dataset("scenarios", data=["x"] * 3, dtype=h5py.string_dtype(), compression="gzip")
    refused(tmp_path / "train.h5", "packs the texts of 'scenarios'")


def test_a_chunk_packed_twice(path):
    with h5py.File(path, "a") as file:
        del file["images"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, *SIZE))
        plist.set_deflate(9)
        plist.set_deflate(9)
        space = h5py.h5s.create_simple((7, *SIZE))
        h5py.h5d.create(file.id, b"images", h5py.h5t.STD_I16LE, space, dcpl=plist)
    refused(path, r"packs 'images' with filters \[1, 1\]; expected gzip or lzf, shuffle and fletcher32, each at most")


@pytest.mark.parametrize("number", [4, 305, 32001, 32015])
def test_filters_that_are_plugins(path, number):
    with h5py.File(path, "a") as file:
        del file["images"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, *SIZE))
        plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (8, 8, 8, 8, 8, 8))
        space = h5py.h5s.create_simple((7, *SIZE))
        h5py.h5d.create(file.id, b"images", h5py.h5t.STD_I16LE, space, dcpl=plist)
    refused(path, rf"packs 'images' with filters \[{number}\]; expected gzip")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("images", np.dtype([("a", "i2"), ("b", "f4")])),
        ("images", h5py.vlen_dtype(np.int16)),
        ("images", h5py.ref_dtype),
        ("images", np.dtype("c8")),
        ("images", np.dtype("S4")),
        ("images", h5py.string_dtype()),
        ("images", np.dtype("V8")),
        ("labels", np.dtype("i1")),
        ("labels", np.dtype("f4")),
        ("labels", h5py.enum_dtype({"a": 1}, "u1")),
        ("masks", h5py.vlen_dtype(np.int16)),
        ("presence_labels", h5py.vlen_dtype(np.int16)),
        ("case_ids", h5py.string_dtype()),
        ("case_ids", np.dtype("i4")),
        ("history", h5py.string_dtype()),
        ("checksums", h5py.ref_dtype),
    ],
)
def test_types_that_are_no_voxels_or_texts(path, name, dtype):
    with h5py.File(path, "a") as file:
        shape = file[name].shape
        del file[name]
        file.create_dataset(name, shape, dtype)
    with h5py.File(path) as file:
        enum = h5py.check_enum_dtype(file[name].dtype)
    if enum is None:
        refused(path, rf"train\.h5 has '?(?:{name}|histories)'?|train\.h5 \({name}\)")
    else:
        refused(path, "labels")


def test_a_history_wider_than_any(path):
    with h5py.File(path, "a") as file:
        del file["history"]
        file.create_dataset("history", (7,), "S20000000")
    refused(path, r"has histories of \|?S20000000 \(7,\); expected \(7,\) of at most 16777216 bytes each")


def test_texts_wider_than_the_file(path):
    with h5py.File(path, "a") as file:
        del file["scenarios"]
        file.create_dataset("scenarios", (7,), "S200000000")
    refused(path, r"train\.h5 (is cut short: it declares 1400000000 bytes|declares)")


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros((2, 2), "i4"), 3, ["a", "b"]])
@pytest.mark.parametrize("name", ["label_table", "structure_names", "modality", "recipe", "split"])
def test_attributes_that_are_no_text(path, name, value):
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    refused(path, rf"has attribute '{name}' ")


@pytest.mark.parametrize("value", ["text", 1.5, np.zeros((2, 2), "i4"), np.zeros(70_000, "i4")])
@pytest.mark.parametrize("name", ["structure_values", "schema_version", "image_size", "seed"])
def test_attributes_that_are_no_numbers(path, name, value):
    with h5py.File(path, "a", libver="latest") as file:
        file.attrs[name] = value
    refused(path, rf"has attribute '{name}' of")


def test_giant_attributes(path, monkeypatch):
    monkeypatch.setattr("napari_medsynth.datasets.safety.MAX_TEXT", 1_000_000)
    for value in ("x" * 1_000_001, np.bytes_(b"x" * 1_000_001)):
        with h5py.File(path, "a", libver="latest") as file:
            file.attrs["recipe"] = value
        refused(path, "has attribute 'recipe' ")


def test_a_file_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "train.h5")
    with pytest.raises(ReadError, match=r"train\.h5 is not a file"):
        Split.open(tmp_path / "train.h5")


@pytest.mark.parametrize("name", ["../secret.h5", "/etc/passwd", "..", "a/../b.h5", "secret.raw", "\0.h5", "x" * 300])
def test_metadata_that_names_other_files(path, name):
    folder = path.parent / "data"
    folder.mkdir()
    splits = {"train": {"file": name, "cases": 7, "checksum": ""}}
    metadata = {"schema": "napari-medsynth dataset", "schema_version": 1, "splits": splits, "structure_names": []}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ReadError, match="expected plain names within the folder"):
        DatasetFolder.open(folder)
    assert verify(folder)


@pytest.mark.parametrize(
    "recipe",
    [
        LAUGHS,
        "&a [*a]",
        "when: 2001-01-01",
        "!!python/object/apply:os.system [touch harmed]",
        "[" * 5000,
        "text",
        "{",
    ],
    ids=["bomb", "circle", "date", "code", "depth", "text", "brace"],
)
def test_recipes_that_make_no_sense(path, recipe, monkeypatch):
    monkeypatch.chdir(path.parent)
    write_metadata(path.parent)
    with h5py.File(path, "a") as file:
        file.attrs["recipe"] = recipe
    assert any("has a recipe that" in problem for problem in verify(path.parent))
    assert not (path.parent / "harmed").exists()
