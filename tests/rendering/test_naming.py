"""Naming: what values mean comes from the scheme asked for, the label map's own table, and the preset's scheme."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.rendering.naming import named_labels, relabelled


def labels(*entries: Label) -> LabelMap:
    return LabelMap(np.arange(6, dtype=np.uint8).reshape(2, 3), table=LabelTable(entries))


def test_a_label_map_without_a_table_takes_the_presets_scheme():
    named = named_labels(labels(), None, "lumbar-discs")
    assert named.table[5].tissue == "disc"
    assert np.array_equal(named.array, labels().array)


def test_its_own_table_comes_before_the_presets_scheme_value_by_value():
    named = named_labels(labels(Label(2, "tumor", "lesion")), None, "lumbar-discs")
    assert [named.table[value].tissue for value in (1, 2, 3)] == ["disc", "lesion", "disc"]


def test_a_scheme_that_is_asked_for_comes_before_its_own_table():
    named = named_labels(labels(Label(1, "wrong", "fat"), Label(200, "mine", "fat")), "totalsegmentator", "breast")
    assert named.table[1].name == "spleen"
    assert named.table[200].name == "mine"


def test_tissues_come_before_all_else_and_keep_the_name():
    named = named_labels(labels(Label(1, "left hand", "fat", "left")), None, None, ((1, "bone"), (4, "skin")))
    assert named.table[1] == Label(1, "left hand", "bone", "left")
    assert (named.table[4].name, named.table[4].tissue) == ("label 4", "skin")


def test_nothing_is_known_without_any_of_them():
    assert len(named_labels(labels(), None, None).table) == 0


def test_a_label_map_that_is_all_background_is_refused():
    with pytest.raises(LabelError, match="all background; expected labels to render"):
        named_labels(LabelMap(np.zeros((2, 2, 2), dtype=np.uint8)), None, "breast")


def test_an_unknown_scheme_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="there is no scheme 'spyder'; did you mean 'spider'"):
        named_labels(labels(), "spyder", None)


def test_a_value_that_stands_for_several_labels_has_the_first_ones_name_unless_it_has_one():
    table = LabelTable((Label(1, "left kidney", "kidney", "left"), Label(2, "right kidney"), Label(3, "liver")))
    assert relabelled(table, {1: 7, 2: 7, 3: 0}) == LabelTable((Label(7, "left kidney", "kidney", "left"),))
    assert relabelled(table, {2: 1}) == LabelTable((table[1], table[3]))
    assert relabelled(table, {1: 3, 3: 9}) == LabelTable((table[2], Label(3, "liver"), Label(9, "liver")))
