"""What the viewer's tests share; windows need a display, for which Xvfb will do (``xvfb-run -a``)."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume

HAS_DISPLAY = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

if not HAS_DISPLAY:  # Qt ends the process if it finds none; widgets without OpenGL do without one
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items):
    no_display = pytest.mark.skip(reason="no display for a napari window; run under xvfb-run -a")
    for item in items:
        if item.get_closest_marker("gui") and not HAS_DISPLAY:
            item.add_marker(no_display)


@pytest.fixture
def viewer():
    """A viewer's model: layers, dims and camera without a window."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def ct():
    """A small CT, 6×7×8 voxels of 3×1.5×1 mm, upright, every voxel different."""
    array = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8) - 1000
    return Volume(array, Affine.from_spacing((3, 1.5, 1), origin=(10, -20, 30)), "CT")


@pytest.fixture
def labels(ct):
    """A liver (1, coloured) and a lesion (7) on the grid of ``ct``."""
    array = np.zeros(ct.shape, dtype=np.uint8)
    array[1:4, 2:5, 2:6] = 1
    array[2, 3, 3:5] = 7
    table = LabelTable((Label(1, "liver", colour=(0.5, 0.2, 0.1)), Label(7, "lesion", "lesion")))
    return LabelMap(array, ct.affine, table)


@pytest.fixture
def record():
    """A step that was applied."""
    return Record("insert_tumors", 1, {"count": [1, 1]}, {"seed": 3}, {"seed": 7, "case": 0, "occurrence": 0})


@pytest.fixture
def medsynth_plugin(npe2pm):
    """Plugin manager that knows this plugin and no other."""
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari-medsynth"))
    return npe2pm


@pytest.fixture
def turned():
    """Turn a volume about the body's long axis, then tilt it by half of that."""

    def turn(volume, degrees):
        matrix = volume.affine.matrix.copy()
        for angle, (a, b) in ((degrees, (0, 1)), (degrees / 2, (1, 2))):
            rotation = np.eye(4)
            cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
            rotation[a, a] = rotation[b, b] = cos
            rotation[a, b], rotation[b, a] = -sin, sin
            matrix = rotation @ matrix
        return replace(volume, affine=Affine(matrix))

    return turn


@pytest.fixture
def measured_here(monkeypatch):
    """Figures of a comparison are worked out in the tests' own process: starting another one takes seconds."""
    from napari_medsynth.metrics import scores
    from napari_medsynth.widgets.jobs import one_step
    from napari_medsynth.widgets.segmenting import comparing

    monkeypatch.setattr(comparing, "measuring", lambda found, truth: one_step(lambda: scores(truth, found))())
