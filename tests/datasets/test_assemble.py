"""Parts are put together whole or not at all, into the same bytes whatever order they were made in."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace

import h5py
import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, GridError, LabelError, ReadError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import Progress, finish
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.parts import part_path
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.verify import verify
from stored import TABLE, made_case, parts, same


def put_together(folder, found, name="train"):
    return finish(assemble(found, Outline.of(found.values()), folder / f"{name}.h5", name))


def relabelled(case, labels, table=None):
    labels = np.asarray(labels)
    return replace(case, labels=LabelMap(labels, case.labels.affine, table or LabelTable()))


def test_all_cases_come_back_in_order(tmp_path):
    cases = [made_case(index) for index in range(5)]
    with Split.open(put_together(tmp_path, parts(tmp_path, cases))) as split:
        assert all(same(made, case) for made, case in zip(split.cases(), cases, strict=True))
        assert split.name == "train"
        assert split.columns.indices.tolist() == [0, 1, 2, 3, 4]
        for row, case in enumerate(cases):
            np.testing.assert_array_equal(split.masks(row), [case.labels.array == value for value in (1, 2, 5)])
            for place in range(3):
                np.testing.assert_array_equal(split.masks(row)[place], split.stored_mask(row, place))
    assert verify(tmp_path / "train.h5") == []


def test_the_order_of_making_does_not_show(tmp_path):
    cases = [made_case(index) for index in range(4)]
    one = put_together(tmp_path / "a", parts(tmp_path / "a", cases))
    other = put_together(tmp_path / "b", parts(tmp_path / "b", cases, order=(2, 0, 3, 1)))
    assert one.read_bytes() == other.read_bytes()


def test_a_part_opens_like_a_split(tmp_path):
    found = parts(tmp_path, [made_case(0), made_case(1)])
    assert found == {0: part_path(tmp_path, 0), 1: part_path(tmp_path, 1)}
    with Split.open(found[1]) as split, h5py.File(found[1]) as plain:
        assert same(split.case(0), made_case(1))
        assert set(plain) >= {"images", "masks", "presence_labels", "scenarios"}


def test_structures_of_all_cases_are_known_to_each(tmp_path):
    a = relabelled(made_case(0), np.full((6, 7, 8), 3, np.uint8), LabelTable.from_names({3: "heart"}))
    b = relabelled(made_case(1), np.full((6, 7, 8), 700, np.uint16), LabelTable.from_names({700: "aorta"}))
    with Split.open(put_together(tmp_path, parts(tmp_path, [a, b]))) as split:
        assert split.structure_names == ("heart", "aorta")
        assert split.presence.tolist() == [[True, False], [False, True]]
        assert split.labels(0).dtype == np.uint16
        assert set(np.unique(split.labels(0))) == {3}
        assert split.masks(1)[1].all()
    assert verify(tmp_path / "train.h5") == []


def test_cases_without_lesions_lie_beside_cases_with_some(tmp_path):
    cases = [made_case(0), made_case(1, lesions=True)]
    with Split.open(put_together(tmp_path, parts(tmp_path, cases))) as split:
        assert split.instances(0) is None
        assert same(split.case(1), cases[1])


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (made_case(1, size=(6, 7, 9)), GridError, r"case_000000\.h5 is 6×7×8 and .*case_000001\.h5 is 6×7×9 voxels"),
        (made_case(1, dtype="float32"), ConfigError, r"image type 'int16' and .*case_000001\.h5 'float32'"),
        (replace(made_case(1), labels=None), ConfigError, r"case_000001\.h5 has no labels and others have"),
        (
            relabelled(made_case(1), made_case(1).labels.array, TABLE.with_label(Label(2, "heart"))),
            LabelError,
            r"calls label 2 'spleen' and .*case_000001\.h5 'heart'; expected one meaning a value",
        ),
        (replace(made_case(1), image=replace(made_case(1).image, modality="MR")), ConfigError, "modality 'CT' and"),
    ],
)
def test_cases_that_do_not_fit_together_are_named(tmp_path, other, error, message):
    found = parts(tmp_path, [made_case(0), other])
    with pytest.raises(error, match=message):
        Outline.of(found.values())


def test_a_case_that_the_outline_does_not_know_is_refused(tmp_path):
    found = parts(tmp_path, [made_case(0), relabelled(made_case(1), np.full((6, 7, 8), 9, np.uint8))])
    with pytest.raises(ConfigError, match=r"case_000001\.h5 has structures that the dataset lacks"):
        finish(assemble(found, Outline.of([found[0]]), tmp_path / "train.h5", "train"))
    assert not (tmp_path / "train.h5").exists()


def test_a_damaged_part_is_named_and_nothing_is_left(tmp_path):
    found = parts(tmp_path, [made_case(0), made_case(1)])
    outline = Outline.of(found.values())
    found[1].write_bytes(found[1].read_bytes()[:3000])
    with pytest.raises(ReadError, match=r"case_000001\.h5"):
        finish(assemble(found, outline, tmp_path / "train.h5", "train"))
    assert sorted(item.name for item in tmp_path.iterdir()) == [".unfinished"]


def test_a_part_of_another_case_is_refused(tmp_path):
    found = parts(tmp_path, [made_case(0), made_case(1)])
    shutil.copy(found[0], found[1])
    with pytest.raises(ReadError, match=r"case_000001\.h5 holds the cases \[0\]; expected case 1 only"):
        put_together(tmp_path, found)


def test_too_little_space_is_said_before_anything_is_written(tmp_path, monkeypatch):
    found = parts(tmp_path, [made_case(0)])
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1000))
    with pytest.raises(WriteError, match=r"train\.h5 needs about \d+ bytes and 1000 are free"):
        put_together(tmp_path, found)
    assert sorted(item.name for item in tmp_path.iterdir()) == [".unfinished"]


def test_stopped_at_any_yield_nothing_is_left(tmp_path):
    found = parts(tmp_path, [made_case(index) for index in range(3)])
    outline = Outline.of(found.values())
    for stop in range(1, 4):
        job = assemble(found, outline, tmp_path / "train.h5", "train")
        for _ in range(stop):
            assert isinstance(next(job), Progress)
        job.close()
        assert sorted(item.name for item in tmp_path.iterdir()) == [".unfinished"]


def test_nothing_to_put_together():
    with pytest.raises(ReadError, match="there is no case"):
        Outline.of([])
