"""The documentation of SynthSeg Spine Segmentation, walked through line by line.

Its modules are ``napari_medsynth`` here, and its ``example.py``, ``train.py`` and ``evaluate.py`` are ``medsynth
example``, ``train`` and ``evaluate``; all else is as it is written there. Trainings are cut short by further flags.
"""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import napari_medsynth
from napari_medsynth import UNet
from napari_medsynth.cli import example
from napari_medsynth.cli.app import main
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.splitting import read_split
from napari_medsynth.segmentation.dummy import dummy_data
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.prepare import prepare_cases
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.spine import spine_relabel

#: "Quick Start", 1: the demos.
DEMOS = """
python example.py --demo synth      # Synthetic generation demo
python example.py --demo inference  # Model inference demo
python example.py --demo training   # Training step demo
python example.py --demo contrast   # Contrast interpolation demo
"""

#: "Quick Start", 2.
TRAINING = """
# Train both models with generated dummy data
python train.py --use-dummy-data --epochs 10

# Train specific model
python train.py --model A --use-dummy-data --epochs 10  # Synthetic only
python train.py --model B --use-dummy-data --epochs 10  # Real only

# Place data in data/images/images/ and data/masks/masks/
# Format: {idx}_{t1|t2}.mha (e.g., 1_t1.mha, 1_t2.mha, ...)

# Train both models
python train.py --data-dir ./data --epochs 20

# With custom settings
python train.py --data-dir ./data --epochs 30 --batch-size 8 --lr 0.001
"""

#: "Quick Start", 3.
EVALUATING = """
# Evaluate both models
python evaluate.py --data-dir ./data

# Compare models (reality gap analysis)
python evaluate.py --model compare

# Custom resolution factors
python evaluate.py --resolution-factors 1.0,2.0,4.0
"""

#: "Model Architecture".
ARCHITECTURE = """
from napari_medsynth import UNet

# Create lightweight model
model = UNet(
    in_channels=1,      # Grayscale MRI
    num_classes=14,     # Spine structures
    base_features=8     # Small for CPU
)

print(f"Parameters: {model.count_parameters():,}")
"""

#: "Model Architecture", the table.
PARAMETERS = {8: 0.5e6, 16: 2e6, 32: 7.8e6}

#: "Custom Evaluation".
CUSTOM = """
from napari_medsynth import evaluate_model, load_model

# Load trained model
model = load_model('models/saved/model_a_synthetic_best.pth')

# Evaluate with custom resolution
results = evaluate_model(
    model=model,
    dataloader=test_loader,
    device=device,
    resolution_factor=2.0,
    description="2x downsampled test"
)

print(f"Dice: {results['overall_dice']:.4f}")
"""

#: "Command-Line Reference": flags, and the defaults that it gives.
REFERENCE = {
    "train": """
--data-dir       Directory containing dataset (default: ./data)
--save-dir       Directory to save models (default: ./models/saved)
--model          A, B, or both (default: both)
--epochs         Number of epochs (default: 20)
--batch-size     Batch size (default: 4)
--lr             Learning rate (default: 0.001)
--num-classes    Number of classes (default: 14)
--use-dummy-data Create dummy data for testing
--seed           Random seed (default: 42)
""",
    "evaluate": """
--data-dir         Directory containing dataset
--model-dir        Directory containing trained models
--output-dir       Directory to save results
--model            A, B, both, or compare
--num-classes      Number of classes
--resolution-factors  Comma-separated factors (default: 1.0,2.0,3.0,4.0)
""",
    "example": """
--demo        synth, inference, training, contrast, or all
--output-dir  Directory to save outputs
""",
}

#: Flags that make a training short: one batch of a small network.
SHORT = ["--epochs", "1", "--steps-per-epoch", "1", "--base-features", "4", "--inputs.spacing", "6,6"]
SHORT += ["--inputs.patch", "48,32", "--device", "cpu"]

SMALL = (64, 40, 48)

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


def lines(block):
    return [shlex.split(line, comments=True) for line in block.splitlines() if line.startswith("python ")]


@pytest.mark.parametrize("words", lines(DEMOS), ids=lambda words: words[-1])
def test_each_demo_runs_without_data_and_draws_a_picture(words, tmp_path, monkeypatch, capsys):
    learning = pytest.importorskip("napari_medsynth.cli.example_learning")
    monkeypatch.setattr(learning, "SIZE", (64, 40, 48))
    for name, count in (("STEPS", 2), ("EPOCHS", 2)):
        monkeypatch.setattr(learning, name, count)
    monkeypatch.chdir(tmp_path)
    assert main(["example", *words[2:], "--output-dir", "pictures"]) == 0
    name = f"pictures/{words[-1]}.png"
    assert f"wrote {name}" in capsys.readouterr().out
    with Image.open(name) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] > 4 * 100
    assert pixels.std() > 20


def test_all_demos_are_what_example_draws_if_not_told_otherwise():
    assert example.Example().demo == "all"
    assert set(example.JOBS) == {words[-1] for words in lines(DEMOS)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data in SPIDER's layout, and models that the document's lines have made."""
    place = tmp_path_factory.mktemp("document")
    finish(dummy_data(place / "data", patients=6, size=SMALL))
    finish(dummy_data(place / "models" / "saved" / "dummy_data", patients=6, size=SMALL, seed=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for words in lines(TRAINING):
            assert main(["train", *words[2:], *SHORT]) == 0, words
    return place


def test_training_leaves_both_models(trained):
    for name in ("model_a_synthetic", "model_b_real"):
        model = SegmentationModel.read(trained / "models" / "saved" / f"{name}_best")
        assert len(model.values) == CLASSES
    assert model.card.training["settings"]["fit"]["batch_size"] == 8


@pytest.mark.parametrize("words", lines(EVALUATING), ids=lambda words: words[-1])
def test_evaluating(words, trained, monkeypatch):
    monkeypatch.chdir(trained)
    assert main(["evaluate", *words[2:]]) == 0


def test_architecture(capsys):
    model = run(ARCHITECTURE)["model"]
    assert capsys.readouterr().out == "Parameters: 488,358\n"
    assert model(torch.zeros(1, 1, 32, 32)).shape == (1, CLASSES, 32, 32)


@pytest.mark.parametrize(("features", "count"), PARAMETERS.items())
def test_each_size_has_about_the_parameters_of_the_table(features, count):
    assert UNet(1, CLASSES, features).count_parameters() == pytest.approx(count, rel=0.05)


def test_custom_evaluation(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    cases = find_cases("data")
    settings = TrainSettings(
        source="real", inputs=InputSpec(spacing=(6.0, 6.0), patch=(48, 32)), relabel=spine_relabel()
    )
    test = read_split("models/saved/split.json", cases).of("test", cases)
    table = SegmentationModel.read("models/saved/model_a_synthetic_best").labels
    prepared = finish(prepare_cases(test, settings, table=table))
    slices = [
        (torch.from_numpy(padded(case.inputs[..., n])), torch.from_numpy(padded(case.classes[..., n]).astype(np.int64)))
        for case in prepared
        for n in range(case.classes.shape[2])
    ]
    results = run(CUSTOM, test_loader=DataLoader(slices, batch_size=4), device=torch.device("cpu"))["results"]
    assert 0 <= results["overall_dice"] <= 1
    assert capsys.readouterr().out.endswith(f"Dice: {results['overall_dice']:.4f}\n")


def padded(array):
    """Rows and columns as the network takes them: multiples of 16."""
    rows, columns = array.shape[-2:]
    return np.pad(array, [(0, 0)] * (array.ndim - 2) + [(0, -rows % 16), (0, -columns % 16)])


@pytest.mark.parametrize("command", REFERENCE)
def test_every_flag_of_the_reference_is_there_with_its_default(command, capsys):
    assert main([command, "--help"]) == 0
    said = re.sub(r"[│\s]+", " ", capsys.readouterr().out.partition("show this help message")[2])
    for line in REFERENCE[command].strip().splitlines():
        flag, default = line.split()[0], re.search(r"\(default: (.*)\)", line)
        found = re.search(rf" {flag}[ ,].*?(?= --\w|╰)", said)
        assert found, flag
        if default is not None:
            assert f"(default:{default[1].removeprefix('./')})" in found[0].replace(" ", ""), found[0]


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
