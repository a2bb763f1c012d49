"""The Segment tab: an image, a model, and what it finds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QWidget

from ...core.errors import ConfigError, MedsynthError
from ...core.recipe import Recipe
from ..controls import allow, button, narrow, refill, remark, row
from ..copying import CopyButton
from ..filed import path_of
from ..job_bar import JobBar
from ..jobs import start_job
from ..layers import LayerData, add_layers
from .asked import Asked
from .choices import images
from .fit import Fit
from .model_box import ModelBox
from .options import OptionsBox
from .running import segmenting
from .snippets import as_command, as_python, as_recipe
from .table import Line, Table

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from ...learning.card import ModelCard

_COLUMNS = {"Found": "What the model found", "mL": "Its volume"}
_HEIGHT = 118
_FILE = "image.nii.gz"
_ADDED = "The result is a new layer; correct it with napari's brush, or go on to Compare and Improve."
_HIDDEN = "Its uncertainty is a layer below it, hidden at first: click its eye."


class RunTab(QWidget):
    """Choose an image layer and a model; the result is a new labels layer.

    Parameters
    ----------
    viewer
        The viewer.
    bar
        Shows what runs.

    Attributes
    ----------
    made : Signal(Labels)
        There is a new result.
    busy : Signal()
        Something was started, or has ended.
    """

    made = Signal(object)
    busy = Signal()

    def __init__(self, viewer: ViewerModel, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._bar = viewer, bar
        self._problem = self._done = ""
        self._asked: tuple[Image | None, ModelCard | None] = (None, None)
        self.image, self.models, self.options, self.fit = QComboBox(), ModelBox(), OptionsBox(), Fit(self)
        self.anyway = QCheckBox("Run anyway")
        self.run = button("Run (Ctrl+Enter)", self.start, "Find the model's structures, as a new labels layer")
        self.copy = CopyButton({kind: partial(self._text, kind) for kind in ("Recipe", "Command", "Python")})
        self.told, self.table = remark(), Table(_COLUMNS, _HEIGHT)
        self._arrange()
        self._connect()
        self.reset_choices()

    @property
    def layer(self) -> Image | None:
        """The image layer that is chosen."""
        return self.image.currentData()  # type: ignore[no-any-return]

    def asked(self) -> Asked:
        """Return what is asked for.

        Raises
        ------
        ConfigError
            If there is no model of use, or an option cannot be used.
        """
        model = self.models.model
        if model is None or model.card is None:
            raise ConfigError("there is no model that can be used" if model is None else model.problem)
        return self.options.asked(model.path, model.card, anyway=self.anyway.isChecked())

    def recipe(self) -> Recipe:
        """Return what is shown as a recipe of one step; raises :class:`ConfigError` if it cannot be used."""
        return Recipe(steps=(self.asked().step(),))

    def start(self) -> None:
        """Segment, in the background."""
        if self.update_state() or self.layer is None:
            return
        self._problem = self._done = ""
        handle = start_job(
            partial(segmenting, self.layer, self.asked()),
            title="Segmenting",
            done=self._on_made,
            failed=self._on_failed,
            bar=self._bar,
        )
        handle.finished.connect(self.busy.emit)
        self.busy.emit()

    def reset_choices(self) -> None:
        """Show the image layers that there are now."""
        refill(self.image, [(layer.name, layer) for layer in images(self._viewer)])
        self._on_choice()

    def _arrange(self) -> None:
        narrow(self.image)
        self.image.setToolTip("The image that is segmented; the layer itself stays as it is")
        self.anyway.setToolTip("The model was made for other images: what it finds may be far from the truth")
        layout = QFormLayout(self)
        layout.addRow("Image", self.image)
        for part in (self.models, self.models.told, self.options, self.told, self.anyway):
            layout.addRow(part)
        layout.addRow(row(self.run, self.copy))
        layout.addRow(self.table)

    def _connect(self) -> None:
        self.image.currentIndexChanged.connect(self._on_choice)
        self.models.changed.connect(self._on_choice)
        self.anyway.toggled.connect(self.update_state)
        self.options.changed.connect(self.update_state)
        self.fit.changed.connect(self._on_fit)

    def _text(self, kind: str) -> str:
        asked = self.asked()
        if self.layer is None:
            raise ConfigError("there is no image to segment")
        path = path_of(self.layer, _FILE)
        return as_recipe(asked) if kind == "Recipe" else {"Command": as_command, "Python": as_python}[kind](asked, path)

    def _on_choice(self, *_: object) -> None:
        """See whether the model that is chosen fits the image that is."""
        model, self._problem = self.models.model, ""
        asked = (self.layer, None if model is None else model.card)
        if asked != self._asked:  # and not when only another layer came or went
            self._asked, self._done = asked, ""
            self.anyway.setChecked(False)
            self.fit.ask(*asked)
        self.update_state()

    def _on_fit(self) -> None:
        self.update_state()

    def _on_made(self, made: list[LayerData]) -> None:
        add_layers(self._viewer, made)
        self.show_volumes(self._viewer.layers[-1])
        self._done = _ADDED if len(made) == 1 else f"{_ADDED} {_HIDDEN}"
        self.made.emit(self._viewer.layers[-1])

    def show_volumes(self, layer: Labels) -> None:
        """Show what a labels layer says of its structures."""
        found = layer.features
        rows = zip(found["index"], found["name"], found["volume_mL"], strict=True)
        lines = [Line(value, (str(name), f"{ml:.2f}"), colour=_colour(layer, value)) for value, name, ml in rows]
        self.table.show_lines(lines)

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._problem = str(error)
        self.update_state()

    def update_state(self, *_: object) -> str:
        """Show what can be done; return what stands in the way of it."""
        obstacle = self._obstacle()
        self.anyway.setVisible(bool(self.fit.misfit) and self.fit.can_run)
        self.told.setText(self._problem or self._done if not obstacle or self._bar.is_busy else obstacle)
        allow(self.run, obstacle)
        allow(self.copy, "" if self.models.model is not None and self.layer is not None else obstacle)
        return obstacle

    def _obstacle(self) -> str:
        model = self.models.model
        reasons = (
            (self.layer is None, "there is no image layer; open a scan"),
            (model is None, "there is no model; train one, or choose the folder that has some"),
            (model is not None and bool(model.problem), f"this model cannot be used: {model.problem if model else ''}"),
            (bool(self.options.error), self.options.error),
            (bool(self.fit.problem), self.fit.problem),
            (self.fit.is_busy, "seeing whether the model fits the image"),
            (bool(self.fit.misfit) and not (self.fit.can_run and self.anyway.isChecked()), self.fit.misfit),
            (self._bar.is_busy, "something is being worked out"),
        )
        return next((reason for stands, reason in reasons if stands), "")


def _colour(layer: Labels, value: int) -> tuple[float, float, float]:
    r, g, b, *_ = layer.get_color(value)
    return float(r), float(g), float(b)
