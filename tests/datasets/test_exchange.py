"""Datasets in the layouts of other tools: out and in again without a change, and lists that cannot be trusted."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import h5py
import nibabel
import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, GridError, MedsynthError, ReadError, SplitError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets import DatasetFolder, LazyMedicalDataset, Split, make_dataset, write_report
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.exchange import FORMATS, export_dataset, import_dataset
from napari_medsynth.datasets.folder import write_metadata
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.parts import parts_in, write_part
from napari_medsynth.datasets.schema import Meta
from napari_medsynth.datasets.verify import verify
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.phantom.step import Phantom

NAMES = {"nifti": "pairs", "nnunet": "Dataset501_Toy", "monai": "datalist"}
FILES = ("train.h5", "val.h5", "test.h5")

#: Turned against the body, unequal, and with more digits than NIfTI keeps.
OBLIQUE = Affine(
    np.array([[0.1, -0.3, 2 / 3, -17.123456789], [0.2, 0.9, 0.1, 3.3], [1.7, -0.1, 0.0, 1e3 / 7], [0, 0, 0, 1]])
)
TABLE = LabelTable(
    (
        Label(3, "liver", tissue="liver", colour=(0.5, 0.25, 0.125)),
        Label(7, "Background", side="left"),
        Label(300, "liver"),
        Label(301, "tumor", tissue="lesion"),
    )
)


def exported(dataset, tmp_path, form):
    return finish(export_dataset(dataset, tmp_path / NAMES[form], form))


def imported(source, tmp_path, form, **more):
    return finish(import_dataset(source, tmp_path / "back", form, **more))


def assembled(folder, splits):
    """A dataset of the cases given for each split."""
    index = 0
    for cases in splits.values():
        for case in cases:
            write_part(folder, index, pack(case, Meta.of(case, seed=5), index=index, seed=5 + index))
            index += 1
    parts = parts_in(folder)
    outline, rest = Outline.of(parts.values()), iter(parts.items())
    for name, cases in splits.items():
        finish(assemble(dict(next(rest) for _ in cases), outline, folder / f"{name}.h5", name))
    shutil.rmtree(folder / ".unfinished")
    write_metadata(folder)
    return folder


def odd_case(name, seed=0, *, image=True, instances=True):
    """Labels of two bytes with gaps, reserved and repeated names; an oblique grid; perhaps counted lesions."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 3, 7, 300, 301], np.uint16), (5, 6, 7))
    return Case(
        id=name,
        image=Volume(rng.normal(size=(5, 6, 7)).astype(np.float32), OBLIQUE, "MR") if image else None,
        labels=LabelMap(labels, OBLIQUE, TABLE),
        instances=LabelMap((labels == 301).astype(np.uint8), OBLIQUE) if instances else None,
    )


def nifti(path, array, spacing=(2.0, 1.0, 1.0)):
    """Write an array ``(z, y, x)`` as another tool would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array.T, np.diag([*spacing[::-1], 1.0])), path)


def pairs(folder, names, *, shape=(4, 5, 6), images=True):
    """NIfTI pairs of another tool, without any list."""
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        nifti(folder / "labels" / f"{name}.nii.gz", rng.integers(0, 3, shape).astype(np.uint8))
        if images:
            nifti(folder / "images" / f"{name}.nii.gz", rng.integers(-99, 99, shape).astype(np.int16))
    return folder


def datalist(folder, count=3, **sections):
    """A MONAI datalist over ``count`` pairs; ``sections`` replace the default one."""
    pairs(folder, [f"c{n}" for n in range(count)])
    items = [{"image": f"images/c{n}.nii.gz", "label": f"labels/c{n}.nii.gz"} for n in range(count)]
    value = {"labels": {"0": "background", "1": "one", "2": "two"}, **(sections or {"training": items})}
    (folder / "datalist.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """A finished dataset of small phantoms in three splits."""
    recipe = Recipe(steps=(Phantom(image_size=(12, 16, 14)),), seed=3)
    folder = tmp_path_factory.mktemp("phantoms") / "toy"
    return finish(make_dataset(recipe, 10, folder, workers=1))


@pytest.mark.parametrize("form", FORMATS)
def test_phantoms_come_back_bit_for_bit(phantoms, tmp_path, form):
    back = imported(exported(phantoms, tmp_path, form), tmp_path, form)
    for name in FILES:
        assert (back / name).read_bytes() == (phantoms / name).read_bytes()
    assert verify(back) == []


@pytest.mark.parametrize("form", FORMATS)
def test_odd_labels_oblique_grids_and_lesions_come_back(tmp_path, form):
    splits = {"train": [odd_case("a", 1), odd_case("b", 2, instances=False)], "val": [odd_case("c", 3)]}
    dataset = assembled(tmp_path / "odd", splits)
    back = imported(exported(dataset, tmp_path, form), tmp_path, form)
    for name in ("train.h5", "val.h5"):
        assert (back / name).read_bytes() == (dataset / name).read_bytes()
    with Split.open(back / "train.h5") as split:
        case = split.case(0)
        assert np.array_equal(case.labels.affine.matrix, OBLIQUE.matrix)
        assert case.labels.table == TABLE
        assert case.instances is not None
        assert split.case(1).instances is None
    assert not (back / "test.h5").exists()


@pytest.mark.parametrize("form", ["nifti", "monai"])
def test_cases_without_images_come_back_without_images(tmp_path, form):
    dataset = assembled(tmp_path / "odd", {"train": [odd_case("a", image=False)]})
    out = exported(dataset, tmp_path, form)
    assert not (out / "images").exists()
    back = imported(out, tmp_path, form)
    assert (back / "train.h5").read_bytes() == (dataset / "train.h5").read_bytes()


def test_geometry_in_the_files_is_that_of_the_cases(tmp_path):
    dataset = assembled(tmp_path / "odd", {"train": [odd_case("a")]})
    out = exported(dataset, tmp_path, "nifti")
    for folder in ("images", "labels", "instances"):
        found = nibabel.load(out / folder / "a.nii.gz").affine
        assert np.allclose(found, OBLIQUE.matrix[:, [2, 1, 0, 3]], rtol=1e-6, atol=1e-5)


def test_nnunet_layout_is_as_nnunet_documents_it(phantoms, tmp_path):
    out = exported(phantoms, tmp_path, "nnunet")
    description = json.loads((out / "dataset.json").read_text())
    assert description["numTraining"] == 9
    assert description["file_ending"] == ".nii.gz"
    assert description["channel_names"] == {"0": "image"}
    assert description["labels"]["background"] == 0
    assert sorted(description["labels"].values()) == list(range(len(description["labels"])))
    [fold] = json.loads((out / "splits_final.json").read_text())
    assert len(fold["train"]) == 7
    assert len(fold["val"]) == 2
    assert {p.name for p in (out / "imagesTr").glob("*.nii.gz")} == {
        f"{name}_0000.nii.gz" for name in (*fold["train"], *fold["val"])
    }
    assert [p.name for p in (out / "labelsTs").glob("*.nii.gz")] == ["case_000009.nii.gz"]


def test_nnunet_values_have_no_gaps_and_names_that_are_taken_differ(tmp_path):
    out = exported(assembled(tmp_path / "odd", {"train": [odd_case("a")]}), tmp_path, "nnunet")
    labels = json.loads((out / "dataset.json").read_text())["labels"]
    assert labels == {"background": 0, "liver": 1, "Background 2": 2, "liver 3": 3, "tumor": 4}
    stored = np.unique(np.asarray(nibabel.load(out / "labelsTr" / "a.nii.gz").dataobj))
    assert stored.tolist() == [0, 1, 2, 3, 4]


def test_values_come_back_where_only_some_had_to_be_exchanged(tmp_path):
    """As in real label maps: 1 and 2 stay as they are, and 4 becomes 3."""
    labels = LabelMap(np.array([0, 1, 2, 4, 4, 1], np.uint8).reshape(1, 2, 3))
    case = Case(id="a", image=Volume(np.zeros((1, 2, 3), np.int16)), labels=labels)
    source = assembled(tmp_path / "data", {"train": [case]})
    back = imported(exported(source, tmp_path, "nnunet"), tmp_path, "nnunet")
    assert (back / "train.h5").read_bytes() == (source / "train.h5").read_bytes()


def test_cases_without_labels_are_nothing_for_nnunet(tmp_path):
    source = assembled(tmp_path / "data", {"train": [Case(id="a", image=Volume(np.zeros((1, 2, 3), np.int16)))]})
    with pytest.raises(ConfigError, match="the dataset has no labels; nnU-Net needs them"):
        exported(source, tmp_path, "nnunet")


def test_a_folder_in_use_is_told_before_anything_is_read(tmp_path):
    source = pairs(tmp_path / "pairs", ["a"])
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "thesis.txt").touch()
    with pytest.raises(WriteError, match="back is not empty"):
        next(import_dataset(source, tmp_path / "back", "nifti"))


def test_a_noted_recipe_whose_phantom_has_no_settings_does_no_harm(phantoms, tmp_path):
    source = exported(phantoms, tmp_path, "nifti")
    notes = json.loads((source / "medsynth.json").read_text())
    notes["napari-medsynth"]["recipe"] = "steps:\n- phantom: position_noise\n"
    (source / "medsynth.json").write_text(json.dumps(notes))
    assert DatasetFolder.open(imported(source, tmp_path, "nifti")).metadata["generation_params"] == {}


def test_the_datalist_has_relative_paths_and_leaves_out_empty_sections(tmp_path):
    out = exported(assembled(tmp_path / "odd", {"train": [odd_case("a", instances=False)]}), tmp_path, "monai")
    value = json.loads((out / "datalist.json").read_text())
    assert value["training"] == [{"image": "images/a.nii.gz", "label": "labels/a.nii.gz"}]
    assert not {"validation", "test"} & set(value)  # MONAI cannot read an empty list of test cases
    assert value["labels"]["300"] == "liver"
    assert value["modality"] == {"0": "MR"}


def test_an_export_to_a_name_that_nnunet_would_not_find_is_refused(phantoms, tmp_path):
    with pytest.raises(ConfigError, match=r"'toy'; expected DatasetXXX_Name"):
        finish(export_dataset(phantoms, tmp_path / "toy", "nnunet"))
    dataset = assembled(tmp_path / "odd", {"train": [odd_case("a", image=False)]})
    with pytest.raises(ConfigError, match="nnU-Net needs them"):
        exported(dataset, tmp_path, "nnunet")


def test_an_export_that_is_stopped_leaves_nothing(phantoms, tmp_path):
    job = export_dataset(phantoms, tmp_path / "out", "nifti")
    for _ in range(4):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_is_stopped_leaves_nothing(tmp_path):
    source = pairs(tmp_path / "source", ["a", "b"])
    job = import_dataset(source, tmp_path / "back", "nifti")
    while next(job).note != "packing b":
        pass
    job.close()
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("job", [export_dataset, import_dataset])
def test_a_folder_in_use_is_left_alone(phantoms, tmp_path, job):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    source = phantoms if job is export_dataset else pairs(tmp_path / "source", ["a"])
    with pytest.raises(WriteError, match="not empty"):
        finish(job(source, tmp_path / "used", "nifti"))
    assert [p.name for p in (tmp_path / "used").iterdir()] == ["mine.txt"]


def test_values_without_a_name_become_structures_all_the_same(tmp_path):
    back = imported(pairs(tmp_path / "source", "abcd"), tmp_path, "nifti")
    folder = DatasetFolder.open(back)
    assert folder.structure_names == ("label 1", "label 2")
    assert folder.metadata["image_size"] == [4, 5, 6]
    with Split.open(back / "train.h5") as split:
        assert split.case(0).labels.spacing == (2.0, 1.0, 1.0)
        assert [entry.name for entry in split.table] == ["label 1", "label 2"]


def test_images_of_two_types_get_one_that_holds_both(tmp_path):
    source = pairs(tmp_path / "source", ["a", "b"])
    wide = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    nifti(source / "images" / "b.nii.gz", wide)
    narrow = np.asarray(nibabel.load(source / "images" / "a.nii.gz").dataobj).T
    back = imported(source, tmp_path, "nifti", validation_split=0.0, test_split=0.0)
    with Split.open(back / "train.h5") as split:
        assert split.image(0).dtype == split.image(1).dtype == np.float32
        assert np.array_equal(split.image(0), narrow)
        assert np.array_equal(split.image(1), wide)


def test_a_case_of_another_size_is_named_with_both_sizes(tmp_path):
    source = pairs(tmp_path / "source", ["a", "b"])
    pairs(source, ["c"], shape=(4, 5, 7))
    with pytest.raises(GridError, match=r"case a is 4×5×6 and case c is 4×5×7 voxels"):
        imported(source, tmp_path, "nifti", validation_split=0.0, test_split=0.0)


def test_an_image_that_lies_elsewhere_than_its_labels_is_named(tmp_path):
    source = pairs(tmp_path / "source", ["a"])
    nifti(source / "images" / "a.nii.gz", np.zeros((4, 5, 6), np.int16), spacing=(3.0, 1.0, 1.0))
    with pytest.raises(GridError, match=r"case a of .*source"):
        imported(source, tmp_path, "nifti")


def test_cases_without_labels_are_an_error_or_left_out(tmp_path):
    source = pairs(tmp_path / "source", ["a", "b"])
    (source / "labels" / "b.nii.gz").unlink()
    with pytest.raises(ReadError, match=r"case b of .* has no labels"):
        imported(source, tmp_path, "nifti")
    back = imported(source, tmp_path, "nifti", labelled_only=True)
    assert LazyMedicalDataset(back)[0]["case_id"] == "a"


def test_no_patient_is_in_two_splits(tmp_path):
    names = [f"sub-{n:02d}_ses-{session}" for n in range(10) for session in "ab"]
    back = imported(pairs(tmp_path / "source", names, images=False), tmp_path, "nifti")
    found = {}
    for name in ("train", "val", "test"):
        with Split.open(back / f"{name}.h5") as split:
            found[name] = [case.partition("_")[0] for case in split.case_ids]
    assert {name: len(patients) for name, patients in found.items()} == {"train": 14, "val": 4, "test": 2}
    for patients in found.values():
        assert set(Counter(patients).values()) == {2}  # both sessions of each


def test_which_patients_are_drawn_depends_on_the_seed_alone(tmp_path):
    source = pairs(tmp_path / "source", [f"c{n}" for n in range(8)], images=False)

    def held_back(seed, where):
        back = finish(import_dataset(source, tmp_path / where, "nifti", seed=seed))
        with Split.open(back / "val.h5") as split:
            return split.case_ids

    assert held_back(1, "one") == held_back(1, "again")
    assert held_back(1, "first") != held_back(2, "second")


def test_a_patient_in_two_splits_of_the_source_is_refused(tmp_path):
    source = pairs(tmp_path / "source", ["sub-1_a", "sub-1_b"])
    (source / "splits.json").write_text(json.dumps({"train": ["sub-1_a"], "test": ["sub-1_b"]}), encoding="utf-8")
    with pytest.raises(SplitError, match="patient 'sub-1' in train and in test"):
        imported(source, tmp_path, "nifti")


def test_who_the_patient_is_can_stand_in_the_list(tmp_path):
    items = [{"image": f"images/c{n}.nii.gz", "label": f"labels/c{n}.nii.gz", "patient": "ann"} for n in range(2)]
    source = datalist(tmp_path / "source", 2, training=items[:1], validation=items[1:])
    with pytest.raises(SplitError, match="patient 'ann' in train and in val"):
        imported(source, tmp_path, "monai")


def test_the_chosen_fold_is_for_validation(tmp_path):
    items = [{"image": f"images/c{n}.nii.gz", "label": f"labels/c{n}.nii.gz", "fold": n % 2} for n in range(4)]
    source = datalist(tmp_path / "source", 4, training=items)
    back = imported(source, tmp_path, "monai", fold=1)
    assert [LazyMedicalDataset(back, "val")[n]["case_id"] for n in (0, 1)] == ["c1", "c3"]
    with pytest.raises(ConfigError, match=r"fold is 2; .* has folds \[0, 1\]"):
        finish(import_dataset(source, tmp_path / "more", "monai", fold=2))


def test_a_decathlon_dataset_is_read_with_its_names(tmp_path):
    source = datalist(tmp_path / "source", 3)
    value = json.loads((source / "datalist.json").read_text())
    value |= {"modality": {"0": "CT"}, "test": ["./images/c2.nii.gz"], "training": value["training"][:2]}
    (source / "dataset.json").write_text(json.dumps(value), encoding="utf-8")
    (source / "datalist.json").unlink()
    back = imported(source, tmp_path, "monai", labelled_only=True)
    folder = DatasetFolder.open(back)
    assert folder.structure_names == ("one", "two")
    assert folder.metadata["modality"] == "CT"
    assert folder.total == 2


def test_files_of_one_name_in_two_folders_are_two_cases(tmp_path):
    source = tmp_path / "source"
    for patient in ("p1", "p2"):
        nifti(source / patient / "seg.nii.gz", np.full((3, 4, 5), int(patient[1]), np.uint8))
    items = [{"label": f"{patient}/seg.nii.gz", "patient": patient} for patient in ("p1", "p2")]
    (source / "datalist.json").write_text(json.dumps({"training": items, "validation": []}), encoding="utf-8")
    with Split.open(imported(source / "datalist.json", tmp_path, "monai") / "train.h5") as split:
        assert split.case_ids == ["p1-seg", "p2-seg"]


def test_nnunet_folds_regions_and_old_lists_are_understood(tmp_path):
    source = tmp_path / "Dataset007_Foreign"
    for name in ("a", "b", "c"):
        nifti(source / "imagesTr" / f"{name}_0000.nii.gz", np.zeros((3, 4, 5), np.float32))
        nifti(source / "labelsTr" / f"{name}.nii.gz", np.arange(60).reshape(3, 4, 5).astype(np.uint8) % 4)
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "rim": 3}
    description = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 3, "file_ending": ".nii.gz"}
    (source / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    folds = [{"train": ["a", "b"], "val": ["c"]}, {"train": ["b", "c"], "val": ["a"]}]
    (source / "splits_final.json").write_text(json.dumps(folds), encoding="utf-8")
    back = imported(source, tmp_path, "nnunet", fold=1)
    with Split.open(back / "val.h5") as split:
        assert split.case_ids == ["a"]
        assert split.structure_names == ("label 1", "label 2", "rim")
        assert split.modality == "CT"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("../outside.nii.gz", "stays within"),
        ("images/../../outside.nii.gz", "stays within"),
        ("/etc/passwd", "stays within"),
        ("C:\\outside.nii.gz", "stays within"),
        ("..\\outside.nii.gz", "stays within"),
        ("images/link.nii.gz", "no links"),
        ("folder/c0.nii.gz", "no links"),
        ("images/missing.nii.gz", "no such file"),
        ("images", "no such file"),
        ("", "expected the path"),
        ("a\0b", "expected the path"),
        (7, "expected the path"),
        (["images/c0.nii.gz", "images/c1.nii.gz"], "2 files as image"),
    ],
)
def test_a_path_that_leaves_the_folder_is_refused_in_one_line(tmp_path, path, line):
    source = datalist(tmp_path / "source", training=[{"image": path, "label": "labels/c0.nii.gz"}])
    nifti(tmp_path / "outside.nii.gz", np.zeros((4, 5, 6), np.int16))
    (source / "images" / "link.nii.gz").symlink_to(tmp_path / "outside.nii.gz")
    (source / "folder").symlink_to(source / "images")
    with pytest.raises(ReadError, match=line) as error:
        imported(source, tmp_path, "monai")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ([], "expected a mapping"),
        ({}, "expected a datalist"),
        ({"training": []}, "lists no case"),
        ({"training": {}}, "expected a list of cases"),
        ({"training": ["images/c0.nii.gz", 7]}, "lists 7"),
        ({"training": [{"image": "images/c0.nii.gz"}] * 2}, "more than once"),
        ({"training": [{"label": "labels/c0.nii.gz"}], "labels": {"x": "y"}}, "labels that cannot be used"),
        ({"training": [{"label": "labels/c0.nii.gz"}], "labels": {"1": 5}}, "labels that cannot be used"),
        ({"training": [{"label": "labels/c0.nii.gz"}], "labels": ["a"]}, "expected values with their names"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_in_one_line(tmp_path, value, line):
    source = datalist(tmp_path / "source")
    (source / "datalist.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ReadError, match=line):
        imported(source, tmp_path, "monai")


def test_a_huge_list_is_refused_unread(tmp_path):
    source = datalist(tmp_path / "source")
    with open(source / "datalist.json", "wb") as file:
        file.truncate(65 * 1024**2)
    with pytest.raises(ReadError, match="expected at most"):
        imported(source, tmp_path, "monai")


def test_a_deeply_nested_list_is_refused(tmp_path):
    source = datalist(tmp_path / "source")
    (source / "datalist.json").write_text("[" * 100_000)
    with pytest.raises(ReadError, match="not valid JSON"):
        imported(source, tmp_path, "monai")


@pytest.mark.parametrize(
    ("splits", "line"),
    [
        ({"train": ["a"]}, "does not list case 'b'"),
        ({"train": ["a", "b", "x"]}, "no such case"),
        ({"train": ["a", "b"], "val": ["a"]}, "more than once"),
        ({"training": ["a", "b"]}, "expected lists of cases"),
        ({"train": "ab"}, "expected lists of cases"),
        ({"train": [["a"], "b"]}, "no such case"),
    ],
)
def test_splits_that_do_not_fit_the_files_are_refused(tmp_path, splits, line):
    source = pairs(tmp_path / "source", ["a", "b"])
    (source / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    with pytest.raises(ReadError, match=line):
        imported(source, tmp_path, "nifti")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"channel_names": {"0": "T1", "1": "T2"}}, "expected one"),
        ({"channel_names": "CT"}, "expected one"),
        ({"labels": None}, "expected names with their values"),
        ({"labels": {"a": 1, "b": 1}}, "labels that cannot be used"),
        ({"labels": {"a": -1}}, "labels that cannot be used"),
        ({"file_ending": ".exe"}, "expected one of"),
        ({"file_ending": "/../x"}, "expected one of"),
        ({"dataset": {"a": {"images": ["../a.nii.gz"], "label": "../a.nii.gz"}}}, "stays within"),
        ({"dataset": {"a": 5}}, "expected one of 'images'"),
        ({"dataset": []}, "expected a mapping"),
    ],
)
def test_an_nnunet_description_that_cannot_be_used_is_refused(phantoms, tmp_path, change, line):
    out = exported(phantoms, tmp_path, "nnunet")
    description = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(json.dumps(description | change), encoding="utf-8")
    with pytest.raises(ReadError, match=line):
        imported(out, tmp_path, "nnunet")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": "1"},
        {"labels": 5},
        {"labels": [{"value": 1}]},
        {"structures": ["x"]},
        {"structures": [70000]},
        {"label_values": [[1, 2], [1, 3]]},
        {"label_values": [[1]]},
        {"label_values": 5},
        {"recipe": "{"},
        {"recipe": "steps: 5"},
        {"recipe": 5},
        {"seed": "7"},
        {"cases": [{"id": "case_000000"}]},
        {"cases": [{"id": "case_000000", "split": "x", "seed": 1, "affine": np.eye(4).tolist()}]},
        {"cases": [{"id": "case_000000", "split": "train", "seed": 1, "affine": [[0, 0], [0]]}]},
        {"cases": [{"id": "case_000000", "split": "train", "seed": -1, "affine": np.eye(4).tolist()}]},
        {"cases": 5},
    ],
)
def test_damaged_notes_are_named_in_one_line(phantoms, tmp_path, change):
    out = exported(phantoms, tmp_path, "nifti")
    value = json.loads((out / "medsynth.json").read_text())
    value["napari-medsynth"] |= change
    (out / "medsynth.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ReadError, match=r"medsynth\.json") as error:
        imported(out, tmp_path, "nifti")
    assert "\n" not in str(error.value)


def test_notes_do_not_move_a_file_that_lies_elsewhere_now(tmp_path):
    dataset = assembled(tmp_path / "odd", {"train": [odd_case("a", instances=False)]})
    out = exported(dataset, tmp_path, "nifti")
    moved = Affine.from_spacing((2.0, 1.0, 1.0))
    case = odd_case("a")
    write_volume(Volume(case.image.array, moved), out / "images" / "a.nii.gz")
    write_labels(LabelMap(case.labels.array, moved), out / "labels" / "a.nii.gz")
    with Split.open(imported(out, tmp_path, "nifti") / "train.h5") as split:
        assert np.array_equal(split.affine(0).matrix, moved.matrix)


def test_a_damaged_image_is_named(tmp_path):
    source = pairs(tmp_path / "source", ["a", "b"])
    path = source / "labels" / "b.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MedsynthError, match=r"labels/b\.nii\.gz"):
        imported(source, tmp_path, "nifti")


@pytest.mark.data
def test_a_real_scan_with_its_labels_becomes_a_dataset(data_dir, tmp_path):
    source = tmp_path / "Dataset008_Real"
    for kind, name, target in (("imagesTr", "ct_sm", "ct_0000"), ("labelsTr", "seg", "ct")):
        (source / kind).mkdir(parents=True)
        scan = data_dir / "totalseg_ct" / f"example_{name}.nii.gz"
        shutil.copyfile(scan, source / kind / f"{target}.nii.gz")
    description = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "spleen": 1, "liver": 5}}
    (source / "dataset.json").write_text(
        json.dumps(description | {"numTraining": 1, "file_ending": ".nii.gz"}), encoding="utf-8"
    )
    back = imported(source, tmp_path, "nnunet")
    assert verify(back) == []
    sample = LazyMedicalDataset(back)[0]
    names = LazyMedicalDataset(back).get_structure_names()
    assert {"spleen", "liver", "label 10"} <= set(names)
    assert int(sample["masks"][names.index("liver")].sum()) > 1000
    assert "liver" in write_report(back).read_text(encoding="utf-8")


@pytest.mark.data
def test_real_label_maps_without_images_become_a_dataset(data_dir, tmp_path):
    source = tmp_path / "source"
    for name in ("training_seg_01", "training_seg_02"):
        (source / "labels").mkdir(parents=True, exist_ok=True)
        middle = nibabel.load(data_dir / "brain_labels" / f"{name}.nii.gz").slicer[90:170, 60:180, 90:170]
        nibabel.save(middle, source / "labels" / f"{name}.nii.gz")
    back = imported(source, tmp_path, "nifti")
    assert verify(back) == []
    with Split.open(back / "train.h5") as split:
        assert not split.has_images
        assert len(split.structure_names) > 40
        stored = nibabel.load(source / "labels" / f"{split.case_ids[0]}.nii.gz")
        assert np.array_equal(split.labels(0).T, np.asarray(stored.dataobj))
        assert np.allclose(split.affine(0).matrix[:, [2, 1, 0, 3]], stored.affine, atol=1e-4)
    assert "label 3" in write_report(back).read_text(encoding="utf-8")


@pytest.mark.parametrize(("form", "name"), [("nifti", "labels.json"), ("nnunet", "dataset.json"), ("monai", "list")])
def test_a_list_that_is_a_device_is_not_read(tmp_path, form, name):
    source = pairs(tmp_path / "source", ["a"])
    (source / name).symlink_to("/dev/zero")  # it never ends
    place = source / name if form == "monai" else source
    with pytest.raises(ReadError, match="is no file"):
        imported(place, tmp_path, form)


def test_a_dataset_of_the_plain_layout_can_be_exported(tmp_path):
    masks = np.zeros((2, 2, 3, 4, 5), np.uint8)
    masks[:, 0, 0], masks[0, 1, 1] = 1, 1
    folder = tmp_path / "plain"
    folder.mkdir()
    with h5py.File(folder / "train.h5", "w") as file:
        file["images"] = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
        file["masks"] = masks
        file["presence_labels"] = masks.any(axis=(2, 3, 4)).astype(np.uint8)
        file.attrs["structure_names"] = json.dumps(["liver", "heart"])
    back = imported(exported(folder, tmp_path, "nnunet"), tmp_path, "nnunet")
    with Split.open(back / "train.h5") as split, h5py.File(folder / "train.h5") as plain:
        assert split.structure_names == ("liver", "heart")
        assert np.array_equal(split.image(1), plain["images"][1])
        assert np.array_equal(split.masks(0), masks[0])


def test_2d_png_files_come_in(tmp_path):
    source = tmp_path / "Dataset009_Flat"
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    write_volume(Volume(grey), source / "imagesTr" / "a_0000.png")
    write_labels(LabelMap((grey > 20).astype(np.uint8)), source / "labelsTr" / "a.png")
    description = {"channel_names": {"0": "US"}, "labels": {"background": 0, "lesion": 1}, "file_ending": ".png"}
    (source / "dataset.json").write_text(json.dumps(description | {"numTraining": 1}), encoding="utf-8")
    with Split.open(imported(source, tmp_path, "nnunet") / "train.h5") as split:
        assert np.array_equal(split.image(0), grey)
        assert np.array_equal(split.masks(0)[0], grey > 20)
