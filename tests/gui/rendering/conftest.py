"""A panel on a viewer's model, without OpenGL, and a small head to render."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.widgets.layers import labels_layer_data
from napari_medsynth.widgets.rendering.panel import RenderPanel

SOON = 30_000  # ms; generous, for two busy cores


def head(shape=(24, 40, 32), spacing=(1.5, 1.0, 1.0)):
    """Shells of skin, fluid, cortex and white matter with a ventricle on each side; values of FreeSurfer."""
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    radius = np.sqrt(sum(g**2 for g in grid))
    array = np.zeros(shape, np.uint8)
    left = grid[-1] > 0
    for limit, values in ((0.95, (24, 24)), (0.8, (42, 3)), (0.6, (41, 2)), (0.25, (43, 4))):
        array[radius < limit] = 0
        array[(radius < limit) & ~left] = values[0]
        array[(radius < limit) & left] = values[1]
    return LabelMap(array, Affine.from_spacing(spacing, origin=(5.0, -7.0, 11.0)))


def named(labels):
    """The same with a table of its own."""
    pairs = {
        24: ("fluid", "csf", ""),
        3: ("left cortex", "cortex", "left"),
        42: ("right cortex", "cortex", "right"),
        2: ("left white matter", "white matter", "left"),
        41: ("right white matter", "white matter", "right"),
        4: ("left ventricle", "csf", "left"),
        43: ("right ventricle", "csf", "right"),
    }
    table = LabelTable(tuple(Label(value, *texts) for value, texts in pairs.items()))
    return LabelMap(labels.array, labels.affine, table)


def add(viewer, labels, name="head"):
    data, kwargs, _ = labels_layer_data(labels, name=name)
    return viewer.add_labels(data, **kwargs)


def at_rest(qtbot, panel):
    """Wait until nothing is being made."""
    view = panel.view
    qtbot.waitUntil(lambda: not (view.previewer.is_busy or panel.bar.is_busy or panel.reader.is_busy), timeout=SOON)


def preview_of(viewer):
    """The preview's layer."""
    return next((layer for layer in viewer.layers if layer.name.startswith("render (preview)")), None)


@pytest.fixture
def open_panel(qtbot, viewer):
    """Open a panel in the viewer; it is closed at the end."""
    opened = []

    def make():
        panel = RenderPanel(viewer)
        gone = []
        panel.destroyed.connect(lambda: gone.append(True))
        opened.append((panel, gone))
        return panel

    yield make
    for panel, gone in opened:
        if not gone:
            at_rest(qtbot, panel)
            panel.deleteLater()
        qtbot.waitUntil(lambda gone=gone: bool(gone), timeout=SOON)
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)


@pytest.fixture
def panel(qtbot, viewer, open_panel):
    """The panel on a head, with its first preview."""
    add(viewer, named(head()))
    made = open_panel()
    made.form.contrast.choose("brain-t1")
    qtbot.waitUntil(lambda: preview_of(viewer) is not None, timeout=SOON)
    at_rest(qtbot, made)
    return made
