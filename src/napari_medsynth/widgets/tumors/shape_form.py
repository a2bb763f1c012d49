"""The sliders that shape the ghost: :class:`ShapeForm`."""

from __future__ import annotations

import dataclasses
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QWidget
from superqt import QCollapsible

from ...core.settings import About, Settings, about
from ...tumor.blend import Blend
from ...tumor.morph import Morph
from ..controls import slider
from .ghost import Ghost

_AXES = ("z", "y", "x")
_LARGEST_MM = 150.0


class ShapeForm(QWidget):
    """Sliders for size, HU and edge, and, folded away, rotation, elasticity and growth.

    Attributes
    ----------
    resized : Signal(float)
        A diameter in mm was asked for.
    reshaped, reblended : Signal(dict)
        Fields of :class:`Morph` or :class:`Blend` were changed.
    """

    resized = Signal(float)
    reshaped = Signal(dict)
    reblended = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        size = About("Diameter of the ball of the same volume", "mm")
        morph, blend = partial(_about, Morph), partial(_about, Blend)
        self.size_mm = slider(size, 2, 60, self.resized.emit, digits=1)
        self.hu = slider(morph("hu_shift"), -400, 400, lambda v: self.reshaped.emit({"hu_shift": v}))
        self.edge = slider(blend("edge_mm"), 0, 6, lambda v: self.reblended.emit({"edge_mm": v}), digits=1)
        self.rotation = [slider(morph("rotation_deg"), -180, 180, self._on_rotation) for _ in _AXES]
        self.elastic = slider(morph("elastic_mm"), 0, 6, lambda v: self.reshaped.emit({"elastic_mm": v}), digits=1)
        self.growth = slider(morph("growth_mm"), -10, 10, lambda v: self.reshaped.emit({"growth_mm": v}), digits=1)
        self._arrange()

    def show_ghost(self, ghost: Ghost) -> None:
        """Show how a ghost is shaped; what is shown so is not told as a change."""
        if ghost.source is None:
            return
        seed, morph = ghost.source.seed, ghost.morph
        own = seed.info.diameter_mm
        for part, value in (
            (self.size_mm, own * morph.scale),
            (self.hu, morph.hu_shift),
            (self.edge, ghost.blend.edge_mm),
            (self.elastic, morph.elastic_mm),
            (self.growth, morph.growth_mm),
            *zip(self.rotation, (_turned(angle) for angle in morph.rotation_deg), strict=True),
        ):
            part.blockSignals(True)
            if part is self.size_mm:
                part.setRange(max(2.0, 0.11 * own), min(_LARGEST_MM, max(9.9 * own, 40.0), 4 * max(own, 10)))
            if not part.isSliderDown():
                part.setValue(value)
            part.blockSignals(False)

    def _arrange(self) -> None:
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(2)
        layout.addRow("Size, mm", self.size_mm)
        layout.addRow("HU shift", self.hu)
        layout.addRow("Edge, mm", self.edge)
        inner = QWidget()
        rows = QFormLayout(inner)
        rows.setContentsMargins(0, 0, 0, 0)
        for axis, part in zip(_AXES, self.rotation, strict=True):
            rows.addRow(f"Rotation {axis}, °", part)
        rows.addRow("Elasticity, mm", self.elastic)
        rows.addRow("Growth, mm", self.growth)
        more = QCollapsible("Rotation, elasticity, growth")
        more.setDuration(0)
        more.layout().setContentsMargins(0, 0, 0, 0)
        more.addWidget(inner)
        layout.addRow(more)

    def _on_rotation(self, _: float) -> None:
        z, y, x = (part.value() for part in self.rotation)
        self.reshaped.emit({"rotation_deg": (z, y, x)})


def _about(cls: type[Settings], name: str) -> About:
    return about(next(field for field in dataclasses.fields(cls) if field.name == name))


def _turned(degrees: float) -> float:
    """Return the same angle from -180 to 180 degrees."""
    return (degrees + 180) % 360 - 180
