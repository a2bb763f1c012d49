"""Dummy data: what a training is tried with where there are no scans."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, WriteError
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases, layout_of
from napari_medsynth.segmentation.dummy import MARKER, dummy_body, dummy_data, dummy_scan, is_dummy
from napari_medsynth.segmentation.prepare import spine14_relabel
from napari_medsynth.segmentation.spine import spine_relabel, spine_settings

SMALL = (64, 40, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return finish(dummy_data(tmp_path_factory.mktemp("made") / "dummies", patients=2, size=SMALL))


def test_they_are_laid_out_and_labelled_as_spider(folder):
    assert layout_of(folder) == "spider"
    cases = find_cases(folder)
    assert [case.id for case in cases] == ["1_t1", "1_t2", "2_t1", "2_t2"]
    assert [case.patient for case in cases] == ["1", "1", "2", "2"]
    for case in cases:
        read = case.read()
        assert read.image.modality == "MR"
        assert read.image.array.dtype == np.int16
        assert {1, 2, 3, 4, 5, 6, 100, 201, 202, 203, 204, 205, 206} <= set(read.labels.values())


def test_vertebrae_and_discs_are_counted_from_below(folder):
    labels = find_cases(folder)[0].read(image=False).labels
    heights = [np.argwhere(labels.array == value)[:, 0].mean() for value in (201, 1, 202, 2, 203, 3, 204, 4, 205, 5)]
    assert labels.affine.orientation[0] == "S"
    assert heights == sorted(heights)


def test_both_scans_of_a_patient_show_the_same_body_in_other_contrasts():
    body = dummy_body(1, size=SMALL)
    t1, t2 = (dummy_scan(body, contrast, index=1) for contrast in ("t1", "t2"))
    assert np.array_equal(t1.labels.array, t2.labels.array)
    canal, bone = t1.labels.array == 100, t1.labels.array == 2
    assert np.median(t1.image.array[canal]) < np.median(t1.image.array[bone])
    assert np.median(t2.image.array[canal]) > np.median(t2.image.array[bone])


def test_patients_differ_and_the_same_seed_makes_the_same():
    first, again, other = (dummy_body(number, size=SMALL).labels.array for number in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_dummy_data_that_are_there_are_kept(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert finish(dummy_data(folder, patients=5)) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_nothing_is_put_among_other_files(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"mine")
    with pytest.raises(WriteError, match="holds files that are no dummy data"):
        finish(dummy_data(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_stopped_halfway_nothing_is_left(tmp_path):
    job = dummy_data(tmp_path / "dummies", patients=2, size=SMALL)
    next(job)
    next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_marker_is_something_else_is_not_dummy(tmp_path):
    (tmp_path / MARKER).write_text('{"format": "another"}')
    assert not is_dummy(tmp_path)
    assert not is_dummy(tmp_path / "nowhere")


def test_the_settings_for_spines_have_the_document_s_14_classes():
    assert spine_settings().relabel == spine_relabel(14) == spine14_relabel()


@pytest.mark.parametrize("classes", [4, 20, 52])
def test_other_numbers_of_classes_are_as_many_vertebrae_as_discs(classes):
    pairs = dict(spine_relabel(classes))
    assert sorted(pairs.values()) == list(range(1, classes))
    assert pairs[100] == classes - 1


@pytest.mark.parametrize("classes", [0, 2, 13, 54])
def test_a_number_of_classes_that_does_not_fit_is_refused(classes):
    with pytest.raises(ConfigError, match="an even number from 4 to 52"):
        spine_relabel(classes)
