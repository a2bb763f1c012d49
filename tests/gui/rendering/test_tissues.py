"""Tissues that a person chose come back, from the layer and from files; what is wrong is said in one line."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, ReadError
from napari_medsynth.widgets.layers import labels_of
from napari_medsynth.widgets.metadata import KEY
from napari_medsynth.widgets.rendering.tissues import keep_tissues, read_tissues, tissues_of, write_tissues

from .conftest import add, head, named

CHOSEN = {3: "grey matter", 41: "white matter"}


def test_a_layer_keeps_them_beside_all_else(viewer):
    layer = add(viewer, named(head()))
    before = dict(layer.metadata[KEY])
    keep_tissues(layer, CHOSEN)
    assert tissues_of(layer) == CHOSEN
    assert labels_of(layer).table == named(head()).table
    keep_tissues(layer, {})
    assert layer.metadata[KEY] == before


def test_a_layer_of_anyone_keeps_them(viewer):
    layer = viewer.add_labels(np.ones((3, 4), np.uint8), metadata={"mine": 1})
    assert tissues_of(layer) == {}
    keep_tissues(layer, CHOSEN)
    assert tissues_of(layer) == CHOSEN
    assert layer.metadata["mine"] == 1
    assert labels_of(layer).shape == (3, 4)


def test_a_file_gives_them_back(tmp_path):
    write_tissues(CHOSEN, tmp_path / "tissues.yaml")
    assert read_tissues(tmp_path / "tissues.yaml") == CHOSEN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[]", "expected 'tissues'"),
        ("tissues: 3", "expected 'tissues'"),
        ("tissues: {0: air}", "gives label 0 a tissue"),
        ("tissues: {x: air}", "gives label 'x' a tissue"),
        ("tissues: {3: 4}", "gives label 3 the tissue 4"),
        ("tissues: {3: ' '}", "gives label 3 the tissue ' '"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, found):
    path = tmp_path / "tissues.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=found):
        read_tissues(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"gone\.yaml"):
        read_tissues(tmp_path / "gone.yaml")


def test_a_layer_that_keeps_something_else_is_refused(viewer):
    layer = viewer.add_labels(np.ones((3, 4), np.uint8), name="mine", metadata={KEY: {"tissues": [3]}})
    with pytest.raises(ConfigError, match="layer 'mine' keeps tissues"):
        tissues_of(layer)
