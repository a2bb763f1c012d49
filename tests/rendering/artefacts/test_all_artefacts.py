"""What holds for every artefact."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.artefacts.ghosting import Ghosting
from napari_medsynth.rendering.artefacts.gibbs import Gibbs
from napari_medsynth.rendering.artefacts.metal import Metal
from napari_medsynth.rendering.artefacts.motion import Motion
from napari_medsynth.rendering.artefacts.noise import Noise
from napari_medsynth.rendering.artefacts.shadow import Shadow
from napari_medsynth.rendering.artefacts.speckle import Speckle
from napari_medsynth.rendering.artefacts.spikes import Spikes
from napari_medsynth.rendering.artefacts.wrap import Wrap
from napari_medsynth.rendering.artefacts.zipper import Zipper
from napari_medsynth.rendering.lattice import Lattice

FULL = {"strength": (1.0, 1.0)}
ALL = {
    "noise, gaussian": Noise(std=(0.05, 0.05), g_factor=2.0),
    "noise, rician": Noise(std=(0.05, 0.05), kind="rician"),
    "noise, chi": Noise(std=(0.02, 0.02), kind="chi", coils=4),
    "motion, sudden": Motion(**FULL),
    "motion, slow": Motion(**FULL, kind="slow"),
    "ghosting, pulsation": Ghosting(**FULL),
    "ghosting, breathing": Ghosting(**FULL, kind="breathing"),
    "gibbs": Gibbs(**FULL),
    "gibbs, both": Gibbs(**FULL, both=True),
    "wrap": Wrap(**FULL),
    "spikes": Spikes(**FULL),
    "zipper": Zipper(**FULL),
    "metal, mr": Metal(**FULL, kind="mr"),
    "metal, ct": Metal(**FULL, kind="ct"),
    "speckle": Speckle(**FULL),
    "shadow": Shadow(**FULL, count=(2, 2)),
}
TINY = [(1, 1, 1), (1, 1, 4), (1, 3, 1), (2, 1, 1), (4, 3, 2), (1, 2, 3)]
ODD = [(5, 33, 47), (1, 65, 64), (31, 1, 40)]

every = pytest.mark.parametrize("artefact", ALL.values(), ids=ALL)


def drawn(artefact, lattice, seed=5):
    return artefact.draw(lattice, stream(seed, step=artefact.name))


def taken(artefact, image, spacing=(1.0, 1.0, 1.0), seed=5, params=None):
    lattice = Lattice(tuple(image.shape), spacing)
    params = params or drawn(artefact, lattice, seed)
    return artefact.apply(torch.as_tensor(image, dtype=torch.float32).clone(), params, lattice)


def anatomy(shape, seed=0):
    """A body with organs, zero outside."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape), indexing="ij")
    image = 0.5 * ((y / 0.8) ** 2 + (x / 0.7) ** 2 + (z / 1.5) ** 2 < 1)
    for cz, cy, cx, value in np.random.default_rng(seed).uniform(-0.4, 0.4, (6, 4)):
        image += value * ((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 0.06)
    return torch.from_numpy(np.maximum(image, 0).astype(np.float32))


@every
@pytest.mark.parametrize("shape", TINY + ODD, ids=str)
@pytest.mark.parametrize("value", [0.0, 1.0, -800.0])
def test_an_image_of_any_size_and_of_one_value_stays_finite(artefact, shape, value):
    for spacing in ((1.0, 1.0, 1.0), (0.4, 3.0, 0.7)):
        image = taken(artefact, torch.full(shape, value), spacing)
        assert image.shape == shape
        assert image.dtype == torch.float32
        assert torch.isfinite(image).all()


@every
def test_at_half_strength_it_changes_the_image_but_not_much_its_brightness(artefact):
    before = anatomy((12, 61, 72))
    params = drawn(artefact, Lattice((12, 61, 72), (1.0, 1.0, 1.0)))
    after = taken(artefact, before, params={**params, "strength": 0.5})
    assert (after - before).abs().max() > 0.02
    assert float(after.mean()) == pytest.approx(float(before.mean()), rel=0.5)


@every
def test_at_strength_0_nothing_changes(artefact):
    name = "std" if isinstance(artefact, Noise) else "strength"
    off = type(artefact)(**{**artefact.to_json(), name: (0.0, 0.0)})
    before = anatomy((4, 31, 40)) - 0.2
    assert torch.equal(taken(off, before), before)


@every
def test_it_grows_with_its_strength(artefact):
    name = "std" if isinstance(artefact, Noise) else "strength"
    before = anatomy((6, 61, 72)) + 0.02
    params = drawn(artefact, Lattice((6, 61, 72), (1.0, 1.0, 1.0)))
    changes = [
        float((taken(artefact, before, params={**params, name: params[name] * share}) - before).square().mean())
        for share in (0.1, 0.4, 1)
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("name", [name for name in ALL if name != "noise, gaussian"])  # which may be negative
def test_an_image_without_negative_values_gets_none(name):
    artefact = ALL[name]
    assert taken(artefact, anatomy((7, 40, 41))).min() >= 0


@every
def test_the_lowest_value_counts_as_none_where_there_are_negative_ones(artefact):
    """So CT in HU is changed as an image is whose air is 0."""
    before = 1000 * anatomy((7, 40, 41))
    params = drawn(artefact, Lattice((7, 40, 41), (1.0, 1.0, 1.0)))
    if artefact.name == "noise":
        params["std"] = 30.0
    shifted = taken(artefact, before - 1024, params=params)
    torch.testing.assert_close(shifted + 1024, taken(artefact, before, params=params), rtol=0, atol=0.05)


@every
def test_what_is_drawn_is_plain_and_short_json(artefact):
    params = drawn(artefact, Lattice((7, 40, 41), (1.0, 1.0, 1.0)))
    assert json.loads(json.dumps(params)) == params
    numbers = [float(text) for text in json.dumps(params).replace("[", " ").replace("]", " ").replace(",", " ").split()
               if text.replace(".", "").replace("-", "").isdigit()]  # fmt: skip
    assert numbers
    assert all(round(number, 6) == number for number in numbers)
    assert len(json.dumps(params)) < 2000


@every
def test_the_same_params_give_the_same_image_and_another_seed_another(artefact):
    before = anatomy((7, 40, 41))
    assert torch.equal(taken(artefact, before), taken(artefact, before))
    assert any(not torch.equal(taken(artefact, before), taken(artefact, before, seed=n)) for n in (6, 7, 8))


@every
@pytest.mark.parametrize(("shape", "spacing"), [((9, 131, 127), (1.0, 1.0, 1.0)), ((71, 9, 163), (1.0, 4.0, 1.0))])
def test_the_number_of_threads_changes_no_bit(artefact, shape, spacing):
    before = anatomy(shape)
    threads = torch.get_num_threads()
    images = []
    try:
        for count in (1, 2, 3, 5):
            torch.set_num_threads(count)
            images.append(taken(artefact, before, spacing))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(image, images[0]) for image in images)


@every
def test_an_image_that_is_a_view_of_another_is_overwritten_or_left(artefact):
    """An image need not be contiguous."""
    whole = anatomy((14, 40, 41))
    expected = taken(artefact, whole[::2])
    lattice = Lattice((7, 40, 41), (1.0, 1.0, 1.0))
    found = artefact.apply(whole[::2], drawn(artefact, lattice), lattice)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("name", ["motion, sudden", "ghosting, pulsation", "ghosting, breathing", "gibbs", "wrap"])
def test_a_few_slices_show_what_the_whole_image_does(name):
    before, spacing = anatomy((11, 40, 41)), (3.0, 1.0, 1.0)
    assert torch.equal(taken(ALL[name], before[4:7], spacing), taken(ALL[name], before, spacing)[4:7])


@pytest.mark.parametrize("cls", [Ghosting, Gibbs, Metal, Motion, Shadow, Speckle, Spikes, Wrap, Zipper])
def test_the_low_end_of_the_strength_comes_first(cls):
    with pytest.raises(ConfigError, match=r"strength is \(0.5, 0.1\); expected the low end first"):
        cls(strength=(0.5, 0.1))
    with pytest.raises(ConfigError, match=r"strength is 1.2; expected 0 to 1"):
        cls(strength=(0.5, 1.2))
