"""A split is read lazily and case by case, in any process, and says in one line what is wrong with it."""

from __future__ import annotations

import json
import multiprocessing
import pickle  # noqa: TID251 - it is how workers get their data set
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from napari_medsynth.core.errors import ReadError
from napari_medsynth.datasets.reader import Split
from stored import SIZE, TABLE, dataset, made_case, same, second_of


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """File of seven cases; not to be changed."""
    return dataset(tmp_path_factory.mktemp("data")) / "train.h5"


@pytest.fixture
def copy(path, tmp_path):
    (tmp_path / "train.h5").write_bytes(path.read_bytes())
    return tmp_path / "train.h5"


def test_what_a_split_says_of_itself(path):
    with Split.open(path) as split:
        assert (len(split), split.name) == (7, "train")
        assert split.structure_names == ("liver", "spleen", "tumor")
        assert split.table == TABLE
        assert split.image_size == SIZE
        assert split.modality == "CT"
        assert split.meta.seed == 7
        assert split.scenarios == ["whole", "resected"] * 3 + ["whole"]
        assert split.case_ids == [f"case_{index:06d}" for index in range(7)]
        assert split.presence.shape == (7, 3)
        np.testing.assert_allclose(split.spacing, np.tile((3.0, 1.5, 1.25), (7, 1)))
        assert len(set(split.checksums)) == 7
        assert (split.has_images, split.has_labels, split.has_instances) == (True, True, False)
        assert split.instances(0) is None
        assert repr(split) == f"Split({str(path)!r}: 7 cases, 3 structures)"


def test_every_case_comes_back_whole(path):
    with Split.open(path) as split:
        assert all(same(case, made_case(index)) for index, case in enumerate(split.cases()))
        np.testing.assert_array_equal(split.image(3), made_case(3).image.array)
        np.testing.assert_array_equal(split.labels(3), made_case(3).labels.array)
        assert split.history(3) == made_case(3).history
        np.testing.assert_array_equal(split.masks(3), [made_case(3).labels.array == value for value in (1, 2, 5)])
        assert split.masks(3).dtype == np.uint8


def test_arrays_may_be_changed_by_who_gets_them(path):
    with Split.open(path) as split:
        for array in (split.image(0), split.labels(0), split.masks(0)):
            array[...] = 1
        assert same(split.case(0), made_case(0))


def test_negative_numbers_count_from_the_end_and_others_are_refused(path):
    with Split.open(path) as split:
        assert same(split.case(-1), made_case(6))
        for index in (7, -8):
            for read in (split.image, split.labels, split.masks, split.history, split.case, split.affine):
                with pytest.raises(IndexError, match=rf"case {index} was asked for; .*train\.h5 has 7"):
                    read(index)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_other_processes_read_the_same(path, method):
    with Split.open(path) as split, ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        expected = second_of(split)
        assert list(pool.map(second_of, [split] * 4)) == [expected] * 4
        assert second_of(split) == expected


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_the_file_anew(path):
    with Split.open(path) as split:
        expected, inherited = second_of(split), split._handle.file()

        def child(queue):
            read = second_of(split)  # the very object of the parent, with its open file
            queue.put((read, split._handle.file() is inherited))

        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        process = context.Process(target=child, args=(queue,))
        process.start()
        assert queue.get() == (expected, False)
        process.join()
        assert process.exitcode == 0
        assert second_of(split) == expected


def test_threads_read_the_same(path):
    with Split.open(path) as split, ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda index: split.image(index % 7).sum(), range(56)))
    assert sums == [made_case(index % 7).image.array.sum() for index in range(56)]


def test_pickled_and_back(path):
    with Split.open(path, max_bytes=10**6) as split, pickle.loads(pickle.dumps(split)) as again:
        assert same(again.case(2), split.case(2))


def test_closed_it_opens_again_when_asked(path):
    split = Split.open(path)
    split.close()
    assert same(split.case(2), made_case(2))
    split.close()


def test_others_may_have_the_file_open_too(path):
    with Split.open(path) as split, h5py.File(path) as plain:
        np.testing.assert_array_equal(split.image(0), plain["images"][0])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_cut_short(copy, share):
    data = copy.read_bytes()
    copy.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"train\.h5 is (not an HDF5 file|cut short or damaged)"), Split.open(copy) as s:
        list(s.cases())


def test_a_damaged_chunk_names_the_case_and_leaves_the_others(copy):
    with h5py.File(copy) as file:
        place = file["images"].id.get_chunk_info_by_coord((4, 0, 0, 0)).byte_offset
    data = bytearray(copy.read_bytes())
    data[place + 40] ^= 0xFF
    copy.write_bytes(data)
    with Split.open(copy) as split:
        with pytest.raises(ReadError, match=r"train\.h5 \(images, case 4\) is damaged"):
            split.image(4)
        assert same(split.case(3), made_case(3))


def test_missing_files_folders_and_other_files(tmp_path):
    with pytest.raises(ReadError, match=r"no\.h5 does not exist"):
        Split.open(tmp_path / "no.h5")
    with pytest.raises(ReadError, match="is not a file; expected an HDF5 file"):
        Split.open(tmp_path)
    (tmp_path / "text.h5").write_text("images, masks")
    with pytest.raises(ReadError, match=r"text\.h5 is not an HDF5 file"):
        Split.open(tmp_path / "text.h5")


def _set(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def _drop(name):
    def change(file):
        del file[name]

    return change


def _put(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("schema_version", 2), "has version 2; this installation reads up to 1"),
        (_set("schema_version", 0), "has version 0; expected 1 to 1"),
        (_set("schema", "another"), "has schema 'another'; expected 'napari-medsynth dataset'"),
        (_set("structure_names", "[1, 2]"), r"has structure_names \[1, 2\]; expected a list of names"),
        (_set("structure_names", "{"), "has attribute 'structure_names' that is not JSON"),
        (_set("structure_names", "[" * 100_000), "has attribute 'structure_names' that is not JSON: .*recursion"),
        (_set("structure_values", [1, 1, 2]), "has 3 structure names for the values .*; expected one each"),
        (_set("structure_values", [0, 1, 2]), "is damaged: label 'liver' has value 0"),
        (_set("label_table", "[3]"), "is damaged: label table entry is 3"),
        (_set("image_size", [6]), r"has image_size \(6,\)"),
        (_set("image_size", [6, 7, 9]), r"has 'images' of int16 \(7, 6, 7, 8\); expected \(7, 6, 7, 9\)"),
        (_drop("presence_labels"), "has no 'presence_labels'"),
        (_drop("case_ids"), "has no 'case_ids'"),
        (_drop("history"), "has no 'history'"),
        (_put("presence_labels", np.full((7, 3), 2, "u1")), "has 'presence_labels' other than 0 and 1"),
        (_put("presence_labels", np.zeros((7, 4), "u1")), r"has 'presence_labels' of uint8 \(7, 4\); expected"),
        (_put("seeds", np.zeros(7)), "has 'seeds' of float64"),
        (_put("labels", np.zeros((7, *SIZE), "i2")), "has 'labels' of int16"),
        (_put("labels", np.zeros((7, *SIZE), "u4")), "has 'labels' of uint32; expected uint8 or uint16"),
        (_put("case_ids", np.full(7, b"\xff", "S4")), "has 'case_ids' that are no texts"),
    ],
)
def test_files_that_make_no_sense(copy, change, message):
    with h5py.File(copy, "a") as file:
        change(file)
    with pytest.raises(ReadError, match=rf"train\.h5 {message}"):
        Split.open(copy)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("affines", np.zeros((7, 4, 4)), r"\(case 0\) is damaged: last row of the affine"),
        ("case_ids", np.full(7, b"../up", "S64"), r"\(case 0\) is damaged: case id is '../up'"),
        ("history", np.full(7, b"{", "S64"), r"\(case 0\) is damaged: "),
        ("history", np.full(7, b"{}", "S64"), r"\(case 0\) is damaged: its history is no list"),
        ("history", np.full(7, b"[3]", "S64"), r"\(case 0\) is damaged: history record"),
        ("images", np.full((7, *SIZE), np.nan), None),
    ],
)
def test_cases_that_make_no_sense(copy, name, value, message):
    with h5py.File(copy, "a") as file:
        _put(name, value)(file)
    with Split.open(copy) as split:
        if message is None:
            assert np.isnan(split.case(0).image.array).all()
        else:
            with pytest.raises(ReadError, match=message):
                split.case(0)


def test_a_case_that_was_never_stored(copy):
    with h5py.File(copy, "a") as file:
        _drop("images")(file)
        file.create_dataset("images", (7, *SIZE), "i2", chunks=(1, *SIZE), compression="gzip", shuffle=True)
    with Split.open(copy) as split, pytest.raises(ReadError, match=r"\(case 2\) has no images stored"):
        split.image(2)


def test_sizes_are_refused_before_anything_is_allocated(path):
    with pytest.raises(ReadError, match=r"train\.h5 declares 6×7×8 voxels, 672 bytes; at most 600 are allowed here"):
        Split.open(path, max_bytes=600)


# ---- files of the plain layout, as other tools write them


def foreign(path, *, attribute=None, beside=None, masks="u1", **kwargs):
    """Write images, masks, presence and scenarios only; returns the first two."""
    rng = np.random.default_rng(0)
    images = rng.random((3, *SIZE)).astype("f4")
    labels = rng.integers(0, 4, (3, *SIZE))
    stack = np.stack([labels == value for value in (1, 2)], axis=1).astype(masks)
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, **kwargs)
        file.create_dataset("masks", data=stack, **({**kwargs, "chunks": True} if kwargs else {}))
        file["presence_labels"] = stack.any(axis=(2, 3, 4)).astype("f4")
        file["scenarios"] = [b"a", b"b", b"a"]
        if attribute is not None:
            file.attrs["structure_names"] = attribute
    if beside is not None:
        (path.parent / "metadata.json").write_text(json.dumps({"structure_names": beside}))
    return images, stack


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"chunks": True},
        {"chunks": (1, *SIZE), "compression": "gzip"},
        {"chunks": (2, 3, 4, 5), "compression": "gzip", "shuffle": True},
        {"chunks": (2, 3, 4, 5), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (1, 6, 4, 8), "fletcher32": True},
        {"chunks": (1, 6, 4, 8), "compression": "lzf", "shuffle": True},
        {"masks": "bool", "chunks": (3, 2, 2, 2), "compression": "gzip"},
        {"masks": "bool"},
        {"masks": "f4", "chunks": (3, 2, 2, 2), "compression": "lzf"},
    ],
)
def test_other_makers_files_are_read_however_they_are_packed(tmp_path, kwargs):
    images, stack = foreign(tmp_path / "a.h5", **kwargs)
    with Split.open(tmp_path / "a.h5") as split:
        assert split.scenarios == ["a", "b", "a"]
        assert split.structure_names == ("structure 1", "structure 2")
        for index in range(3):
            np.testing.assert_array_equal(split.image(index), images[index])
            np.testing.assert_array_equal(split.masks(index), stack[index].astype("u1"))
            np.testing.assert_array_equal(split.labels(index), stack[index, 0] * 1 + stack[index, 1] * 2)
            case = split.case(index)
            assert (case.id, case.history, case.labels.array.dtype) == (f"a_{index:06d}", (), np.uint8)


@pytest.mark.parametrize(
    "names",
    [
        {"attribute": json.dumps(["lung", "heart"])},
        {"attribute": ["lung", "heart"]},
        {"attribute": np.array([b"lung", b"heart"])},
        {"beside": ["lung", "heart"]},
    ],
)
def test_other_makers_names(tmp_path, names):
    foreign(tmp_path / "a.h5", **names)
    with Split.open(tmp_path / "a.h5") as split:
        assert split.structure_names == ("lung", "heart")


def test_masks_that_overlap_are_no_label_map(tmp_path):
    foreign(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["masks"][1] = 1
    with Split.open(tmp_path / "a.h5") as split:
        assert split.masks(1).all()
        with pytest.raises(ReadError, match=r"a\.h5 \(case 1\) has 336 voxels that lie in several masks"):
            split.labels(1)


def test_images_alone_are_enough_and_other_hdf5_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.zeros((2, *SIZE))
    with Split.open(tmp_path / "a.h5") as split:
        assert (len(split), split.has_labels, split.structure_names) == (2, False, ())
        with pytest.raises(ReadError, match="has no labels"):
            split.labels(0)
        assert split.masks(0).shape == (0, *SIZE)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(ReadError, match=r"b\.h5 has no 'images'; expected a dataset of cases"):
        Split.open(tmp_path / "b.h5")
    foreign(tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5", "a") as file:
        del file["presence_labels"]
    with pytest.raises(ReadError, match="has no 'presence_labels'; expected which of 2 structures each case has"):
        Split.open(tmp_path / "c.h5")
