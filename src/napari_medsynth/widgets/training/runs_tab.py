"""The Runs tab: trainings of a folder, and the one that is chosen: :class:`RunsTab`."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from ...core.errors import MedsynthError, WriteError
from ...learning.model_file import model_paths
from ...learning.run import Run
from ..background import in_background
from ..controls import remark
from .keeper import Keeper
from .order import Order
from .run_list import RunList
from .run_view import RunView
from .watch import Look, Row

if TYPE_CHECKING:
    from napari.components import ViewerModel


class RunsTab(QWidget):
    """List of runs, and what can be done with one.

    Parameters
    ----------
    viewer
        Whose theme the curves follow.
    keeper
        Looks at the runs.

    Attributes
    ----------
    use_wanted : Signal(Path)
        A person wants to use this model.
    """

    use_wanted = Signal(object)

    def __init__(self, viewer: ViewerModel, keeper: Keeper) -> None:
        super().__init__()
        self._keeper = keeper
        self.where, self.list, self.view, self.told = remark(), RunList(), RunView(viewer), remark()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for part in (self.where, self.list, self.view, self.told):
            layout.addWidget(part)
        layout.addStretch()
        self.list.picked.connect(self._on_picked)
        keeper.seen.connect(self._on_seen)
        keeper.listed.connect(self._on_listed)
        keeper.failed.connect(self._on_failed)
        self.view.stop_wanted.connect(self._stop)
        self.view.resume_wanted.connect(self._resume)
        self.view.delete_wanted.connect(self._delete)
        self.view.use_wanted.connect(lambda seen: self.use_wanted.emit(seen.run.best))
        self.say("")

    def follow(self, folder: Path | None) -> None:
        """Show the runs of a folder."""
        self.where.setText("" if folder is None else f"Runs in {folder.name}")
        self.where.setToolTip(str(folder or ""))
        self._keeper.list(folder)

    def start(self, order: Order, *, resume: bool = False) -> None:
        """Start a process, and show its run; raises as :meth:`Keeper.start` does."""
        self.say("")
        self._keeper.start(order, resume=resume)
        self.list.select(order.run)

    def confirm(self, question: str) -> bool:
        """Ask a person."""
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        return bool(QMessageBox.question(self, "Delete run", question, yes | no, no) == yes)

    def say(self, text: str) -> None:
        """Say what went wrong; nothing if that is empty."""
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _on_picked(self, run: Run | None) -> None:
        self.say("")
        if run is not None and run != self._keeper.run:
            self._keeper.watch(run)

    def _on_seen(self, seen: Look) -> None:
        self.view.show_look(seen)

    def _on_listed(self, rows: tuple[Row, ...]) -> None:
        folder = self._keeper.folder
        if folder is not None:
            self.list.show_rows(rows, folder, self._keeper.run)

    def _stop(self, seen: Look) -> None:
        self._try(partial(self._keeper.stop, seen.run))

    def _resume(self, seen: Look) -> None:
        self._try(lambda: self.start(Order.of(seen.run), resume=True))

    def _delete(self, seen: Look) -> None:
        run = seen.run
        if not self.confirm(f"Delete the run {run.name} with its best model, log, pictures and cases?"):
            return
        in_background(self, partial(_deleted, run), self._on_deleted, self._on_failed)

    def _on_deleted(self, run: Run) -> None:
        if self._keeper.run == run:
            self._keeper.watch(None)
            self.view.show_look(None)
        self._keeper.list(self._keeper.folder)

    def _try(self, call: partial[None] | object) -> None:
        try:
            call()  # type: ignore[operator]
        except MedsynthError as error:
            self._on_failed(error)

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self.say(str(error))


def _deleted(run: Run) -> Run:
    """Delete the folder of a run and its best model."""
    try:
        shutil.rmtree(run.folder)
        for path in model_paths(run.best):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{run.folder} could not be deleted: {error.strerror}") from error
    return run
