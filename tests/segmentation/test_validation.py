"""What a network in training is validated on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.segmentation.prepare import Prepared
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.validation import MAX_SLICES, Sums, logits_of, views

TABLE = LabelTable((Label(1, "a"), Label(2, "b")))


def prepared(shape, channels=1, **spec):
    classes = np.zeros(shape, np.uint8)
    classes[tuple(slice(n // 4, n // 2) for n in shape)] = 1
    image = np.random.default_rng(0).random((channels, *shape), dtype=np.float32)
    volume = Volume(image if channels > 1 else image[0], channels=channels > 1)
    return Prepared("c", "c", volume, LabelMap(classes), classes, TABLE, InputSpec(channels=channels, **spec))


def test_slices_are_those_of_the_plane():
    case = prepared((4, 20, 30), kind="slices", plane="coronal", patch=(16, 16))
    found = list(views(case))
    assert [view.inputs.shape for view in found] == [(8, 1, 4, 30), (8, 1, 4, 30), (4, 1, 4, 30)]
    np.testing.assert_array_equal(np.concatenate([v.classes for v in found]), np.moveaxis(case.classes, 1, 0))
    np.testing.assert_array_equal(found[1].inputs[0, 0], case.inputs[0, :, 8])


def test_of_many_slices_some_are_looked_at_from_end_to_end():
    case = prepared((100, 16, 16), kind="slices", plane="axial", patch=(16, 16))
    inputs = np.concatenate([view.inputs for view in views(case)])
    assert len(inputs) == MAX_SLICES
    np.testing.assert_array_equal(inputs[[0, -1], 0], case.inputs[0, [0, -1]])


def test_a_slab_has_its_channels_as_in_training():
    """Channel by channel, each with its neighbours in their order; beyond the ends is nothing."""
    case = prepared((6, 16, 16), channels=2, kind="slab", slab=3, plane="axial", patch=(16, 16))
    inputs = np.concatenate([view.inputs for view in views(case)])
    assert inputs.shape == (6, 6, 16, 16)
    np.testing.assert_array_equal(inputs[2], case.inputs[:, 1:4].reshape(6, 16, 16))
    assert not inputs[0, [0, 3]].any()
    np.testing.assert_array_equal(inputs[0, [1, 2]], case.inputs[0, :2])


def test_a_picture_and_a_box_around_the_structures():
    picture = prepared((20, 30), kind="slices", patch=(16, 16))
    assert [view.inputs.shape for view in views(picture)] == [(1, 1, 20, 30)]
    case = prepared((80, 20, 64), kind="patches", patch=(16, 16, 16))
    (view,) = views(case)
    assert view.inputs.shape == (1, 1, 32, 20, 32)
    assert view.classes.sum() == case.classes[13:45, :, 7:39].sum() > 0


def test_logits_of_any_size_come_from_tiles_of_the_patch():
    seen = []

    def network(tiles):
        seen.append(tuple(tiles.shape[2:]))
        return torch.cat([tiles, -tiles], 1)

    inputs = torch.randn(2, 1, 40, 20)
    found = logits_of(network, inputs, (16, 16))
    assert set(seen) == {(16, 16)}
    torch.testing.assert_close(found, torch.cat([inputs, -inputs], 1))


def test_dice_is_of_whole_cases_that_have_the_structure():
    sums = Sums(3)
    truth = torch.tensor([[1, 1, 0, 0]])
    sums.add(truth, torch.tensor([[1, 0, 0, 2]]), torch.tensor(1.0))
    sums.add(truth, truth, torch.tensor(3.0))
    sums.end_case()
    sums.add(torch.tensor([[1, 2, 2, 2]]), torch.tensor([[0, 2, 2, 2]]), torch.tensor(2.0))
    sums.end_case()
    loss, dice = Sums.read(sums.flat())
    assert loss == pytest.approx(2.0)
    assert dice == [pytest.approx((2 * 3 / (4 + 3) + 0) / 2), 1.0]  # the first case has no b: what was found is no Dice


def test_nothing_to_look_at_gives_nothing():
    assert Sums.read(Sums(3).flat()) == (None, [None, None])
