"""The documentation of the Synthetic Medical Dataset Generator, walked through: every command, code block and table.

Its script is ``medsynth phantom`` here, and its module is ``napari_medsynth``; all else is as it is written there.
Commands are parsed as they are, and run with few and small samples in place of what they ask for.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import h5py
import numpy as np
import pytest

import napari_medsynth
from napari_medsynth import LazyMedicalDataset, SyntheticAnatomyGenerator, SyntheticDatasetGenerator
from napari_medsynth.cli.app import main
from napari_medsynth.cli.flags import parsed
from napari_medsynth.cli.phantom import Phantom
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.scenarios import builtin_scenarios
from napari_medsynth.phantom.step import Phantom as PhantomStep

#: "Command Line Interface": each argument and its default; None for flags, which are off.
ARGUMENTS = {
    "--image-size": "128,128,64",
    "--total-samples": "1000",
    "--output-dir": "../data/synthetic_medical_dataset_hdf5",
    "--validation-split": "0.2",
    "--test-split": "0.1",
    "--position-noise": "0.05",
    "--size-noise": "0.2",
    "--intensity-noise": "0.15",
    "--skip-generation": None,
    "--skip-visualization": None,
    "--skip-training-test": None,
    "--verbose": None,
    "--seed": "42",
}

#: "Quick Start", "Usage Examples", "Performance Considerations" and "Troubleshooting": each command, loops unrolled.
COMMANDS = """
--image-size "128,128,64" --total-samples 1000 --output-dir "./medical_dataset"

--image-size "256,256,128" --total-samples 500 --output-dir "./high_res_dataset"
--image-size "64,64,32" --total-samples 2000 --output-dir "./quick_dataset"
--image-size "512,512,256" --total-samples 100 --output-dir "./ultra_hires"
--total-samples 10000 --validation-split 0.15 --test-split 0.05
--total-samples 100 --validation-split 0.3 --test-split 0.2
--total-samples 5000 --test-split 0.0
--position-noise 0.1 --size-noise 0.4 --intensity-noise 0.25
--position-noise 0.02 --size-noise 0.1 --intensity-noise 0.05
--position-noise 0.15 --size-noise 0.5 --intensity-noise 0.3
--skip-visualization --skip-training-test --verbose
--verbose --total-samples 50 --image-size "64,64,32"
--seed 12345 --total-samples 1000
--seed 1 --output-dir "./dataset_seed_1" --total-samples 500
--seed 5 --output-dir "./dataset_seed_5" --total-samples 500
--image-size "256,256,128" --total-samples 50000 --validation-split 0.1 --test-split 0.05 \
 --output-dir "./data/production_medical_dataset" --skip-visualization --skip-training-test --seed 42
--image-size "64,64,32" --total-samples 2000 --output-dir "./dataset_64x64x32" --skip-visualization
--image-size "128,128,64" --total-samples 2000 --output-dir "./dataset_128x128x64" --skip-visualization
--image-size "256,256,128" --total-samples 2000 --output-dir "./dataset_256x256x128" --skip-visualization
--total-samples 10000 --skip-visualization --skip-training-test
--image-size "64,64,32" --total-samples 500
--image-size "64,64,32" --total-samples 100
--total-samples 10
"""

#: "Anatomical Structures": width, depth and height relative to the image, intensity, shape, side.
STRUCTURES = {
    "left_lung": ((0.15, 0.25, 0.35), 150, "ellipsoid", "left"),
    "right_lung": ((0.18, 0.25, 0.35), 150, "ellipsoid", "right"),
    "heart": ((0.12, 0.15, 0.2), 200, "ellipsoid", ""),
    "liver": ((0.25, 0.2, 0.3), 180, "ellipsoid", ""),
    "spleen": ((0.08, 0.1, 0.15), 170, "ellipsoid", "left"),
    "pancreas": ((0.15, 0.04, 0.08), 160, "ellipsoid", ""),
    "left_kidney": ((0.08, 0.12, 0.15), 160, "kidney", "left"),
    "right_kidney": ((0.08, 0.12, 0.15), 160, "kidney", "right"),
    **{f"L{n}": ((0.06, 0.06, 0.08), 220, "cylinder", "") for n in range(1, 6)},
}

THORACIC = {"left_lung", "right_lung", "heart"}

#: "Medical Scenarios": the share of each group, and what is gone in each scenario; None where it is not said.
SCENARIOS = {
    0.40: {"normal_complete": set(), "normal_thoracic": set(STRUCTURES) - THORACIC, "normal_abdominal": THORACIC},
    0.35: {
        "left_nephrectomy": {"left_kidney"},
        "right_nephrectomy": {"right_kidney"},
        "splenectomy": {"spleen"},
        "bilateral_nephrectomy": {"left_kidney", "right_kidney"},
        "left_lung_resection": {"left_lung"},
    },
    0.20: {"missing_L4": {"L4"}, "missing_L2_L3": {"L2", "L3"}, "complex_abdominal_surgery": None},
    0.05: {"minimal_structures": None, "extensive_resection": None},
}

#: "API Reference": each class with its methods.
METHODS = {
    "SyntheticAnatomyGenerator": ("generate_sample",),
    "SyntheticDatasetGenerator": ("generate_dataset", "save_dataset_hdf5"),
    "LazyMedicalDataset": ("__getitem__", "__len__", "get_class_distribution", "get_structure_names"),
    "visualize_sample": ("__call__",),
}

LOADING = """
from napari_medsynth import LazyMedicalDataset, visualize_sample

# Load dataset
dataset = LazyMedicalDataset('./medical_dataset', split='train')

# Visualize a sample
visualize_sample(dataset, idx=0)

# Check dataset statistics
distribution = dataset.get_class_distribution()
print(f"Dataset contains {len(dataset)} samples")
"""

TRAINING = """
from napari_medsynth import LazyMedicalDataset
from torch.utils.data import DataLoader

# Create datasets
train_dataset = LazyMedicalDataset(
    'path/to/dataset',
    split='train',
    load_masks=True,  # Set False for classification only
    transform=your_transform_function
)

# Create DataLoader
train_loader = DataLoader(
    train_dataset,
    batch_size=8,  # Adjust based on GPU memory
    shuffle=True,
    num_workers=4,
    pin_memory=True
)

# Training loop
for batch in train_loader:
    images = batch['image']          # [B, Z, Y, X]
    masks = batch['masks']           # [B, n_structures, Z, Y, X]
    presence = batch['presence_labels']  # [B, n_structures]
    scenarios = batch['scenario']    # List of scenario names
"""

MEMORY = """
from napari_medsynth import LazyMedicalDataset

# Load only what you need
classification_dataset = LazyMedicalDataset(
    'path/to/dataset',
    split='train',
    load_masks=False,  # Save memory for classification tasks
    preload_metadata=True  # Faster scenario access
)

# Custom transforms
def medical_transform(image, masks=None):
    # Normalize to [0, 1]
    image = image / 255.0

    if masks is not None:
        return image, masks
    return image

dataset = LazyMedicalDataset(
    'path/to/dataset',
    transform=medical_transform
)
"""

ANALYSIS = """
# Get dataset statistics
dataset = LazyMedicalDataset('path/to/dataset', split='train')

print(f"Dataset size: {len(dataset)}")
print(f"Image shape: {dataset.image_size}")
print(f"Structures: {dataset.get_structure_names()}")

# Class distribution
distribution = dataset.get_class_distribution()
for structure, stats in distribution.items():
    print(f"{structure}: {stats['presence_rate']:.1%} present")

# Sample inspection
sample = dataset[0]
print(f"Sample scenario: {sample['scenario']}")
print(f"Structures present: {sample['presence_labels'].sum().item()}")
"""

ONE_SAMPLE = """
generator = SyntheticAnatomyGenerator(image_size=(128, 128, 64))

# Generate single sample
image, masks, presence = generator.generate_sample(
    present_structures=['heart', 'liver', 'left_lung'],
    position_noise=0.05,
    size_noise=0.2,
    intensity_noise=0.15
)
"""

WHOLE_DATASET = """
dataset_gen = SyntheticDatasetGenerator(image_size=(128, 128, 64))

# Generate complete dataset
dataset = dataset_gen.generate_dataset(
    total_samples=1000,
    validation_split=0.2,
    test_split=0.1
)

# Save in HDF5 format
dataset_gen.save_dataset_hdf5(dataset, 'output/path')
"""

LAZY_DATASET = """
dataset = LazyMedicalDataset(
    data_path='path/to/hdf5/dataset',
    split='train',
    transform=None,
    load_masks=True,
    preload_metadata=True
)
"""

VALIDATION = """
# Verify dataset integrity
dataset = LazyMedicalDataset('path/to/dataset')
print(f"All samples loadable: {all(dataset[i] is not None for i in range(len(dataset)))}")

# Check for corruption
import h5py
with h5py.File('path/to/dataset/train.h5', 'r') as f:
    print(f"Images shape: {f['images'].shape}")
    print(f"Masks shape: {f['masks'].shape}")
    print(f"Labels shape: {f['presence_labels'].shape}")
"""

TROUBLE = "train_loader = DataLoader(dataset, batch_size=2, num_workers=1, persistent_workers=True)"


def phantom(line, *instead):
    """Run a command of the document; what comes last wins."""
    return main(["phantom", *shlex.split(line), "--workers", "1", *instead])


def commands():
    return [line for line in COMMANDS.replace("\\\n", "").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder to work in, with a dataset under each name that the document reads one from."""
    world = tmp_path_factory.mktemp("world")
    for name in ("medical_dataset", "path/to/dataset", "path/to/hdf5/dataset", "existing_dataset"):
        line = f"--image-size 16,24,20 --total-samples 10 --output-dir {shlex.quote(str(world / name))}"
        assert phantom(line, "--skip-visualization", "--skip-training-test") == 0
    return world


@pytest.fixture
def here(world, monkeypatch):
    monkeypatch.chdir(world)
    return world


def run(code, **names):
    """Run a code block; returns the names that it leaves behind."""
    space = {name: getattr(napari_medsynth, name) for name in METHODS} | names
    exec(compile(code, "<the document>", "exec"), space)
    return space


def test_all_arguments_are_there_with_the_documented_defaults(capsys):
    assert main(["phantom", "--help"]) == 0
    text = capsys.readouterr().out
    made = parsed(Phantom, [], prog="", example="")
    values = {**PhantomStep().__dict__, **made.__dict__}
    for flag, default in ARGUMENTS.items():
        if flag == "--verbose":  # every command has it
            assert main(["phantom", "--verbose", "--help"]) == 0
            continue
        assert flag in text
        value = values[flag[2:].replace("-", "_")]
        found = ",".join(str(n) for n in value) if isinstance(value, tuple) else str(value)
        assert found == (default or "False")


def test_there_is_a_version(capsys):
    assert main(["phantom", "--version"]) == 0
    assert napari_medsynth.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("line", commands())
def test_each_command_is_understood(line):
    words = [word for word in shlex.split(line) if word != "--verbose"]
    made = parsed(Phantom, words, prog="", example="")
    for flag, value in zip(words, [*words[1:], "--"], strict=True):
        if flag.startswith("--"):
            name = flag[2:].replace("-", "_")
            found = getattr(made.phantom if hasattr(made.phantom, name) else made, name)
            expected = "True" if value.startswith("--") else value.removeprefix("./")
            assert (",".join(map(str, found)) if isinstance(found, tuple) else str(found)) == expected


@pytest.mark.parametrize("line", ["", *commands()])
def test_each_command_runs(line, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert phantom(line, "--image-size", "12,16,14", "--total-samples", "6", "--skip-training-test") == 0
    asked = parsed(Phantom, [word for word in shlex.split(line) if word != "--verbose"], prog="", example="")
    files = {path.name for path in asked.output_dir.glob("*.*")}
    assert {"train.h5", "val.h5", "metadata.json"} <= files
    assert ("test.h5" in files) == (asked.test_split >= 0.1)  # of six samples
    assert ("sample_train.png" in files) == ("--skip-visualization" not in line)


def test_a_dataset_that_is_there_is_shown_and_tried_without_making_it_again(here, capsys):
    before = (here / "existing_dataset" / "train.h5").stat().st_mtime_ns
    assert phantom('--skip-generation --output-dir "./existing_dataset"') == 0
    assert (here / "existing_dataset" / "train.h5").stat().st_mtime_ns == before
    assert "training loop" in capsys.readouterr().out
    assert main(["verify", "existing_dataset"]) == 0


def test_one_seed_gives_one_dataset(tmp_path):
    sums = {}
    for name, seed in (("a", 12345), ("b", 12345), ("c", 1)):
        line = f"--seed {seed} --total-samples 4 --image-size 12,16,14 --output-dir {tmp_path / name}"
        assert phantom(line, "--skip-visualization", "--skip-training-test") == 0
        sums[name] = (tmp_path / name / "train.h5").read_bytes()
    assert sums["a"] == sums["b"] != sums["c"]


def test_the_folder_has_the_documented_layout(here):
    folder = here / "medical_dataset"
    counts = {"train.h5": 7, "val.h5": 2, "test.h5": 1}
    for name, count in counts.items():
        with h5py.File(folder / name) as file:
            assert file["images"].shape == (count, 16, 24, 20)
            assert file["masks"].shape == (count, 13, 16, 24, 20)
            assert file["presence_labels"].shape == (count, 13)
            assert file["scenarios"].shape == (count,)
            assert set(np.unique(file["masks"])) <= {0, 1}
            assert np.array_equal(file["masks"][()].any(axis=(2, 3, 4)), file["presence_labels"])
            assert isinstance(file["scenarios"].asstr()[0], str)
            assert len(file.attrs)
    assert (folder / "metadata.json").is_file()


def test_the_metadata_has_the_documented_keys(here):
    known = json.loads((here / "medical_dataset" / "metadata.json").read_text(encoding="utf-8"))
    assert known["structure_names"] == list(STRUCTURES)
    assert known["image_size"] == [16, 24, 20]
    assert known["generation_params"] == {"position_noise": 0.05, "size_noise": 0.2, "intensity_noise": 0.15}
    assert set(known["scenarios"]) <= {name for group in SCENARIOS.values() for name in group}


def test_the_structures_are_those_of_the_tables():
    known = catalogue("classic")
    assert [entry.name for entry in known.targets] == list(STRUCTURES)
    for name, (size, intensity, shape, side) in STRUCTURES.items():
        entry = known[name]
        assert entry.size[::-1] == size
        assert (entry.intensity, entry.shape, entry.label.side) == (intensity, shape, side)


def test_the_scenarios_are_those_of_the_tables_with_their_shares():
    known = {scenario.name: scenario for scenario in builtin_scenarios()}
    assert set(known) == {name for group in SCENARIOS.values() for name in group}
    for share, group in SCENARIOS.items():
        assert sum(known[name].share for name in group) == pytest.approx(share)
        for name, gone in group.items():
            left = known[name].structures(catalogue("classic"))
            assert left < set(STRUCTURES) if gone is None else left == set(STRUCTURES) - gone


@pytest.mark.parametrize(("name", "methods"), METHODS.items())
def test_each_class_and_method_is_there(name, methods):
    for method in methods:
        assert callable(getattr(getattr(napari_medsynth, name), method))
    assert name in napari_medsynth.__all__


def test_load_and_visualize(here, capsys):
    space = run(LOADING)
    assert "Dataset contains 7 samples" in capsys.readouterr().out
    assert len(space["distribution"]) == 13


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true")
@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_pytorch_integration(here):
    space = run(TRAINING, your_transform_function=lambda image, masks: (image / 255, masks))
    assert space["images"].shape == (7, 16, 24, 20)
    assert space["masks"].shape == (7, 13, 16, 24, 20)
    assert space["presence"].shape == (7, 13)
    assert len(space["scenarios"]) == 7


def test_memory_efficient_loading(here):
    space = run(MEMORY)
    assert "masks" not in space["classification_dataset"][0]
    assert space["dataset"][0]["image"].max() <= 1
    assert space["dataset"][0]["masks"].shape == (13, 16, 24, 20)


def test_dataset_analysis(here, capsys):
    run(ANALYSIS)
    said = capsys.readouterr().out
    assert "Dataset size: 7\nImage shape: (16, 24, 20)\nStructures: ['left_lung', 'right_lung', " in said
    assert "% present" in said


def test_one_sample():
    space = run(ONE_SAMPLE)
    assert space["image"].shape == (128, 128, 64)
    assert space["masks"].shape == (13, 128, 128, 64)
    assert [bool(n) for n in space["presence"]] == [name in ("heart", "liver", "left_lung") for name in STRUCTURES]


def test_a_whole_dataset_in_a_script_of_its_own(tmp_path):
    """As a person runs it: no ``if __name__ == "__main__"``, so that no process may be started that reads it again."""
    code = WHOLE_DATASET.replace("128, 128, 64", "12, 16, 14").replace("total_samples=1000", "total_samples=10")
    script = tmp_path / "script.py"
    script.write_text(f"from napari_medsynth import SyntheticDatasetGenerator\n{code}", encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for split, count in (("train", 7), ("val", 2), ("test", 1)):
        assert len(LazyMedicalDataset(tmp_path / "output" / "path", split=split)) == count


def test_a_whole_dataset_is_planned_at_once():
    plan = run(WHOLE_DATASET.partition("# Save")[0])["dataset"]
    assert {name: len(split) for name, split in plan.items()} == {"train": 700, "val": 200, "test": 100}
    assert plan["train"][0]["masks"].shape == (13, 128, 128, 64)


def test_the_lazy_dataset_takes_all_arguments_by_name(here):
    assert len(run(LAZY_DATASET)["dataset"]) == 7


def test_validation(here, capsys):
    run(VALIDATION)
    said = capsys.readouterr().out
    assert "All samples loadable: True" in said
    assert "Images shape: (7, 16, 24, 20)\nMasks shape: (7, 13, 16, 24, 20)\nLabels shape: (7, 13)" in said


def test_help_with_slow_loading(here):
    from torch.utils.data import DataLoader

    space = run(TROUBLE, DataLoader=DataLoader, dataset=LazyMedicalDataset("path/to/dataset"))
    assert sum(len(batch["image"]) for batch in space["train_loader"]) == 7


def test_the_generators_take_what_the_document_gives_them():
    assert SyntheticAnatomyGenerator(image_size=(8, 8, 8)).generate_sample()[0].shape == (8, 8, 8)
    assert len(SyntheticDatasetGenerator(image_size=(8, 8, 8)).generate_dataset(total_samples=5)) == 3
