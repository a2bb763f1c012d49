"""A small dataset of phantoms to look through, made once, and the panel on a viewer's model, without OpenGL."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import make_dataset
from napari_medsynth.widgets.datasets.panel import DatasetPanel

SOON = 60_000  # ms; generous, for two busy cores

RECIPE = """\
seed: 3
steps:
- phantom:
    image_size: [20, 24, 22]
"""
COUNT = 20


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Folder of a dataset: 14 cases for training, 4 for validation, 2 for testing."""
    folder = tmp_path_factory.mktemp("datasets") / "phantoms"
    return finish(make_dataset(Recipe.from_yaml(RECIPE), COUNT, folder, workers=1))


@pytest.fixture
def panel(qtbot, viewer):
    made = DatasetPanel(viewer)  # not given to qtbot, which would delete it before what runs has ended
    gone = []
    made.destroyed.connect(lambda: gone.append(True))
    yield made
    if not gone:
        made.making.cancel()
        qtbot.waitUntil(lambda: at_rest(made), timeout=SOON)
        made.deleteLater()
    qtbot.waitUntil(lambda: bool(gone) and not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


def at_rest(panel):
    """Whether nothing is being made, read or checked."""
    return not (panel.making.is_busy or panel.checking.is_busy or panel.browse.pager.is_busy)


@pytest.fixture
def browse(qtbot, panel, dataset):
    """The Browse tab with the dataset open and its first case shown."""
    panel.look_through(dataset)
    qtbot.waitUntil(lambda: bool(panel.browse.preview.layers), timeout=SOON)
    return panel.browse
