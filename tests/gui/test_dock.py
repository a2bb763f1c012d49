"""What panels need of their dock: they end when it is closed, and scroll up and down only."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QLabel, QMainWindow, QVBoxLayout, QWidget

from napari_medsynth.widgets.dock import DockPanel, scrollable

SOON = 20_000


@pytest.fixture
def gone():
    return []


@pytest.fixture
def panel(gone):
    made = DockPanel()
    made.destroyed.connect(lambda: gone.append(True))
    return made


def test_a_panel_that_is_taken_out_of_its_dock_ends(qtbot, panel, gone):
    home = QWidget()
    qtbot.addWidget(home)
    QVBoxLayout(home).addWidget(panel)
    panel.setParent(None)
    qtbot.waitUntil(lambda: bool(gone), timeout=SOON)


def test_a_panel_that_moves_to_another_dock_stays(qtbot, panel, gone):
    homes = [QMainWindow(), QMainWindow()]
    for home in homes:
        qtbot.addWidget(home)
    homes[0].setCentralWidget(panel)
    panel.setParent(None)
    homes[1].setCentralWidget(panel)
    qtbot.wait(50)
    assert not gone


def test_what_scrolls_is_never_cut_off_at_its_side(qtbot):
    content, line, home = QWidget(), QLabel("short"), QWidget()
    QVBoxLayout(content).addWidget(line)
    area = scrollable(content)
    QVBoxLayout(home).addWidget(area)
    qtbot.addWidget(home)
    home.resize(10, 10)
    home.show()
    for text in ("short", "long " * 40):
        line.setText(text)
        qtbot.waitUntil(lambda: area.viewport().width() >= line.sizeHint().width(), timeout=SOON)
    line.setText("high\n" * 100)
    assert area.minimumSizeHint().height() < 200
