"""A panel on a viewer's model, without OpenGL."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QThreadPool

from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.phantom.panel import PhantomPanel

SOON = 30_000  # ms; generous, for two busy cores

#: Small enough to be made at once.
SMALL = Phantom(image_size=(24, 20, 16), scenario="normal_complete")


def at_rest(qtbot, panel):
    """Wait until nothing is being made."""
    qtbot.waitUntil(lambda: not panel.previewer.is_busy and not panel.bar.is_busy, timeout=SOON)


@pytest.fixture
def panel(qtbot, viewer):
    """The panel, with its first preview."""
    made = PhantomPanel(viewer)  # not given to qtbot, which would delete it before what runs has ended
    gone = []
    made.destroyed.connect(lambda: gone.append(True))
    qtbot.waitUntil(lambda: bool(viewer.layers), timeout=SOON)
    at_rest(qtbot, made)
    yield made
    if not gone:
        at_rest(qtbot, made)
        made.deleteLater()
    qtbot.waitUntil(lambda: bool(gone) and not QThreadPool.globalInstance().activeThreadCount(), timeout=SOON)
