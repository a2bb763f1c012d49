"""The Compare tab: a result against other labels of the same scan."""

from __future__ import annotations

from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QWidget

from ...core.errors import MedsynthError
from ...core.progress import Job, Progress
from ..controls import allow, button, narrow, pick, refill, remark, row
from ..job_bar import JobBar
from ..jobs import start_job
from ..layers import history_of, labels_of
from ..previews import compile_colours
from .choices import labels_like
from .comparing import Compared, comparing
from .overlay import COLOURS, NAMES, Overlay
from .table import Line, Table

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ...metrics import StructureScore

_COLUMNS = {
    "Structure": "Click to go to the slice in which most of its voxels differ",
    "Dice": "Overlap: 1 the same, 0 nothing in common; – absent from both",
    "HD95": "Hausdorff distance in mm: 95 % of both surfaces are nearer to the other one than this",
    "mL": "Volume of the labels that are judged",
    "of mL": "Volume of the labels that they are compared with",
}
_HEIGHT = 180
_HINT = "Choose a result and the labels that it should be, e.g. those of an expert."


class CompareTab(QWidget):
    """Dice, distances and volumes by structure, and an overlay of what is missed and what is extra.

    Parameters
    ----------
    viewer
        The viewer.
    bar
        Shows what runs.

    Attributes
    ----------
    busy : Signal()
        Something was started, or has ended.
    """

    busy = Signal()

    def __init__(self, viewer: ViewerModel, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._bar = viewer, bar
        self._compared: Compared | None = None
        self._said = ""
        self._watched: tuple[Labels, ...] = ()
        self.overlay = Overlay(viewer)
        self.found, self.truth = QComboBox(), QComboBox()
        self.compare = button("Compare", self.start, "Work out Dice, distances and volumes, and show where both differ")
        self.shown = QCheckBox("Show differences")
        self.table, self.legend, self.told = Table(_COLUMNS, _HEIGHT), QLabel(), remark()
        self._arrange()
        self.found.currentIndexChanged.connect(self._on_found)
        self.truth.currentIndexChanged.connect(self.update_state)
        self.shown.toggled.connect(self.overlay.set_visible)
        self.table.chosen.connect(self._go_to)
        self.reset_choices()

    @property
    def compared(self) -> Compared | None:
        """What was found last."""
        return self._compared

    def choose(self, layer: Labels) -> None:
        """Choose the labels that are judged."""
        self.reset_choices()
        pick(self.found, layer)

    def start(self) -> None:
        """Compare, in the background."""
        found, truth = self.found.currentData(), self.truth.currentData()
        if found is None or truth is None or self._bar.is_busy:
            return
        handle = start_job(
            partial(_comparing, found, truth),
            title="Comparing",
            done=partial(self._on_compared, found, truth),
            failed=self._on_failed,
            bar=self._bar,
        )
        handle.finished.connect(self.busy.emit)
        self.busy.emit()

    def reset_choices(self) -> None:
        """Show the layers that there are now."""
        refill(self.found, [(layer.name, layer) for layer in labels_like(self._viewer)])
        self._on_found()

    def close_viewer(self) -> None:
        """Take the overlay out of the viewer, and listen to layers no longer."""
        self._watch(())
        self.overlay.remove()

    def _arrange(self) -> None:
        self.shown.setChecked(True)
        for box, tip in ((self.found, "The labels that are judged"), (self.truth, "What they should be")):
            narrow(box)
            box.setToolTip(tip)
        swatches = "&nbsp;&nbsp; ".join(f"<span style='color:{_hex(COLOURS[k])}'>■</span> {NAMES[k]}" for k in NAMES)
        self.legend.setText(swatches)
        layout = QFormLayout(self)
        layout.addRow("Result", self.found)
        layout.addRow("Compare with", self.truth)
        layout.addRow(row(self.compare, self.shown))
        layout.addRow(self.told)
        layout.addRow(self.table)
        layout.addRow(self.legend)

    def _on_found(self, *_: object) -> None:
        found = self.found.currentData()
        others = [] if found is None else labels_like(self._viewer, found)
        refill(self.truth, [(layer.name, layer) for layer in others])
        self.update_state()

    def _on_compared(self, found: Labels, truth: Labels, compared: Compared) -> None:
        self._compared = compared
        self.table.show_lines([_line(score) for score in compared.scores])
        self.overlay.show(compared, found)
        self.overlay.set_visible(self.shown.isChecked())
        self._watch((found, truth))
        self._said = _summary(compared, found, truth)
        self.update_state()

    def _watch(self, layers: tuple[Labels, ...]) -> None:
        """Notice when one of the compared layers is painted on."""
        for layer in self._watched:
            layer.events.paint.disconnect(self._on_painted)
            layer.events.data.disconnect(self._on_painted)
        self._watched = layers
        for layer in layers:
            layer.events.paint.connect(self._on_painted)
            layer.events.data.connect(self._on_painted)

    def _on_painted(self) -> None:
        self._said = "The labels were changed since; compare again for figures of what they are now."
        self.update_state()

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._said = str(error)
        self.update_state()

    def _go_to(self, value: Any) -> None:
        """Show the slice in which most voxels of a structure differ, along the axis that is looked along."""
        layer = self.overlay.layer
        if self._compared is None or layer is None or self._viewer.dims.ndisplay != 2 or layer.ndim != 3:
            return
        worst = self._compared.worst.get(value)
        if worst is not None:
            axis = self._viewer.dims.order[-3]
            place = layer.data_to_world(worst)
            self._viewer.dims.set_point(axis, place[axis - self._viewer.dims.ndim + layer.ndim])

    def update_state(self, *_: object) -> None:
        """Show what can be done, and why other things cannot."""
        reasons = (
            (self.found.currentData() is None, "there is no labels layer; segment an image first"),
            (self.truth.currentData() is None, "there is no other labels layer of as many voxels; open one"),
            (self._bar.is_busy, "something is being worked out"),
        )
        obstacle = next((reason for stands, reason in reasons if stands), "")
        allow(self.compare, obstacle)
        self.told.setText(self._said or (_HINT if not obstacle or self._bar.is_busy else obstacle))


def _comparing(found: Labels, truth: Labels) -> Job[Compared]:
    yield Progress(0, 3, "reading the labels")
    compile_colours()  # here, and not in the viewer's thread
    made, history = labels_of(found), history_of(found)
    by_model = bool(history) and history[-1].step == "segment"  # its table is that of the model
    return (yield from comparing(made, labels_of(truth), made.table if by_model else None))


def _line(score: StructureScore) -> Line:
    figures = (score.dice, score.hd95_mm, score.found_ml, score.truth_ml)
    cells = tuple(_text(figure, digits) for figure, digits in zip(figures, (3, 1, 2, 2), strict=True))
    tip = f"surface Dice {_text(score.surface_dice, 3)} · volume error {_text(score.volume_error, 2)}"
    return Line(score.value, (score.name or f"label {score.value}", *cells), tip)


def _text(figure: float, digits: int) -> str:
    return "–" if isnan(figure) else f"{figure:.{digits}f}"


def _summary(compared: Compared, found: Labels, truth: Labels) -> str:
    known = [score.dice for score in compared.scores if not isnan(score.dice)]
    if known and not any(known):
        return f"No value is in both {found.name!r} and {truth.name!r} at one place: do they mean the same structures?"
    missed, extra, other = compared.counts
    mean = f"Mean Dice {sum(known) / len(known):.3f} of {len(known)}. " if known else "Both are empty. "
    others = f" {_counted(compared.left_out)} that the model does not look for left out." if compared.left_out else ""
    return f"{mean}Voxels missed {missed}, extra {extra}, of another structure {other}.{others}"


def _counted(structures: int) -> str:
    return f"{structures} structure{'s' * (structures != 1)}"


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
