"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two cores shared by everything: no deadline per example, and the same examples in every run.
settings.register_profile("medsynth", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("medsynth")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real scans; tests that need it carry ``@pytest.mark.data`` and are skipped without it."""
    named = os.environ.get("MEDSYNTH_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; set MEDSYNTH_DATA to the folder that holds them")
    return folder
