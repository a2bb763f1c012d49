"""Checkpoints: whole or refused, and the one before is used where the last is damaged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import OrderedDict

import pytest
import torch

import fitting
from fitting import Toy, toy_settings
from napari_medsynth.core.errors import ReadError, WriteError
from napari_medsynth.learning.checkpoints import Checkpoints, read_state, write_state

STATE = {
    "weights": OrderedDict(
        a=torch.arange(6.0).reshape(2, 3), tied=torch.ones(2), half=torch.ones(3, dtype=torch.bfloat16)
    ),
    "optimiser": {0: {"step": torch.tensor(3.0), "betas": (0.9, 0.999)}, 1: []},
    "scalars": [None, True, 3, 0.1, float("inf"), "text ü"],
    "empty": torch.empty(0, 4),
}


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@pytest.fixture
def two(tmp_path):
    """A folder with the checkpoints of epochs 1 and 2."""
    checkpoints = Checkpoints(tmp_path)
    for epoch in (1, 2):
        write_state(checkpoints.path(epoch), {"epoch": epoch, **STATE})
    return checkpoints


def test_state_comes_back_as_it_was(tmp_path):
    write_state(tmp_path / "a.json", STATE)
    assert equal(read_state(tmp_path / "a.json"), STATE)


def test_what_would_need_pickle_is_not_kept(tmp_path):
    with pytest.raises(WriteError, match=r"state has <object object at .*>; expected numbers, text and tensors"):
        write_state(tmp_path / "a.json", {"x": object()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_one_that_is_cut_short_is_refused_and_the_one_before_used(two, suffix, part):
    file = two.path(2).with_suffix(suffix)
    os.truncate(file, int(part * file.stat().st_size))
    found = two.newest()
    assert found.epoch == 1
    assert len(found.problems) == 1
    assert str(file) in found.problems[0]


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_one_byte_that_is_changed_anywhere_is_seen(two, suffix):
    file = two.path(2).with_suffix(suffix)
    data = file.read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        if suffix == ".json" and data[place : place + 1].isspace():
            continue  # another kind of space changes nothing
        found = two.newest()
        assert found.epoch == 1, place
        assert "\n" not in found.problems[0]


def test_if_all_are_damaged_that_is_told(two):
    for epoch in (1, 2):
        two.path(epoch).with_suffix(".safetensors").unlink()
    with pytest.raises(ReadError, match=r"no checkpoint in .* is whole: .*epoch_0002.*does not exist; .*epoch_0001"):
        two.newest()


def test_tensors_without_their_json_are_no_checkpoint(two):
    """The process was killed between the two files."""
    two.path(3).with_suffix(".safetensors").write_bytes(b"half")
    assert (two.newest().epoch, two.newest().problems) == (2, ())
    two.sweep(2)
    assert not two.path(3).with_suffix(".safetensors").exists()


def test_two_are_kept(two, tmp_path):
    write_state(two.path(3), STATE)
    two.sweep(3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"epoch_000{epoch}.{suffix}" for epoch in (2, 3) for suffix in ("json", "safetensors")
    ]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("settings", [{}, {"ema": 0.9, "schedule": "plateau"}])
def test_going_on_gives_the_losses_of_a_training_that_was_not_stopped(tmp_path, settings, workers):
    """Weights, optimiser, average, plateau, dropout and examples go on where they were."""
    whole = Toy(tmp_path / "whole", toy_settings(epochs=9, **settings))
    whole.fit()
    parts = Toy(tmp_path / "parts", toy_settings(epochs=9, workers=workers, **settings))
    job = parts.job()
    while len(parts.run.log()) < 4:
        next(job)
    job.close()
    assert parts.fit(resume=True).epochs == 9
    for one, other in zip(whole.run.log(), parts.run.log(), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_killed_in_the_middle_it_goes_on_as_if_nothing_had_happened(tmp_path):
    whole = Toy(tmp_path / "whole", toy_settings(epochs=100))
    command = [sys.executable, fitting.__file__, str(tmp_path / "killed"), '{"epochs": 100}']
    child = subprocess.Popen(command)
    killed = Toy(tmp_path / "killed", toy_settings(epochs=100))
    try:
        while len(killed.run.log()) < 5:
            assert child.poll() is None
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.kill()
        child.wait()
    assert 5 <= len(killed.run.log()) < 100
    killed.fit(resume=True)
    whole.fit()
    assert killed.losses() == whole.losses()
