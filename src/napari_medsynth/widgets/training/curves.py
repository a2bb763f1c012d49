"""Losses and validation Dice as they come: :class:`Curves`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ..background import in_background
from .unexpected import raised
from .watch import Entry

if TYPE_CHECKING:
    from napari.components import ViewerModel

_HEIGHT = 150
_BLUE, _ORANGE, _GREEN = "#3d8fe0", "#e8833a", "#2fa866"  # seen on dark and on light

#: What is drawn: title, and of each curve the entry's key, its colour and its name.
_PLOTS = (
    ("Loss", (("loss", _BLUE, "training"), ("val_loss", _ORANGE, "validation"))),
    ("Validation Dice", (("val_dice", _GREEN, ""),)),
)


class Curves(QWidget):
    """Two small plots over epochs; pyqtgraph is loaded when there is something to draw.

    Parameters
    ----------
    viewer
        Whose theme they follow.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._log: tuple[Entry, ...] = ()
        self._plots: list[Any] = []
        self._curves: dict[str, Any] = {}
        self._wanted = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.setFixedHeight(_HEIGHT)
        self.hide()
        viewer.events.theme.connect(self._paint)

    def show_log(self, log: Sequence[Entry]) -> None:
        """Draw the epochs of a log."""
        self._log = tuple(log)
        self.setVisible(bool(log))
        if log and not self._wanted:
            self._wanted = True
            in_background(self, _load, self._on_loaded, raised)
        self._draw()

    def points(self, key: str) -> list[tuple[float, float]]:
        """Return the points of a curve: epoch and value."""
        if key not in self._curves:
            return []
        x, y = self._curves[key].getData()
        return [] if x is None else [(float(a), float(b)) for a, b in zip(x, y, strict=True)]

    def close_viewer(self) -> None:
        """Follow the theme no longer."""
        self._viewer.events.theme.disconnect(self._paint)

    def _on_loaded(self, pyqtgraph: Any) -> None:
        for title, curves in _PLOTS:
            plot = pyqtgraph.PlotWidget()
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            plot.setTitle(title, size="9pt")
            plot.showGrid(x=False, y=True, alpha=0.2)
            if len(curves) > 1:
                plot.addLegend(offset=(-4, 4), labelTextSize="8pt", verSpacing=-6)
            for key, colour, name in curves:
                pen, brush = pyqtgraph.mkPen(colour, width=2), pyqtgraph.mkBrush(colour)
                self._curves[key] = plot.plot(
                    pen=pen, symbol="o", symbolSize=4, symbolPen=None, symbolBrush=brush, name=name or None
                )
            plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)  # they share the width
            self.layout().addWidget(plot, 1)
            self._plots.append(plot)
        self._plots[1].setYRange(0, 1, padding=0.08)
        self._plots[1].getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._paint()
        self._draw()

    def _draw(self) -> None:
        for key, curve in self._curves.items():
            known = [(entry["epoch"], entry[key]) for entry in self._log if _is_number(entry.get(key))]
            curve.setData([epoch for epoch, _ in known], [value for _, value in known])
        last = max((entry["epoch"] for entry in self._log), default=1)
        if len(self._plots) > 1:
            validated = any(_is_number(entry.get("val_dice")) for entry in self._log)
            self._plots[1].setVisible(validated)
            self._plots[0].getPlotItem().legend.setVisible(validated)  # one curve needs none
        for plot in self._plots:
            plot.setXRange(0 if last == 1 else 1, max(last, 2), padding=0.04)

    def _paint(self, *_: object) -> None:
        """Take the colours of the viewer's theme."""
        from napari.utils.theme import get_theme

        theme = get_theme(self._viewer.theme)
        ground, ink = theme.background.as_hex(), theme.text.as_hex()
        for plot, (title, _) in zip(self._plots, _PLOTS, strict=False):
            plot.setBackground(ground)
            plot.setTitle(title, size="9pt", color=ink)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(ink)
                plot.getAxis(side).setTextPen(ink)
            legend = plot.getPlotItem().legend
            for _, label in [] if legend is None else legend.items:
                label.setText(label.text, color=ink)


def _load() -> Any:
    return import_module("pyqtgraph")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and value == value
