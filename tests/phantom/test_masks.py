"""Masks: one a structure, equal to the label map."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.masks import masks_of
from napari_medsynth.phantom.step import Phantom

TARGETS = catalogue("classic").targets


@pytest.mark.parametrize("shape", [(20, 30, 40), (70, 64, 64), (9, 400, 401)])
def test_masks_are_where_the_labels_are_in_the_order_asked_for(shape):
    labels = np.random.default_rng(0).integers(0, 20, shape, dtype=np.uint8)
    masks = masks_of(LabelMap(labels), TARGETS[::-1])
    assert masks.shape == (13, *shape)
    assert masks.dtype == np.bool_
    for mask, entry in zip(masks, TARGETS[::-1], strict=True):
        assert np.array_equal(mask, labels == entry.label.value)


def test_masks_of_a_phantom_are_its_labels():
    labels = Phantom(scenario="splenectomy")(Case(id="a"), seed=1).labels
    masks = masks_of(labels, TARGETS)
    assert [entry.name for entry, mask in zip(TARGETS, masks, strict=True) if not mask.any()] == ["spleen"]
    assert masks.sum(axis=0).max() == 1
    assert np.array_equal(masks.any(axis=0), (labels.array > 0) & (labels.array < 14))


def test_labels_beyond_a_byte_have_masks_too():
    labels = np.zeros((4, 5, 6), dtype=np.uint16)
    labels[1, 2, 3] = 300
    labels[2] = 12
    assert np.array_equal(masks_of(LabelMap(labels), TARGETS)[11], labels == 12)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted by Linux")
def test_large_masks_take_only_the_memory_of_what_is_in_them():
    labels = np.zeros((128, 512, 512), dtype=np.uint8)
    labels[40:80, 100:200, 200:300] = 5
    labels[:, 250:260, 30:40] = 9
    before = resident()
    masks = masks_of(LabelMap(labels), TARGETS)
    assert resident() - before < masks.nbytes / 30
    assert np.array_equal(masks[4], labels == 5)
    assert np.array_equal(masks[8], labels == 9)
    masks[0, 0, 0, 0] = True  # they are one's own to change


def resident():
    """Bytes of memory that this process has touched."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
