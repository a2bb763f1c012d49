"""The room as others see it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import napari_medsynth.io


def test_importing_loads_neither_nibabel_nor_simpleitk():
    code = "import sys, napari_medsynth.io; print({'nibabel', 'SimpleITK', 'PIL', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_is_there():
    for name in napari_medsynth.io.__all__:
        assert callable(getattr(napari_medsynth.io, name))
    assert dir(napari_medsynth.io) == sorted(napari_medsynth.io.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'read_tiff'"):
        _ = napari_medsynth.io.read_tiff
