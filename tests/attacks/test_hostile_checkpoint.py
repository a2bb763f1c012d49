"""Checkpoints that would run code if they were unpickled."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - to attack with

import pytest
import torch

from napari_medsynth.core.errors import ReadError
from napari_medsynth.learning.checkpoints import Checkpoints, read_state, write_state


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, sentinel):
        self.sentinel = sentinel

    def __reduce__(self):
        return os.mkdir, (str(self.sentinel),)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_a_pickle_under_a_checkpoints_name_never_runs(tmp_path, suffix, form):
    sentinel = tmp_path / "sentinel"
    checkpoints = Checkpoints(tmp_path)
    write_state(checkpoints.path(1), {"weights": torch.ones(3)})
    file = checkpoints.path(1).with_suffix(suffix)
    if form == "pickle":
        file.write_bytes(pickle.dumps(Payload(sentinel)))
    else:
        torch.save({"weights": Payload(sentinel)}, file)
    with pytest.raises(ReadError):
        read_state(checkpoints.path(1))
    with pytest.raises(ReadError, match=r"no checkpoint in .* is whole"):
        checkpoints.newest()
    assert not sentinel.exists()
