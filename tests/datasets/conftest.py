"""What the tests of the runner share."""

from __future__ import annotations

import pytest

import toys
from napari_medsynth.core.step import step_class
from toy_datasets import made, sums


@pytest.fixture
def toy_steps(tmp_path, monkeypatch):
    """The toys' step is installed."""
    toys.install(tmp_path / "packages", monkeypatch)
    step_class.cache_clear()
    yield
    step_class.cache_clear()


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """Checksums of a dataset of 24 cases that was made in this process without a break."""
    with pytest.MonkeyPatch.context() as patch:
        toys.install(tmp_path_factory.mktemp("packages"), patch)
        step_class.cache_clear()
        found = sums(made(tmp_path_factory.mktemp("data") / "data", 24))
        step_class.cache_clear()
    return found
