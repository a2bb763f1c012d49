"""What is in a dataset's folder, finished or not, and what is refused."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.folder import DatasetFolder, write_metadata
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.schema import PLAN, UNFINISHED, Meta
from napari_medsynth.io.atomic import write_json
from napari_medsynth.phantom.step import Phantom
from stored import SIZE, dataset, made_case, parts


def changed(folder, **entries):
    """Change entries of the metadata; None drops one."""
    path = folder / "metadata.json"
    value = {**json.loads(path.read_text(encoding="utf-8")), **entries}
    path.write_text(json.dumps({key: entry for key, entry in value.items() if entry is not None}), encoding="utf-8")


def test_the_metadata_has_the_documented_keys(tmp_path):
    folder = dataset(tmp_path / "data")
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["structure_names"] == ["liver", "spleen", "tumor"]
    assert metadata["image_size"] == list(SIZE)
    assert metadata["scenarios"] == ["resected", "whole"]
    assert metadata["generation_params"] == {}
    assert metadata["total_samples"] == 10
    assert metadata["recipe"] == {"seed": 7, "steps": ["toy"]}
    assert {name: entry["cases"] for name, entry in metadata["splits"].items()} == {"train": 7, "val": 2, "test": 1}
    assert (metadata["seed"], metadata["modality"]) == (7, "CT")
    assert metadata["spacing"] == pytest.approx([3.0, 1.5, 1.25])


def test_the_metadata_has_the_variation_of_a_phantom(tmp_path):
    recipe = Recipe(steps=(Phantom(image_size=(16, 16, 16), size_noise=0.3),), seed=3)
    case = recipe(Case(id="case_000000"))
    meta = Meta.of(case, recipe=recipe.to_yaml(), seed=3)
    (tmp_path / "train.h5").write_bytes(pack(case, meta, index=0, seed=3))
    metadata = json.loads(write_metadata(tmp_path, order={"count": 1}).read_text(encoding="utf-8"))
    assert metadata["generation_params"] == {"position_noise": 0.05, "size_noise": 0.3, "intensity_noise": 0.15}
    assert Recipe.from_json(metadata["recipe"]) == recipe
    assert metadata["order"] == {"count": 1}


def test_a_finished_dataset_is_opened(tmp_path):
    folder = DatasetFolder.open(dataset(tmp_path / "data"))
    assert list(folder.splits) == ["train", "val", "test"]
    assert folder.structure_names == ("liver", "spleen", "tumor")
    assert folder.is_finished
    assert (folder.done, folder.total) == (10, 10)
    with folder.split("val") as split:
        assert split.case_ids == ["case_000007", "case_000008"]
    with pytest.raises(ReadError, match="has no split 'valid'; expected one of train, val, test"):
        folder.split("valid")


def test_a_dataset_without_a_test_split(tmp_path):
    folder = DatasetFolder.open(dataset(tmp_path / "data", test_split=0.0))
    assert list(folder.splits) == ["train", "val"]


def unfinished(folder, made=4, total=10):
    parts(folder, [made_case(index) for index in range(made)])
    write_json(folder / UNFINISHED / PLAN, {"count": total})
    return folder


def test_an_unfinished_dataset_says_how_far_it_is_and_how_to_go_on(tmp_path):
    unfinished(tmp_path)
    message = "is not finished: 4 of 10 cases are made; run the same command again to go on"
    with pytest.raises(ReadError, match=message):
        DatasetFolder.open(tmp_path)
    folder = DatasetFolder.open(tmp_path, allow_unfinished=True)
    assert (folder.is_finished, folder.done, folder.total, folder.splits) == (False, 4, 10, {})


def test_cases_of_finished_splits_count_as_done(tmp_path):
    found = parts(tmp_path, [made_case(index) for index in range(5)])
    write_json(tmp_path / UNFINISHED / PLAN, {"count": 5})
    some = {index: found[index] for index in range(3)}
    for _ in assemble(some, Outline.of(found.values()), tmp_path / "train.h5", "train"):
        pass
    for path in some.values():
        path.unlink()
    folder = DatasetFolder.open(tmp_path, allow_unfinished=True)
    assert list(folder.splits) == ["train"]
    assert not folder.is_finished
    assert folder.structure_names == ("liver", "spleen", "tumor")


@pytest.mark.parametrize("count", [None, 0, "ten", True])
def test_a_damaged_plan_is_refused(tmp_path, count):
    write_json(unfinished(tmp_path) / UNFINISHED / PLAN, {"count": count})
    with pytest.raises(ReadError, match=r"plan\.json has count .*; expected how many cases there are"):
        DatasetFolder.open(tmp_path)


def test_a_folder_of_another_maker(tmp_path):
    for name in ("train", "val"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["images"] = np.zeros((3, *SIZE))
            file["masks"] = np.zeros((3, 2, *SIZE), "u1")
            file["presence_labels"] = np.zeros((3, 2), "u1")
    folder = DatasetFolder.open(tmp_path)
    assert (list(folder.splits), folder.total, folder.structure_names) == (
        ["train", "val"],
        6,
        ("structure 1", "structure 2"),
    )
    (tmp_path / "metadata.json").write_text(json.dumps({"structure_names": ["a", "b"], "image_size": list(SIZE)}))
    assert DatasetFolder.open(tmp_path).structure_names == ("a", "b")


def test_folders_that_are_none(tmp_path):
    with pytest.raises(ReadError, match="no does not exist; expected a dataset's folder"):
        DatasetFolder.open(tmp_path / "no")
    with pytest.raises(ReadError, match=r"holds no dataset; expected metadata\.json and train\.h5"):
        DatasetFolder.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ReadError, match="file is a file; expected a dataset's folder"):
        DatasetFolder.open(tmp_path / "file")
    (tmp_path / "metadata.json").write_text("{}")
    with pytest.raises(ReadError, match=r"holds no dataset; expected train\.h5"):
        DatasetFolder.open(tmp_path)


def test_a_missing_split_is_named(tmp_path):
    folder = dataset(tmp_path / "data")
    (folder / "val.h5").unlink()
    with pytest.raises(ReadError, match=r"val\.h5 is missing; metadata\.json names it"):
        DatasetFolder.open(folder)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"schema_version": 2}, "has version 2; this installation reads up to 1"),
        ({"schema": "other"}, "has schema 'other'; expected 'napari-medsynth dataset'"),
        ({"schema": None}, "has schema None"),
        ({"splits": {}}, r"has splits \{\}; expected some of train, val, test"),
        ({"splits": {"extra": {"file": "extra.h5"}}}, "expected some of train, val, test"),
        ({"splits": {"train": "train.h5"}}, "names the file None; expected plain names within the folder"),
        ({"splits": {"train": {"file": "../train.h5"}}}, r"names the file '\.\./train\.h5'; expected plain names"),
        ({"splits": {"train": {"file": "/etc/passwd"}}}, "names the file '/etc/passwd'; expected plain names"),
        ({"splits": {"train": {"file": "a/b.h5"}}}, "names the file 'a/b.h5'; expected plain names"),
        ({"splits": {"train": {"file": "C:x.h5"}}}, "names the file 'C:x.h5'; expected plain names"),
        ({"splits": {"train": {"file": 3}}}, "names the file 3; expected plain names"),
    ],
)
def test_metadata_that_makes_no_sense(tmp_path, entries, message):
    folder = dataset(tmp_path / "data", cases=3)
    changed(folder, **entries)
    with pytest.raises(ReadError, match=message):
        DatasetFolder.open(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"schema": NaN}'])
def test_metadata_that_is_no_json(tmp_path, text):
    folder = dataset(tmp_path / "data", cases=3)
    (folder / "metadata.json").write_text(text)
    with pytest.raises(ReadError, match=r"metadata\.json (is not valid JSON|holds list)"):
        DatasetFolder.open(folder)


def test_metadata_needs_a_split(tmp_path):
    with pytest.raises(ReadError, match=r"has no train\.h5"):
        write_metadata(tmp_path)
