"""The documentation of SynthSeg Spine Segmentation, its half on synthetic data walked through line by line.

Its modules are ``napari_medsynth`` here, and its ``example.py`` is ``medsynth example``; all else is as it is written
there. What it says of training and evaluation is walked through where those are tested.
"""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

import napari_medsynth
from napari_medsynth.cli import example
from napari_medsynth.cli.app import main

#: "Quick Start", 1: the demos of synthetic generation.
DEMOS = """
python example.py --demo synth      # Synthetic generation demo
python example.py --demo contrast   # Contrast interpolation demo
"""

#: "Synthetic Data Generation".
GENERATING = """
from napari_medsynth import SpineSynthGenerator

# Create generator
generator = SpineSynthGenerator(
    contrast_type='T1',           # 'T1', 'T2', or 'random'
    resolution_range=(1.0, 4.0),  # Resolution variation
    add_bias_field=True,          # Bias field artifact
    add_noise=True,               # Gaussian noise
    add_motion=False,             # Motion artifact
)

# Generate synthetic image
synthetic_image = generator.generate_synthetic_mri(label_map)

# Interpolate between T1 and T2
synthetic_mix = generator.generate_synthetic_mri(label_map, contrast_alpha=0.5)
"""

#: "Usage Examples", "Generate Synthetic Training Data".
TRAINING_DATA = """
from napari_medsynth import SpineSynthGenerator, SyntheticDataset

# Create generator with domain randomization
generator = SpineSynthGenerator(
    contrast_type='random',
    add_bias_field=True,
    add_noise=True,
    resolution_range=(1.0, 3.0)
)

# Create dataset
dataset = SyntheticDataset(
    label_maps=list_of_label_maps,
    generator=generator,
    num_augmentations=5
)
"""

#: "Features": each row, and the setting that is its.
FEATURES = {
    "Contrast Variation": "contrast_type",
    "Bias Field": "add_bias_field",
    "Gaussian Noise": "add_noise",
    "Motion Artifact": "add_motion",
    "Resolution Variation": "resolution_range",
}

#: "Structures: 14 classes (vertebrae, discs, canal, background)".
CLASSES = 14


def label_map(shift=0):
    """All 14 classes in one sagittal slice, rows from head to foot."""
    array = np.zeros((80, 64), np.uint8)
    for level in range(6):
        top = 4 + 12 * level
        array[top : top + 9, 16 + shift : 36 + shift] = 1 + level
        array[top + 9 : top + 12, 16 + shift : 36 + shift] = 7 + level
    array[2:-2, 38 + shift : 46 + shift] = 13
    return array


def run(code, **names):
    """Run a code block; returns the names that it leaves behind."""
    space = dict(names)
    exec(compile(code, "<the document>", "exec"), space)
    return space


@pytest.mark.parametrize("line", [line for line in DEMOS.splitlines() if line])
def test_each_demo_runs_without_data_and_draws_a_picture(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line, comments=True)[2:]
    assert main(["example", *words, "--output-dir", "pictures"]) == 0
    name = f"pictures/{words[1]}.png"
    assert f"wrote {name}" in capsys.readouterr().out
    with Image.open(name) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] > 4 * 150
    assert pixels.std() > 20


def test_a_demo_that_does_not_exist_is_refused_with_those_that_do(capsys):
    assert main(["example", "--demo", "sing"]) == 2
    said = capsys.readouterr().err
    assert "synth" in said
    assert "contrast" in said


def test_the_same_seed_draws_the_same_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(example, "_SIZE", (60, 40, 32))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        words = ["--demo", "contrast", "--seed", str(seed), "-o", str(tmp_path / name)]
        assert main(["example", *words]) == 0
    a, b, c = ((tmp_path / name / "contrast.png").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("shape", [(80, 64), (5, 80, 64)])
def test_generating(shape):
    labels = np.broadcast_to(label_map(), shape)
    assert len(np.unique(labels)) == CLASSES
    space = run(GENERATING, label_map=labels)
    for name in ("synthetic_image", "synthetic_mix"):
        image = space[name]
        assert (image.shape, image.dtype) == (shape, np.float32)
        assert 0 <= image.min() < image.max() <= 1
    assert not np.array_equal(space["synthetic_image"], space["synthetic_mix"])


def test_the_generator_s_defaults_are_those_of_its_example():
    labels = label_map()
    as_shown = run(GENERATING, label_map=labels)["synthetic_image"]
    assert np.array_equal(napari_medsynth.SpineSynthGenerator().generate_synthetic_mri(labels), as_shown)


@pytest.mark.parametrize("setting", FEATURES.values())
def test_each_feature_changes_the_image(setting):
    off = {"add_bias_field": False, "add_noise": False, "add_motion": False, "resolution_range": (1.0, 1.0)}
    on = {"add_bias_field": True, "add_noise": True, "add_motion": True, "resolution_range": (4.0, 4.0)}
    changed = {"contrast_type": "T2"} if setting == "contrast_type" else {setting: on[setting]}
    make = napari_medsynth.SpineSynthGenerator
    without = make(**off).generate_synthetic_mri(label_map())
    with_it = make(**off | changed).generate_synthetic_mri(label_map())
    assert np.abs(with_it - without).mean() > 0.003


def test_generating_training_data():
    space = run(TRAINING_DATA, list_of_label_maps=[label_map(shift) for shift in (0, 2, 4)])
    dataset = space["dataset"]
    assert len(dataset) == 3 * 5
    images, masks = next(iter(DataLoader(dataset, batch_size=4, shuffle=True)))
    assert images.shape == (4, 1, 80, 64)
    assert masks.shape == (4, 80, 64)
    assert int(masks.max()) == CLASSES - 1


@pytest.mark.parametrize("name", ["SpineSynthGenerator", "SyntheticDataset"])
def test_each_class_is_there(name):
    assert name in napari_medsynth.__all__
