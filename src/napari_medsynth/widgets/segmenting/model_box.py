"""The choice of a model: :class:`ModelBox`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from ...learning.model_file import model_paths
from ..background import in_background
from ..controls import button, remark, row
from ..preferences import models_folder, remember
from .models import Listed, list_models
from .table import Line, Table

_COLUMNS = {
    "Model": "What it is called",
    "Finds": "How many structures it finds",
    "In": "Modality of the images that it was trained for",
    "mm": "Size of the voxels that it sees",
    "Dice": "Mean Dice of the cases that it was validated on while it was trained",
}
_HEIGHT = 112
_NONE = "No models here. Train one in the Train panel, or choose the folder that has some."


class ModelBox(QWidget):
    """A folder of models, of which one is chosen; the folder is remembered.

    What is said of the chosen one, ``told``, is for the panel's own form to lay out.

    Attributes
    ----------
    changed : Signal()
        Another model is chosen, or none.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._models: tuple[Listed, ...] = ()
        self._wanted: Path | None = None
        self._asked = self._shown = 0
        self.folder = models_folder()
        self.name, self.table, self.told = QElidingLabel(), Table(_COLUMNS, _HEIGHT), remark()
        self.choose = button("Folder…", self._ask, "Choose the folder that models are in")
        self.again = button("Look again", self.look, "List the models that the folder has by now")
        self.name.setElideMode(Qt.TextElideMode.ElideLeft)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)  # several lines, of which none is to be cut off
        self.told.setSizePolicy(policy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row(self.name, self.choose, self.again))
        layout.addWidget(self.table)
        self.table.chosen.connect(self._on_chosen)
        self.look()

    @property
    def model(self) -> Listed | None:
        """The model that is chosen, whether it can be used or not."""
        return next((model for model in self._models if model.path == self.table.key), None)

    @property
    def is_busy(self) -> bool:
        """Whether the folder is being listed."""
        return self._shown != self._asked

    def choose_model(self, path: Path) -> None:
        """Choose a model by its file; its folder is listed, and remembered."""
        self._wanted = model_paths(path)[0].absolute()
        self.choose_folder(self._wanted.parent)

    def choose_folder(self, folder: Path) -> None:
        """List the models of another folder, and remember it."""
        self.folder = folder.absolute()
        remember("models_folder", self.folder)
        self.look()

    def look(self) -> None:
        """List the folder's models, in the background; what is chosen stays so if it is still there."""
        self.name.setText(str(self.folder))
        self.name.setToolTip(str(self.folder))
        self._asked += 1
        in_background(self, partial(list_models, self.folder), partial(self._show, self._asked), self._on_failed)

    def _show(self, number: int, models: tuple[Listed, ...]) -> None:
        """Show the models; the one that was asked for is chosen, else the one before, else the first of use."""
        if number != self._asked:
            return
        before, self._wanted = self._wanted or self.table.key, None
        self._shown, self._models = number, models
        usable = next((model.path for model in models if not model.problem), None)
        known = any(model.path == before for model in models)
        self.table.show_lines([_line(model) for model in models], before if known else usable)

    def _on_failed(self, error: Exception) -> None:
        raise error

    def _on_chosen(self) -> None:
        none = "Choose a model." if self._models else _NONE
        self.told.setText(none if self.model is None else self.model.describe())
        self.changed.emit()

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of models", str(self.folder))
        if chosen:
            self.choose_folder(Path(chosen))


def _line(model: Listed) -> Line:
    tip = f"{model.path}\n{model.describe()}"
    if model.card is None or model.inputs is None:
        return Line(model.path, (model.name, "–", "–", "–", "–"), tip, struck=True)
    dice = "–" if model.dice is None else f"{model.dice:.3f}"
    modality, voxel = model.inputs.modality or "any", model.voxel or "any"
    return Line(model.path, (model.name, str(len(model.card.labels)), modality, voxel, dice), tip)
