"""The Make tab: a dataset of a recipe, made by a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QApplication, QFileDialog, QFormLayout, QLineEdit, QWidget

from ...core.errors import MedsynthError
from ..child import Ended
from ..controls import allow, button, remark, row
from ..form import form_of
from ..job_bar import JobBar
from ..jobs import JobHandle, start_job
from ..preferences import default_seed
from .making import Making
from .offers import TakeFrom
from .recipe_edit import RecipeEdit
from .target import Target

#: What the panel begins with: small enough to be made in a moment.
FIRST_RECIPE = """\
seed: {seed}
steps:
- phantom:
    anatomy: classic
    image_size: [128, 128, 64]
    scenario: mixed
"""

_OPTIONS = {"source": {"mode": "d"}}  # a folder
_REST_MS = 250  #: a hand that types rests no longer than this


class MakeTab(QWidget):
    """Ask for a dataset, see it being made, go on with one that was interrupted.

    Parameters
    ----------
    viewer
        Whose panels offer recipes.
    bar
        Shows what runs.

    Attributes
    ----------
    wanted : Signal(Path)
        A person wants to look through the dataset in this folder.
    """

    wanted = Signal(object)

    def __init__(self, viewer: Any, bar: JobBar) -> None:
        super().__init__()
        self._bar = bar
        self._handle: JobHandle | None = None
        self._target, self._seed_of_recipe = Target("empty"), -1
        self.recipe, self.form = RecipeEdit(), form_of(Making, advanced=("source", "workers"), options=_OPTIONS)
        self.take_from = TakeFrom(viewer, self.recipe.show_text, self._say)
        self.folder = QLineEdit()
        self.state, self.told = remark(), remark()
        self.choose = button("Choose…", self._choose, "Choose the folder for the dataset")
        self.make = button("Make", self.start, "Make the dataset in a process of its own; the viewer stays free")
        self.adopt = button("Show its settings", self.take_settings, "Show what the folder's dataset is made of")
        self.look = button("Look through it", self._want, "Open the dataset in the Browse tab")
        self.copy = button("Copy command", self._copy, "Copy shell commands that make the same dataset")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._arrange()
        self._connect()
        self.recipe.show_text(FIRST_RECIPE.format(seed=default_seed()))

    @property
    def output(self) -> Path | None:
        """The folder that the dataset goes to; None if none is named."""
        text = self.folder.text().strip()
        return Path(text).expanduser().absolute() if text else None

    @property
    def is_making(self) -> bool:
        """Whether a dataset is being made."""
        return self._handle is not None

    def start(self) -> None:
        """Make the dataset, or go on with it."""
        self.look_at_folder()
        recipe, folder = self.recipe.recipe, self.output
        if recipe is None or folder is None or self._obstacle():
            return
        making = self.form.settings()
        self._say("")
        self._handle = start_job(
            partial(making.run, recipe, folder),
            title=f"Making {making.count} cases",
            done=self._on_made,
            failed=self._on_failure,
            bar=self._bar,
        )
        self._handle.finished.connect(self._on_end)
        self._update()

    def take_settings(self) -> None:
        """Show the settings of the dataset that the folder holds."""
        try:
            recipe, making = self._target.settings()
        except MedsynthError as error:
            self._say(str(error))
            return
        self.recipe.show_text(recipe.to_yaml())
        self.form.set(making)
        self._update()

    def look_at_folder(self) -> None:
        """See again what the output folder holds."""
        self._timer.stop()
        self._target = Target("empty") if self.output is None else Target.of(self.output)
        self._update()

    def command(self) -> str:
        """Return the shell commands that make the same dataset; empty while something is missing."""
        if self.recipe.recipe is None or self.output is None or self.form.error:
            return ""
        return self.form.settings().command(self.recipe.text.toPlainText(), self.output)

    def _arrange(self) -> None:
        self.folder.setPlaceholderText("a new or empty folder")
        self.folder.setClearButtonEnabled(True)
        layout = QFormLayout(self)
        layout.addRow("Recipe", self.take_from)
        layout.addRow(self.recipe)
        layout.addRow(self.form.native)
        layout.addRow("Folder", row(self.folder, self.choose))
        layout.addRow(self.state)
        layout.addRow(self.make)
        layout.addRow(row(self.copy, self.look, self.adopt))
        layout.addRow(self.told)
        self._say("")

    def _connect(self) -> None:
        self._timer.timeout.connect(self.look_at_folder)
        self.recipe.changed.connect(self._on_recipe)
        self.form.changed.connect(self._update)
        self.folder.textChanged.connect(self._timer.start)

    def _on_recipe(self) -> None:
        """Follow the recipe's seed when that changes; a seed that was entered stays until then."""
        recipe = self.recipe.recipe
        if recipe is not None and recipe.seed != self._seed_of_recipe:
            self._seed_of_recipe = recipe.seed
            self.form.row("seed").value = recipe.seed
        self._update()

    def _update(self, *_: object) -> None:
        difference = self._difference()
        self.state.setText(self._state(difference))
        self.make.setText(f"Resume ({self._target.done} of {self._target.count} done)" if self._is_begun else "Make")
        allow(self.make, self._obstacle())
        allow(self.copy, "" if self.command() else "recipe, settings and folder are needed first")
        self.adopt.setVisible(self._is_begun and not self.is_making and (bool(difference) or not self.recipe.recipe))
        self.look.setVisible(self._target.kind == "finished" and not self.is_making)

    @property
    def _is_begun(self) -> bool:
        return self._target.kind == "unfinished"

    def _state(self, difference: str) -> str:
        """Say what is there and what will be made of it."""
        if difference:
            return f"An unfinished dataset is there, but {difference}."
        if self._target.kind == "finished":
            return f"A finished dataset of {self._target.count or 'some'} cases is there."
        return "" if self.form.error else self.form.settings().describe()

    def _obstacle(self) -> str:
        """What stands in the way of making it; empty if nothing does."""
        reasons = (
            (self.is_making, "one is being made"),
            (self.recipe.recipe is None, "the recipe cannot be used"),
            (bool(self.form.error), self.form.error),
            (self.output is None, "choose a folder first"),
            (self._target.kind == "other", "the folder holds something else; choose a new or empty one"),
            (self._target.kind == "finished", "a finished dataset is there; choose another folder"),
            (bool(self._difference()), "an unfinished dataset of other settings is there; choose another folder"),
        )
        return next((reason for stands, reason in reasons if stands), "")

    def _difference(self) -> str:
        recipe = self.recipe.recipe
        if not self._is_begun or recipe is None or self.form.error:
            return ""
        return self._target.difference(recipe, self.form.settings())

    def _on_made(self, ended: Ended) -> None:
        self._say("\n".join(ended.notes[-3:]))

    def _on_failure(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._say(str(error))

    def _on_end(self) -> None:
        """Go back to asking. Not reached when the panel is gone: Qt forgets its connections."""
        if self._handle is not None and self._handle.is_cancelled:
            self._say("Stopped. The finished cases are kept; Resume goes on with the next one.")
        self._handle = None
        self.look_at_folder()

    def _say(self, text: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _want(self) -> None:
        self.wanted.emit(self.output)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.command())

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the dataset", self.folder.text())
        if chosen:
            self.folder.setText(chosen)
            self.look_at_folder()
