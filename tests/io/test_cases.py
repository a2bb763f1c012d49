"""Cases as folders: whole, verified, the same bytes for the same case, nothing deleted that is not ours."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, GridError, LabelError, ReadError, WriteError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import (
    exchange,
    read_case,
    read_labels,
    read_volume,
    verify,
    write_case,
    write_labels,
    write_volume,
)

PLACE = Affine.from_spacing((2.5, 0.5, 0.5), (10, 20, 30))
CASE = Case(
    id="p-1",
    image=Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), PLACE, "CT"),
    labels=LabelMap(np.full((2, 3, 4), 300, np.uint16), PLACE, LabelTable.from_names({300: "liver"})),
    instances=LabelMap(np.ones((2, 3, 4), np.uint8), PLACE),
    host=LabelMap(np.ones((2, 3, 4), np.uint8), PLACE),
    history=(Record("insert_tumors", 1, {}, {"at": [1, 2]}, {"seed": 3}),),
)
EXTRAS = {"lesions.csv": "id,ml\n1,0.5\n", "before.png": b"\x89PNG"}


@pytest.fixture
def folder(tmp_path):
    return write_case(CASE, tmp_path / "case", extras=EXTRAS)


def assert_same(expected, found):
    assert (found.id, found.history) == (expected.id, expected.history)
    for name in ("image", "labels", "instances"):
        one, other = getattr(expected, name), getattr(found, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert np.array_equal(one.array, other.array)
            assert one.array.dtype == other.array.dtype
            assert np.array_equal(one.affine.matrix, other.affine.matrix)


def test_a_part_of_a_case_read_alone_knows_what_the_index_says_of_it(folder):
    labels, image = folder / "labels.nii.gz", folder / "image.nii.gz"
    assert read_labels(labels).table == CASE.labels.table
    assert len(read_labels(folder / "instances.nii.gz").table) == 0
    assert read_volume(image).modality == "CT"
    assert read_case(image, labels).history == CASE.history
    assert verify(image) == []
    write_volume(CASE.image, folder / "other.nii.gz")  # not a part of the case
    assert read_volume(folder / "other.nii.gz").modality == "CT"
    (folder / "image.nii.gz").write_bytes((folder / "labels.nii.gz").read_bytes())
    assert "image.nii.gz" in verify(image)[0]


@pytest.mark.parametrize("index", ['{"name": "mine"}', '{"files": {"labels.nii.gz": 3}}', '{"files": {}}'])
def test_an_index_of_something_else_says_nothing(tmp_path, index):
    write_labels(LabelMap(np.ones((2, 3, 4), np.uint8)), tmp_path / "labels.nii.gz")
    (tmp_path / "case.json").write_text(index)
    assert len(read_labels(tmp_path / "labels.nii.gz").table) == 0


def test_a_case_comes_back_without_its_host(folder):
    found = read_case(folder)
    assert_same(CASE, found)
    assert found.host is None
    assert found.image.modality == "CT"
    assert found.labels.table == CASE.labels.table
    assert sorted(p.name for p in folder.iterdir()) == [
        "before.png",
        "case.json",
        "image.nii.gz",
        "instances.nii.gz",
        "labels.nii.gz",
        "lesions.csv",
    ]
    assert (folder / "lesions.csv").read_text() == EXTRAS["lesions.csv"]
    assert verify(folder) == []


@pytest.mark.parametrize("part", ["image", "labels", "instances"])
def test_parts_may_be_missing(tmp_path, part):
    case = replace(CASE, **{part: None})
    assert_same(case, read_case(write_case(case, tmp_path / "case")))


def test_colour_images_and_flat_ones_come_back(tmp_path):
    for n, shape in enumerate([(3, 4, 5), (3, 2, 4, 5)]):
        case = Case(id="eye", image=Volume(np.ones(shape, np.uint8), channels=True))
        assert_same(case, read_case(write_case(case, tmp_path / str(n))))


def test_same_case_same_bytes(tmp_path, folder):
    other = write_case(CASE, tmp_path / "other", extras=EXTRAS)
    for path in folder.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


def test_the_id_can_be_changed_on_reading(folder):
    assert read_case(folder, id="q").id == "q"


def test_other_labels_for_a_case_folder_are_refused(folder):
    with pytest.raises(ConfigError, match="is a case with labels of its own"):
        read_case(folder, folder / "labels.nii.gz")


def damage(folder, what):
    if what == "missing":
        (folder / "labels.nii.gz").unlink()
    elif what == "cut short":
        (folder / "image.nii.gz").write_bytes((folder / "image.nii.gz").read_bytes()[:-5])
    elif what == "altered":
        (folder / "lesions.csv").write_text("id,ml\n1,0.6\n")
    elif what == "a link":
        (folder / "before.png").rename(folder.parent / "moved.png")
        (folder / "before.png").symlink_to(folder.parent / "moved.png")
    else:
        (folder / "notes.txt").write_text("mine")


@pytest.mark.parametrize("what", ["missing", "cut short", "altered", "a link", "not listed"])
def test_every_damage_is_found_and_refused(folder, what):
    damage(folder, what)
    [problem] = verify(folder)
    assert what in problem
    with pytest.raises(ReadError, match=f"is not as it was written: .*{what}"):
        read_case(folder)


def test_all_problems_are_named(folder):
    for what in ("missing", "altered", "not listed"):
        damage(folder, what)
    assert len(verify(folder)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "has version 2; this installation reads up to 1"),
        ({"version": None}, "has version None"),
        ({"files": {"../secret": {}}}, "names the file '../secret'; expected plain names"),
        ({"files": {"/etc/passwd": {}}}, "names the file '/etc/passwd'"),
        ({"files": []}, "no mapping of files"),
        ({"files": {"image.nii.gz": 5}}, "no valid checksum"),
        ({"tables": {"labels": 5}}, "label table is int"),
        ({"tables": []}, "no mapping of files or tables"),
        ({"history": [1]}, "history record"),
        ({"modality": []}, "modality"),
        ({"id": "../x"}, "case id is '../x'"),
    ],
)
def test_a_damaged_or_newer_index_is_an_error(folder, change, message):
    value = json.loads((folder / "case.json").read_text())
    value.update(change)
    (folder / "case.json").write_text(json.dumps(value))
    with pytest.raises(ReadError, match=message):
        read_case(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": NaN}', "[" * 50_000, "\xff"])
def test_an_index_that_is_no_json_is_an_error(folder, text):
    (folder / "case.json").write_text(text, encoding="latin-1")
    with pytest.raises(ReadError, match=r"case\.json"):
        read_case(folder)
    assert len(verify(folder)) == 1


def test_a_used_folder_is_refused(tmp_path, folder):
    with pytest.raises(WriteError, match="case is not empty; choose another folder or allow overwriting"):
        write_case(CASE, folder)
    (tmp_path / "empty").mkdir()
    assert verify(write_case(CASE, tmp_path / "empty")) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WriteError, match="is a file or a link"):
        write_case(CASE, tmp_path / "file", overwrite=True)


@pytest.mark.parametrize("atomically", [True, False])
def test_overwriting_replaces_the_whole_case(folder, monkeypatch, atomically):
    if not atomically:
        monkeypatch.setattr("napari_medsynth.io.atomic.exchange", lambda *_: False)
    write_case(replace(CASE, labels=None, instances=None), folder, overwrite=True)
    assert read_case(folder).labels is None
    assert sorted(p.name for p in folder.iterdir()) == ["case.json", "image.nii.gz"]
    assert [p.name for p in folder.parent.iterdir()] == ["case"]


def test_overwriting_never_deletes_what_is_not_ours(tmp_path, folder):
    damage(folder, "not listed")
    with pytest.raises(WriteError, match=r"also holds notes\.txt; move that away"):
        write_case(CASE, folder, overwrite=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years")
    with pytest.raises(WriteError, match="holds files and is not a case"):
        write_case(CASE, home, overwrite=True)
    (home / "case.json").write_text("{}")
    with pytest.raises(WriteError, match="cannot be replaced"):
        write_case(CASE, home, overwrite=True)
    assert (home / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", ".hidden", "", "case.json", "image.nii.gz", "x" * 200])
def test_extras_have_plain_free_names(tmp_path, name):
    with pytest.raises(WriteError, match="cannot hold an extra file named"):
        write_case(CASE, tmp_path / "case", extras={name: "x"})
    assert not list(tmp_path.iterdir())


def test_the_exchange_of_folders_is_one_step_here(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if exchange.exchange(tmp_path / "a", tmp_path / "b"):
        assert (tmp_path / "a" / "b").exists()
        assert (tmp_path / "b" / "a").exists()
        with pytest.raises(OSError, match="No such file"):
            exchange.exchange(tmp_path / "a", tmp_path / "none")
    else:
        assert (tmp_path / "a" / "a").exists()


def test_an_image_with_labels_is_a_case(tmp_path):
    write_volume(CASE.image, tmp_path / "Scan (1).nii.gz", history=CASE.history)
    write_labels(CASE.labels, tmp_path / "mask.mha")
    found = read_case(tmp_path / "Scan (1).nii.gz", tmp_path / "mask.mha")
    assert found.id == "Scan-1-"
    assert found.history == CASE.history
    assert found.labels.table == CASE.labels.table


def test_grids_have_to_match_and_both_are_stated(tmp_path):
    write_volume(CASE.image, tmp_path / "scan.nii.gz")
    write_labels(LabelMap(CASE.labels.array, PLACE.shifted((0, 0, 1))), tmp_path / "moved.nii.gz")
    with pytest.raises(GridError, match=r"origin \(10, 20, 30\).*origin \(9\.5, 20, 30\).*same grid"):
        read_case(tmp_path / "scan.nii.gz", tmp_path / "moved.nii.gz")
    write_labels(LabelMap(CASE.labels.array[:, :, 1:], PLACE), tmp_path / "small.nii.gz")
    with pytest.raises(GridError, match="2×3×4 voxels and labels is 2×3×3"):
        read_case(tmp_path / "scan.nii.gz", tmp_path / "small.nii.gz")


def test_bad_labels_are_named(tmp_path):
    write_volume(CASE.image, tmp_path / "scan.nii.gz")
    write_volume(Volume(np.full((2, 3, 4), 0.5), PLACE), tmp_path / "mask.nii.gz")
    with pytest.raises(LabelError, match=r"mask\.nii\.gz holds 24 voxels that are not labels \(0\.5"):
        read_case(tmp_path / "scan.nii.gz", tmp_path / "mask.nii.gz")
