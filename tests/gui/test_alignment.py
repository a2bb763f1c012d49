"""Labels of a form end in one line, whatever font the style gives them."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medsynth.core.settings import Settings, setting
from napari_medsynth.widgets.form import form_of


@dataclass(frozen=True, kw_only=True)
class Several(Settings):
    size: float = setting(0.5, "size", low=0.0, high=1.0)
    the_widest_label_of_all: float = setting(0.5, "width", low=0.0, high=1.0)
    hidden: float = setting(0.5, "shown by a tick", low=0.0, high=1.0)


def test_rows_begin_in_one_line_in_a_wider_font(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    form = form_of(Several, advanced=("hidden",))
    QVBoxLayout(window).addWidget(form.native)
    window.setStyleSheet("QLabel {font-size: 19pt}")
    window.show()
    form["more_settings"].value = True
    names = ("size", "the_widest_label_of_all", "hidden")

    def begins():
        return [form.row(name).native.mapTo(window, QPoint(0, 0)).x() for name in names]

    qtbot.waitUntil(lambda: len(set(begins())) == 1 and begins()[0] > 150, timeout=5_000)
