"""A tiny model, a scan for it, and the panel on a viewer's model, without OpenGL."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import Progress
from napari_medsynth.core.volume import Volume
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data

SOON = 90_000  # ms; generous, for two busy cores
TABLE = LabelTable((Label(3, "disc", colour=(0.1, 0.7, 0.3)), Label(9, "lesion", "lesion", colour=(0.9, 0.2, 0.1))))
SEED = 2  # of weights with which all classes are found
GREYS = np.array([0.1, 0.5, 0.95])  # of background, disc and lesion


def grey(classes, rng):
    return (GREYS[classes] + rng.normal(0, 0.02, classes.shape)).astype(np.float32)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with a tiny model that has learned nothing: what it finds is what the core finds with it."""
    from napari_medsynth.segmentation.model import SegmentationModel
    from napari_medsynth.segmentation.networks import NetworkSettings
    from napari_medsynth.segmentation.spec import InputSpec

    spec = InputSpec(kind="slices", plane="axial", patch=(32, 32), modality="MR")
    model = SegmentationModel.new("tiny", NetworkSettings(base_features=4), spec, TABLE, seed=SEED)
    folder = tmp_path_factory.mktemp("models")
    training = {"settings": {"source": "synthetic", "render": {"preset": "spine-t2"}}, "epochs": 7}
    model.save(folder / "tiny.safetensors", training=training, metrics={"validation": {"dice": 0.875}})
    return folder


@pytest.fixture
def truth():
    """A disc and a lesion, off the middle on every axis, 12×32×40 voxels of 3×1×1 mm."""
    array = np.zeros((12, 32, 40), dtype=np.uint8)
    array[3:9, 6:16, 4:14] = 3
    array[4:7, 20:26, 26:32] = 9
    return LabelMap(array, Affine.from_spacing((3.0, 1.0, 1.0), origin=(20.0, -15.0, 40.0)), TABLE)


@pytest.fixture
def scan(truth):
    """The scan that they are of."""
    classes = np.searchsorted([0, 3, 9], truth.array)
    return Volume(grey(classes, np.random.default_rng(1)), truth.affine, "MR")


def add_image(viewer, scan, name="scan"):
    data, how, _ = image_layer_data(scan, name=name)
    return viewer.add_image(data, **how)


def add_labels(viewer, labels, name="expert"):
    data, how, _ = labels_layer_data(labels, name=name)
    return viewer.add_labels(data, **how)


@pytest.fixture
def run_here(monkeypatch):
    """``medsynth segment`` runs in the tests' own process; that of a person is started where a model is trained."""
    from napari_medsynth.cli import app
    from napari_medsynth.cli.console import Console
    from napari_medsynth.widgets.segmenting import running

    def child(words):
        yield Progress(0, 0)
        assert app._ran(list(words), Console()) == 0

    monkeypatch.setattr(running, "child", child)


def at_rest(panel):
    """Whether nothing is being listed, looked at or made."""
    return not (panel.bar.is_busy or panel.segment.models.is_busy or panel.segment.fit.is_busy)


@pytest.fixture
def preferences(monkeypatch, tmp_path):
    """Folders that panels begin with, and nothing is remembered beyond the test."""
    from napari_medsynth.widgets.segmenting import improve_tab, model_box

    kept = {}
    monkeypatch.setattr(model_box, "models_folder", lambda: kept.get("models_folder", tmp_path / "models"))
    monkeypatch.setattr(improve_tab, "cases_folder", lambda: kept.get("cases_folder", tmp_path / "cases"))
    for module in (model_box, improve_tab):
        monkeypatch.setattr(module, "remember", kept.__setitem__)
    return kept


@pytest.fixture
def panel(qtbot, viewer, preferences):
    from napari_medsynth.widgets.segmenting.panel import SegmentPanel

    made = SegmentPanel(viewer)  # not given to qtbot, which would delete it before what runs has ended
    viewer.layers.events.inserted.connect(lambda _: made.reset_choices())
    viewer.layers.events.removed.connect(lambda _: made.reset_choices())
    gone = []
    made.destroyed.connect(lambda: gone.append(True))
    yield made
    viewer.layers.events.inserted.disconnect()
    viewer.layers.events.removed.disconnect()
    made.bar.cancel()
    qtbot.waitUntil(lambda: at_rest(made), timeout=SOON)
    made.deleteLater()
    qtbot.waitUntil(lambda: bool(gone) and not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


def wait_for(qtbot, panel):
    qtbot.waitUntil(lambda: at_rest(panel), timeout=SOON)
