"""Label maps as small numbers that index tables."""

import numpy as np
import pytest
import torch
from hypothesis import given

from napari_medsynth.core.labels import LabelMap
from napari_medsynth.rendering.codes import Codes
from strategies import label_maps


def test_a_map_of_bytes_is_its_own_codes_and_is_not_copied():
    labels = LabelMap(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    codes = Codes.of(labels)
    assert codes.tensor.data_ptr() == labels.array.ctypes.data
    assert codes.values.tolist() == list(range(256))


def test_a_2d_map_is_one_slice():
    assert Codes.of(LabelMap(np.ones((5, 7), np.uint16))).tensor.shape == (1, 5, 7)


def test_large_values_get_small_codes_in_their_order():
    labels = LabelMap(np.array([[[0, 60000, 300, 7]]], dtype=np.uint16))
    codes = Codes.of(labels)
    assert codes.tensor.dtype == torch.uint8
    assert codes.values.tolist() == [0, 7, 300, 60000]
    assert codes.tensor.flatten().tolist() == [0, 3, 2, 1]


def test_more_labels_than_a_byte_can_count_keep_their_own_codes():
    labels = LabelMap((np.arange(400, dtype=np.uint16) * 150).reshape(4, 10, 10))
    codes = Codes.of(labels)
    assert codes.tensor.dtype == torch.int32
    assert np.array_equal(codes.decoded(codes.tensor), labels.array)


@given(label_maps())
def test_codes_stand_for_the_labels_they_were_made_of(labels):
    codes = Codes.of(labels)
    found = codes.decoded(codes.tensor)
    assert np.array_equal(found, labels.array)
    assert found.dtype in (np.uint8, np.uint16)


def test_a_table_has_what_is_known_of_each_label():
    labels = LabelMap(np.array([[[0, 500, 3]]], dtype=np.uint16))
    codes = Codes.of(labels)
    table = codes.lut({500: 2.5, 3: 1.0, 9: 4.0}, default=-1.0)
    assert table[codes.tensor.long()].flatten().tolist() == [-1.0, 2.5, 1.0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_exchanged_labels_cost_no_voxel(dtype):
    labels = LabelMap(np.array([[[0, 1, 2, 5]]], dtype=dtype))
    codes = Codes.of(labels)
    swapped = codes.swapped([[1, 2], [5, 77]])
    assert swapped.tensor is codes.tensor
    assert swapped.decoded(swapped.tensor).flatten().tolist() == [0, 2, 1, 77]
    again = swapped.swapped([[1, 2], [5, 77]])
    assert np.array_equal(again.values, codes.values)


def test_the_same_codes_can_stand_for_other_labels():
    codes = Codes.of(LabelMap(np.array([[[0, 1, 2, 3]]], dtype=np.uint8)))
    renamed = codes.renamed({2: 0, 3: 1000, 200: 5})
    assert renamed.tensor is codes.tensor
    assert renamed.decoded(renamed.tensor).flatten().tolist() == [0, 1, 0, 1000]


@pytest.mark.parametrize("place", [0, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, -1])
def test_a_value_that_one_voxel_has_is_found_wherever_it_lies(place):
    array = np.zeros(3 << 18, dtype=np.uint16)
    array[1000:2000] = 4
    array[place] = 65535
    assert LabelMap(array.reshape(3, 512, 512)).values() == (4, 65535)
