"""Dice and cross-entropy."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_medsynth.learning.losses import DiceCE


def logits_of(classes, sure=20.0):
    return sure * functional.one_hot(classes, 3).movedim(-1, 1).float()


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 4, 8, 8)])
def test_what_is_right_costs_nothing_and_what_is_wrong_costs_most(shape):
    classes = torch.randint(0, 3, shape, generator=torch.Generator().manual_seed(0))
    assert DiceCE()(logits_of(classes), classes) < 1e-4
    wrong = DiceCE()(logits_of((classes + 1) % 3), classes)
    assert wrong == pytest.approx(20 + 1, abs=0.01)  # of the Dice that is left, nothing


def test_a_structure_that_is_not_there_does_not_count_in_dice():
    classes = torch.zeros(1, 8, 8, dtype=torch.int64)
    classes[:, :4] = 1
    only_entropy = functional.cross_entropy(logits_of(classes), classes)
    assert DiceCE()(logits_of(classes), classes) == pytest.approx(float(only_entropy), abs=1e-4)


def test_an_image_without_structures_still_teaches():
    classes = torch.zeros(2, 8, 8, dtype=torch.int64)
    logits = torch.zeros(2, 3, 8, 8, requires_grad=True)
    loss = DiceCE()(logits, classes)
    loss.backward()
    assert loss.item() == pytest.approx(1.0986, abs=1e-3)
    assert logits.grad.abs().sum() > 0


def test_the_loss_of_a_batch_is_the_mean_of_its_examples():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 8, 8, generator=generator)
    classes = torch.randint(0, 3, (4, 8, 8), generator=generator)
    classes[0] = 0
    classes[1][classes[1] == 2] = 0
    single = [DiceCE()(logits[k : k + 1], classes[k : k + 1]) for k in range(4)]
    assert DiceCE()(logits, classes).item() == pytest.approx(torch.stack(single).mean().item(), rel=1e-5)


def test_it_is_computed_with_32_bits():
    classes = torch.ones(1, 8, 8, dtype=torch.int64)
    assert DiceCE()(logits_of(classes).bfloat16(), classes).dtype == torch.float32
