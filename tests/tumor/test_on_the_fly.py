"""Tumors placed while a network trains: same stream for any number of workers, no leak between patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_medsynth.core.errors import ConfigError, SplitError
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.tumor import InsertTumors, SeedLibrary, TumorDataset, Variation
from organ import airy_organ, made_seed

SMALL = Variation(size="range", diameter_mm=(6, 9))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    library = SeedLibrary.create(tmp_path_factory.mktemp("fly") / "seeds")
    seeds = [made_seed(7.0, seed=n) for n in range(2)]
    library.add([replace(s, info=replace(s.info, patient=f"patient-{n}")) for n, s in enumerate(seeds)])
    return library.folder


@pytest.fixture(scope="module")
def step():
    return InsertTumors(count=(1, 2), variation=SMALL)


@pytest.fixture(scope="module")
def hosts():
    return [replace(airy_organ((24, 48, 48), seed=n), id=f"host-{n}") for n in range(2)]


def test_an_item_holds_tensors_with_a_channel_and_the_truth(hosts, library, step):
    item = TumorDataset(hosts, library, step)[0]
    assert item["image"].shape == item["labels"].shape == item["instances"].shape == (1, 24, 48, 48)
    assert item["image"].dtype == torch.float32
    assert item["labels"].dtype == item["instances"].dtype == torch.int64
    assert item["instances"].max() >= 1
    assert item["id"] == "host-0"
    assert item["not_placed"] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_very_items_that_the_dataset_gives(hosts, library, step, workers):
    dataset = TumorDataset(hosts, library, step, seed=5, length=4)
    here = [dataset[n]["image"] for n in range(4)]
    there = [item["image"] for item in DataLoader(dataset, batch_size=None, num_workers=workers)]
    assert all(torch.equal(a, b) for a, b in zip(here, there, strict=True))


def test_each_epoch_and_each_item_is_another(hosts, library, step):
    dataset = TumorDataset(hosts, library, step, length=4)
    first = [dataset[n]["image"].numpy().tobytes() for n in range(4)]
    dataset.set_epoch(1)
    second = [dataset[n]["image"].numpy().tobytes() for n in range(4)]
    assert len(set(first + second)) == 8


def test_a_patch_has_the_asked_size_and_holds_a_lesion(hosts, library, step):
    dataset = TumorDataset(hosts, library, step, patch=(16, 32, 32), length=6)
    items = [dataset[n] for n in range(6)]
    assert all(item["image"].shape == (1, 16, 32, 32) for item in items)
    assert all(item["instances"].max() > 0 for item in items)


def test_scans_on_disk_are_read_when_asked_for(hosts, library, step, tmp_path):
    write_volume(hosts[0].image, tmp_path / "scan.nii.gz")
    write_labels(hosts[0].labels, tmp_path / "organs.nii.gz")
    from_disk = TumorDataset([(tmp_path / "scan.nii.gz", tmp_path / "organs.nii.gz")], library, step, seed=3)
    in_memory = TumorDataset([replace(hosts[0], host=None)], library, step, seed=3)
    assert from_disk[0]["id"] == "scan"
    assert torch.equal(from_disk[0]["image"], in_memory[0]["image"])


def test_a_reserved_patient_may_not_be_a_host(hosts, library, step):
    with pytest.raises(SplitError, match="hosts hold reserved patients host-1"):
        TumorDataset(hosts, library, step, reserved=["host-1"])


def test_a_reserved_patient_s_seeds_may_not_be_placed(hosts, library, step):
    with pytest.raises(SplitError, match="holds seeds of reserved patients patient-1"):
        TumorDataset(hosts, library, step, reserved=["patient-1"])
    kept_out = replace(step, exclude_patients=("patient-1",))
    dataset = TumorDataset(hosts, library, kept_out, reserved=["patient-1"], length=6)
    used = {
        e["seed_id"] for n in range(6) for e in dataset.step(hosts[0], seed=0, index=n).history[-1].params["lesions"]
    }
    assert len(used) == 1


def test_bad_arguments_are_told_in_one_line(library, step, hosts):
    with pytest.raises(ConfigError, match="hosts is empty"):
        TumorDataset([], library, step)
    with pytest.raises(ConfigError, match="patch is"):
        TumorDataset(hosts, library, step, patch=(0, 8, 8))
    with pytest.raises(IndexError, match="item 9 of a dataset of 2"):
        TumorDataset(hosts, library, step)[9]


def test_global_torch_and_numpy_generators_are_left_alone(hosts, library, step):
    torch.manual_seed(0)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    TumorDataset(hosts, library, step)[0]
    assert torch.equal(torch_before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])
