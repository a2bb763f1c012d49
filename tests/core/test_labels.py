"""Label maps hold whole numbers only, and tables survive JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.errors import LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable, as_labels

labels = st.builds(
    Label,
    value=st.integers(1, 65535),
    name=st.text(max_size=20),
    tissue=st.sampled_from(["", "lung", "lesion"]),
    side=st.sampled_from(["", "left", "right"]),
    colour=st.none() | st.tuples(*[st.floats(0, 1)] * 3),
)
tables = st.lists(labels, max_size=8, unique_by=lambda e: e.value).map(lambda e: LabelTable(tuple(e)))


@given(tables)
def test_a_table_survives_json(table):
    assert LabelTable.from_json(json.loads(json.dumps(table.to_json()))) == table


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"1": "lung"}, "label table is dict; expected a list"),
        (["lung"], "label table entry is 'lung'"),
        ([{"value": 1}], "expected value and name"),
        ([{"value": 1, "name": "lung", "extra": 2}], "expected value and name"),
        ([{"value": 0, "name": "air"}], "expected a whole number 1"),
        ([{"value": 65536, "name": "lung"}], "expected a whole number 1"),
        ([{"value": True, "name": "lung"}], "expected a whole number 1"),
        ([{"value": "1", "name": "lung"}], "expected a whole number 1"),
        ([{"value": 1, "name": 5}], "expected text"),
        ([{"value": 1, "name": "lung", "tissue": None}], "expected text"),
        ([{"value": 1, "name": "lung", "side": "Left"}], "expected 'left', 'right' or ''"),
        ([{"value": 1, "name": "lung", "side": []}], "expected 'left', 'right' or ''"),
        ([{"value": 1, "name": "lung", "colour": 5}], "three numbers from 0 to 1"),
        ([{"value": 1, "name": "lung", "colour": [0, 0, 256]}], "three numbers from 0 to 1"),
        ([{"value": 1, "name": "lung", "colour": [0, 0]}], "three numbers from 0 to 1"),
        ([{"value": 1, "name": "a"}, {"value": 1, "name": "b"}], "names value 1 more than once"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(entries, said):
    with pytest.raises(LabelError, match=said):
        LabelTable.from_json(entries)


def test_a_table_finds_values_by_tissue_and_name():
    table = LabelTable((Label(2, "Left lung", "lung"), Label(1, "right lung", "lung"), Label(7, "nodule", "lesion")))
    assert [entry.value for entry in table] == [1, 2, 7]
    assert table.values_of(tissue="Lung") == (1, 2)
    assert table.values_of(name="left LUNG") == (2,)
    assert table.values_of(tissue="lesion", name="left lung") == ()
    assert table[7].name == "nodule"
    assert table[9].name == "label 9"
    assert table.with_label(Label(7, "mass"))[7].name == "mass"
    assert len(table.with_label(Label(8, "mass"))) == 4
    assert LabelTable.from_names({3: "liver"})[3] == Label(3, "liver")


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([[0, 255]], "i8"), "u1"),
        (np.array([[0, 256]], "i8"), "u2"),
        (np.array([[0, 256]], ">u2"), "u2"),
        (np.array([[0.0, 65535.0]]), "u2"),
        (np.array([[True, False]]), "u1"),
        (np.array([[True, False], [False, False]]).T, "u1"),
    ],
)
def test_whole_numbers_of_any_type_become_the_smallest_label_type(array, dtype):
    labels = LabelMap(array)
    assert labels.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(labels.array, array)


@pytest.mark.parametrize(
    ("value", "said"),
    [(-1, r"1 voxels that are not labels \(-1"), (65536, "65536"), (0.5, "0.5"), (np.nan, "nan"), (np.inf, "inf")],
)
def test_what_is_no_label_is_refused_and_never_rounded(value, said):
    array = np.zeros((2, 2), type(value))
    array[0, 0] = value
    with pytest.raises(LabelError, match=said):
        LabelMap(array)


def test_voxels_that_are_no_numbers_are_refused():
    with pytest.raises(LabelError, match="complex128"):
        as_labels(np.zeros((2, 2), complex))


def test_values_are_looked_for_once_and_stay_with_other_names():
    labels = LabelMap(np.array([[0, 7], [3, 0]]))
    named = labels.with_table(LabelTable((Label(3, "liver"),)))  # before
    found = labels.values()
    assert labels.values() is found
    again = labels.with_table(LabelTable((Label(3, "liver"),)))
    assert again.values() is found
    assert named.values() == found == (3, 7)
    assert (labels.table[3].name, again.table[3].name) == ("label 3", "liver")
    assert again.array is labels.array


def test_values_and_masks():
    labels = LabelMap(np.array([[0, 3, 3], [300, 0, 7]]))
    assert labels.values() == (3, 7, 300)
    assert labels.mask(3).tolist() == [[False, True, True], [False, False, False]]
    assert labels.mask([7, 300]).sum() == 2
    assert labels.mask(np.uint16(300)).sum() == 1
    assert not labels.mask([]).any()
    assert not labels.mask(65535).any()
    assert not LabelMap(np.ones((2, 2), np.uint8)).mask(300).any()


@pytest.mark.parametrize("value", [-1, 65536])
def test_a_mask_of_what_cannot_be_a_label_is_an_error(value):
    with pytest.raises(LabelError, match="expected whole numbers from 0 to 65535"):
        LabelMap(np.ones((2, 2), np.uint8)).mask(value)


def test_context_survives_json_and_is_named_only_where_it_is():
    table = LabelTable((Label(1, "liver"), Label(2, "skin", context=True)))
    assert table.to_json() == [{"value": 1, "name": "liver"}, {"value": 2, "name": "skin", "context": True}]
    assert LabelTable.from_json(table.to_json()) == table
    with pytest.raises(LabelError, match="label 'skin' has context 'yes'; expected true or false"):
        Label(2, "skin", context="yes")
