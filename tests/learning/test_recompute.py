"""Activations that are computed twice."""

from __future__ import annotations

import pytest
import torch

from napari_medsynth.core.errors import TrainingError
from napari_medsynth.learning import batch_size
from napari_medsynth.learning.recompute import recomputing
from napari_medsynth.segmentation.networks import NetworkSettings, build
from napari_medsynth.segmentation.spec import InputSpec


def gradients(network, image):
    network.zero_grad()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network(image).square().mean().backward()
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


def kept_bytes(network, image):
    sizes = {}

    def keep(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = network(image)
    del out
    return sum(sizes.values())


@pytest.mark.parametrize("name", ["unet", "dynunet", "segresnet", "attentionunet"])
def test_gradients_are_the_same(name):
    settings = NetworkSettings(name=name, base_features=4, levels=3)
    network = build(settings, InputSpec(patch=(32, 32)), 3).train()
    image = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = gradients(network, image)
    names = list(network.state_dict())
    with recomputing(network):
        found = gradients(network, image)
        assert list(network.state_dict()) == names
    assert len(found) == len(expected)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other)
    assert not [module for module in network.modules() if "forward" in vars(module)]


def test_less_is_kept():
    network = build(NetworkSettings(base_features=4), InputSpec(), 3).train()
    image = torch.randn(1, 1, 64, 64)
    before = kept_bytes(network, image)
    with recomputing(network):
        assert kept_bytes(network, image) < before / 2


def test_the_largest_batch_is_a_power_of_two_that_fits():
    assert batch_size._power(64, 100, 100, 1e9) == 64
    assert batch_size._power(64, 100, 100, 1000) == 4  # 600 bytes are for five examples
    assert batch_size._power(3, 100, 100, 1e9) == 2
    assert batch_size._power(64, 100, 100, 10) == 0


def test_one_example_that_does_not_fit_is_told(monkeypatch):
    from fitting import ToyExamples, ToyLearner, toy_settings

    learner = ToyLearner(toy_settings())
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    state = torch.get_rng_state()
    assert batch_size.largest_batch(learner, ToyExamples(), "cpu") == 16
    monkeypatch.setattr(batch_size, "_free", lambda device: 8)
    with pytest.raises(TrainingError, match=r"one example takes 0.0 GB of the 0.0 GB that are free"):
        batch_size.largest_batch(learner, ToyExamples(), "cpu")
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
