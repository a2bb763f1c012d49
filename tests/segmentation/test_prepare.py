"""Cases on the working grid, each voxel with its class; what cannot be learned from is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.schemes import scheme
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.segmentation import prepare
from napari_medsynth.segmentation.prepare import Relabel, prepare_cases, spine14_relabel
from napari_medsynth.segmentation.samples import training_data
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

SHAPE = (6, 16, 20)
AFFINE = Affine.from_spacing((3.0, 1.0, 1.0))
SETTINGS = TrainSettings(source="real", inputs=InputSpec(plane="axial", patch=(16, 16)))


def put(folder, name, values, *, image=True, table=(), shape=SHAPE, affine=AFFINE):
    array = np.zeros(shape, np.uint16)
    for place, value in enumerate(values):
        array[..., 2 + 3 * place : 4 + 3 * place, 3:9] = value
    if image:
        noise = np.random.default_rng(len(name)).normal(100, 20, shape).astype(np.float32)
        write_volume(Volume(noise, affine), folder / f"{name}.nii.gz")
    write_labels(LabelMap(array, affine, LabelTable(table)), folder / f"{name}_labels.nii.gz")


def prepared(folder, settings=SETTINGS, **options):
    return finish(prepare_cases(find_cases(folder), settings, **options))


def test_spiders_values_become_the_documents_14_classes():
    known = dict(spine14_relabel())
    assert len(known) == 13
    assert (known[1], known[6], known[100], known[201], known[206]) == (1, 6, 13, 7, 12)
    values = np.array([[0, 1, 7, 100, 101, 201, 207]], np.uint8)
    made = Relabel(spine14_relabel()).applied(LabelMap(values, table=scheme("spider")))
    assert made.array.tolist() == [[0, 1, 0, 13, 0, 7, 0]]
    names = {entry.value: entry.name for entry in scheme("spine14")}
    assert all(entry.name == names[entry.value] for entry in made.table)


def test_classes_are_the_union_of_what_the_training_cases_have(tmp_path):
    put(tmp_path, "a", [3, 700], table=(Label(3, "liver"), Label(700, "cyst")))
    put(tmp_path, "b", [5, 700])
    first, second = prepared(tmp_path)
    assert [(entry.value, entry.name) for entry in first.table] == [(3, "liver"), (5, "label 5"), (700, "cyst")]
    assert (dict(first.class_of), dict(second.class_of)) == ({3: 1, 700: 3}, {5: 2, 700: 3})
    assert set(np.unique(first.classes)) == {0, 1, 3}
    assert np.array_equal(first.classes == 3, first.labels.array == 700)


def test_a_table_of_values_leaves_the_others_out_but_keeps_them_for_rendering(tmp_path):
    put(tmp_path, "a", [3, 5, 9])
    (case,) = prepared(tmp_path, replace(SETTINGS, relabel=((3, 1), (5, 1))))
    assert case.labels.values() == (3, 5, 9)
    assert [entry.value for entry in case.table] == [1]
    assert np.array_equal(case.classes, np.isin(case.labels.array, (3, 5)))


def test_what_only_surrounds_the_organs_is_background(tmp_path):
    put(tmp_path, "a", [1, 2], table=(Label(1, "skin", context=True), Label(2, "liver")))
    (case,) = prepared(tmp_path)
    assert [entry.name for entry in case.table] == ["liver"]


def test_scans_come_to_the_axes_of_the_body_and_the_spacing(tmp_path):
    turned = Affine.from_spacing((1.0, 1.0, 2.0), orientation="LPI")
    put(tmp_path, "a", [1], affine=turned, shape=(16, 20, 6))
    spec = InputSpec(kind="patches", spacing=(2.0, 2.0, 2.0), patch=(16, 16, 16))
    (case,) = prepared(tmp_path, replace(SETTINGS, inputs=spec))
    assert case.labels.affine.orientation == case.image.affine.orientation == "SAR"
    assert case.labels.shape == case.classes.shape == case.image.shape == (6, 10, 8)
    assert case.inputs.shape == (1, 6, 10, 8)
    assert (case.inputs.min(), case.inputs.max()) == (0, 1)


def test_a_case_that_cannot_be_learned_from_is_named(tmp_path):
    put(tmp_path, "good", [3])
    put(tmp_path, "empty", [])
    with pytest.raises(LabelError, match="labels of case empty are all background"):
        prepared(tmp_path)
    put(tmp_path, "empty", [4])
    with pytest.raises(LabelError, match=r"case empty has the labels \[4\], and none of them is kept"):
        prepared(tmp_path, replace(SETTINGS, relabel=((3, 1),)))
    put(tmp_path, "empty", [3], image=False)
    (tmp_path / "empty.nii.gz").unlink()
    with pytest.raises(ConfigError, match="case empty has no image"):
        prepared(tmp_path)


def test_a_structure_that_training_does_not_know_is_named(tmp_path):
    for part, values in (("train", [3]), ("val", [3, 8])):
        (tmp_path / part).mkdir()
        put(tmp_path / part, part, values)
    train, val = (find_cases(tmp_path / part) for part in ("train", "val"))
    with pytest.raises(LabelError, match=r"case val has the label 8, which no training case has \(\[3\]\)"):
        training_data(train, val, SETTINGS)


def test_with_a_table_of_values_what_only_a_validation_case_has_is_a_class_too(tmp_path):
    for part, values in (("train", [1]), ("val", [1, 201])):
        (tmp_path / part).mkdir()
        put(tmp_path / part, part, values)
    train, val = (find_cases(tmp_path / part) for part in ("train", "val"))
    settings = replace(SETTINGS, relabel=((1, 1), (201, 7), (100, 13)), scheme="spider")
    data = training_data(train, val, settings)
    meant = [(1, "vertebra 1"), (7, "disc 1"), (13, "spinal canal")]
    assert [(entry.value, entry.name) for entry in data.table] == meant
    assert set(np.unique(data.val[0].classes)) == {0, 1, 2}


def test_wrong_channels_and_axes_are_named(tmp_path):
    put(tmp_path, "a", [3])
    two = replace(SETTINGS, inputs=InputSpec(plane="axial", patch=(16, 16), channels=2))
    with pytest.raises(GridError, match="case a: the image has 1 channel; expected 2"):
        prepared(tmp_path, two)
    write_labels(LabelMap(np.ones((16, 20), np.uint8)), tmp_path / "a_labels.nii.gz")
    write_volume(Volume(np.ones((16, 20), np.uint8)), tmp_path / "a.nii.gz")
    with pytest.raises(GridError, match="case a: the image is 2D"):
        prepared(tmp_path, replace(SETTINGS, inputs=InputSpec(kind="patches", patch=(16, 16, 16))))


def test_more_than_memory_holds_is_refused_before_it_is_full(tmp_path, monkeypatch):
    put(tmp_path, "a", [3])
    monkeypatch.setattr(prepare, "_SHARE", 1e-9)
    with pytest.raises(ConfigError, match=r"1 of 1 cases.*larger voxels"):
        prepared(tmp_path)


def test_model_a_opens_no_image(tmp_path):
    put(tmp_path, "a", [3])
    (tmp_path / "a.nii.gz").write_bytes(b"not an image")
    synthetic = replace(SETTINGS, source="synthetic")
    data = training_data(find_cases(tmp_path), find_cases(tmp_path), synthetic)
    assert data.train[0]["image"].shape == (1, 16, 16)
    assert data.val[0].image is not None  # rendered
    assert data.val[0].classes.shape == data.val[0].image.shape
