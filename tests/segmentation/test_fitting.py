"""Whether a model was made for an image, and how much memory it takes, before anything is run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.learning.card import ModelCard
from napari_medsynth.segmentation.fitting import misfit, obstacle
from napari_medsynth.segmentation.foreign import classes_of
from napari_medsynth.segmentation.memory import WORKSPACE, peak_bytes
from napari_medsynth.segmentation.networks import NetworkSettings, build
from napari_medsynth.segmentation.spec import InputSpec

CT = Volume(np.zeros((4, 5, 6)), Affine.from_spacing((2.0, 1.0, 1.0)), modality="CT")


def card_of(**changes: object) -> ModelCard:
    """Card of a model of patches of 1 mm."""
    inputs = {"kind": "patches", "patch": (32, 32, 32), "spacing": (1.0, 1.0, 1.0), **changes}
    spec = InputSpec(**inputs)  # type: ignore[arg-type]
    return ModelCard(kind="segmentation", name="m", network={}, inputs=spec.to_json(), labels=LabelTable())


@pytest.mark.parametrize(
    ("card", "image"),
    [
        (card_of(), CT),
        (card_of(modality="CT"), CT),
        (card_of(modality="MR"), Volume(CT.array)),
        (card_of(kind="slices", patch=(32, 32), spacing=None), Volume(np.zeros((5, 6)))),
        (card_of(kind="slices", patch=(32, 32), spacing=None), Volume(np.zeros((3, 5, 6)), channels=True)),
        (
            card_of(kind="slices", plane="axial", patch=(32, 32), spacing=(1.0, 1.0)),
            Volume(CT.array, Affine.from_spacing((9.0, 1.0, 1.0))),
        ),
    ],
)
def test_a_model_that_suits_has_no_misfit(card: ModelCard, image: Volume) -> None:
    assert misfit(card, image) == ""


@pytest.mark.parametrize(
    ("card", "image", "reason"),
    [
        (card_of(modality="MR"), CT, "the image is CT; m was trained on MR"),
        (
            card_of(),
            Volume(CT.array, Affine.from_spacing((9.0, 1.0, 1.0))),
            "voxels are 9.0 times larger than the 1×1×1 mm",
        ),
    ],
)
def test_a_model_may_be_tried_on_what_it_was_not_made_for(card: ModelCard, image: Volume, reason: str) -> None:
    assert reason in misfit(card, image)
    assert obstacle(card, image) == ""


@pytest.mark.parametrize(
    ("card", "image", "reason"),
    [
        (card_of(), Volume(np.zeros((5, 6))), "2D"),
        (card_of(channels=2), CT, "1 channel; expected 2"),
        (card_of(), Volume(np.zeros((2, 4, 5, 6)), channels=True), "2 channels; expected 1"),
        (ModelCard(kind="generative", name="g", network={}, inputs={}), CT, "kind 'generative'"),
    ],
)
def test_what_cannot_be_applied_at_all_says_why(card: ModelCard, image: Volume, reason: str) -> None:
    assert reason in obstacle(card, image)
    assert misfit(card, image) == obstacle(card, image)


def test_neither_fitting_nor_options_load_pytorch() -> None:
    names = "from napari_medsynth.segmentation import fitting, options, prediction, step, working"
    code = f"{names}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_peak_counts_what_is_alive_at_the_same_time() -> None:
    """Of a chain of layers two results are alive at once; of a skip connection, three."""

    class Skip(nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            first = batch * 2
            second = first * 3
            return first + second

    size = 4 * 10 * 10
    chain = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(9)))
    assert peak_bytes(chain, (1, 1, 10, 10)) == int(3 * size * (1 + WORKSPACE))  # with what it is given
    assert peak_bytes(Skip(), (1, 1, 10, 10)) == int(4 * size * (1 + WORKSPACE))
    assert peak_bytes(chain, (5, 1, 10, 10)) == 5 * peak_bytes(chain, (1, 1, 10, 10))


def test_the_peak_counts_the_matrix_of_a_small_convolution() -> None:
    """PyTorch makes one with 27 neighbours of each voxel, if the batch is of one and small."""
    layer, size = nn.Conv3d(1, 1, 3, padding=1), 4 * 10**3
    assert peak_bytes(layer, (1, 1, 10, 10, 10)) == int((2 + 27) * size * (1 + WORKSPACE))
    assert peak_bytes(layer, (2, 1, 10, 10, 10)) == int(2 * 2 * size * (1 + WORKSPACE))


def test_a_network_with_a_layer_under_two_names_keeps_its_weights() -> None:
    """DynUNet has such layers; what is known of its memory must not cost it its numbers."""
    network = build(NetworkSettings(name="dynunet", base_features=4, levels=3), InputSpec(patch=(16, 16)), 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    peak_bytes(network, (1, 1, 16, 16))
    assert classes_of(network, (1, 1, 16, 16)) == 2
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])
