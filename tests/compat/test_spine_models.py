"""``load_model`` and ``evaluate_model`` as the document on spines shows them."""

from __future__ import annotations

import pickle  # noqa: TID251 - to write what must be refused
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_medsynth.compat import SpineSynthGenerator, SyntheticDataset, UNet, evaluate_model, load_model
from napari_medsynth.core.errors import ConfigError, ReadError
from tiny_models import tiny_case, tiny_model


@pytest.fixture
def batch():
    case = tiny_case(0)
    return torch.from_numpy(case.image.array.copy())[:, None], torch.from_numpy(case.labels.array.astype(np.int64))


class Known(torch.nn.Module):
    """Finds what is as bright as the structures of the tiny cases."""

    def forward(self, images):
        return -torch.cat([(images - grey).abs() for grey in (100, 300, 500)], 1)


def test_the_document_s_name_loads_what_training_saved(tmp_path):
    model = tiny_model("model_a_synthetic", "synthetic")
    model.save(tmp_path / "model_a_synthetic_best")
    network = load_model(tmp_path / "model_a_synthetic_best.pth")
    assert not network.training
    assert network.card.name == "model_a_synthetic"
    assert load_model(tmp_path / "model_a_synthetic_best.json").card == network.card
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), model.network.parameters(), strict=True))


@pytest.mark.parametrize("sizes", [{"in_channels": 3, "num_classes": 5, "base_features": 4}, {"spatial_dims": 3}])
def test_weights_of_torch_save_are_read_with_their_sizes(tmp_path, sizes):
    network = UNet(**({"in_channels": 1, "num_classes": 14, "base_features": 8} | sizes))
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    again = load_model(tmp_path / "mine.pth")
    assert again.card is None
    assert again.count_parameters() == network.count_parameters()
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), network.parameters(), strict=True))


class _Evil:
    def __reduce__(self):
        return (open, ("was_here", "w"))


def test_a_pickle_that_would_run_something_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"conv_0.conv_0.conv.weight": _Evil()}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Evil()))
    (tmp_path / "was_here").unlink(missing_ok=True)
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(ReadError, match=name):
            load_model(tmp_path / name)
    assert not (tmp_path / "was_here").exists()


def test_other_weights_and_missing_files_are_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(ReadError, match="expected those of a U-Net"):
        load_model(tmp_path / "linear.pth")
    weights = UNet(base_features=4).state_dict()
    weights.pop("conv_0.conv_1.conv.weight")
    torch.save(weights, tmp_path / "lacking.pth")
    with pytest.raises(ReadError, match="not those of a U-Net"):
        load_model(tmp_path / "lacking.pth")
    with pytest.raises(ReadError, match="does not exist"):
        load_model(tmp_path / "nowhere.pth")


def test_dice_is_that_of_what_is_found(batch):
    images, labels = batch
    results = evaluate_model(model=Known(), dataloader=[batch], device="cpu", description="as it is")
    assert results["overall_dice"] > 0.99
    assert list(results["per_class_dice"]) == [1, 2]
    assert (results["description"], results["resolution_factor"], results["images"]) == ("as it is", 1.0, len(images))
    swapped = torch.where(labels == 0, 0, 3 - labels)
    assert evaluate_model(Known(), [{"image": images, "labels": swapped}], "cpu")["overall_dice"] < 0.05


def test_larger_voxels_make_it_worse(batch):
    fine, coarse = (evaluate_model(Known(), [batch], resolution_factor=f)["overall_dice"] for f in (1.0, 3.0))
    assert coarse < fine


def test_a_loader_of_rendered_label_maps_is_measured_and_the_network_left_as_it_was():
    labels = np.zeros((32, 32), np.uint8)
    labels[8:20, 8:24], labels[22:26] = 1, 13
    loader = DataLoader(SyntheticDataset([labels], SpineSynthGenerator(), num_augmentations=2), batch_size=2)
    network = UNet(base_features=4).train()
    results = evaluate_model(network, loader)
    assert results["images"] == 2
    assert 0 <= results["overall_dice"] <= 1
    assert network.training


@pytest.mark.parametrize("bad", [[torch.zeros(1)], [(torch.zeros(1, 1, 4, 4), torch.zeros(1, 5, 5))], []])
def test_batches_that_are_something_else_are_refused(bad):
    with pytest.raises(ConfigError, match="batch"):
        evaluate_model(Known(), bad)


def test_labels_that_the_network_cannot_give_are_refused(batch):
    with pytest.raises(ConfigError, match="classes 0 to 9"):
        evaluate_model(Known(), [(batch[0], torch.where(batch[1] == 2, 9, batch[1]))])


def test_naming_the_functions_loads_no_torch():
    code = "import sys, napari_medsynth.compat; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
