"""The tab that says what labels are made of: :class:`LabelTab`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from ...core.errors import MedsynthError
from ..controls import allow, button, row
from .tissue_table import TissueRow, TissueTable
from .tissues import Tissues, read_tissues, write_tissues

_FILES = "YAML (*.yaml *.yml)"


class LabelTab(QWidget):
    """The table of labels, and what a person changed in it, to be saved and loaded.

    Attributes
    ----------
    changed : Signal()
        A person changed what a label is made of.
    failed : Signal(Exception)
        A file could not be read or written.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._tissues: Tissues = {}
        self.table = TissueTable()
        self.reset = button("Reset", self._on_reset, "Forget all tissues that were chosen here")
        self.load = button("Load…", self._load_by_hand, "Tissues from a file that was saved here")
        self.save = button("Save…", self._save_by_hand, "The tissues that were chosen here, as a file")
        self.table.edited.connect(self._on_edited)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addLayout(row(self.reset, self.load, self.save))
        self._update()

    @property
    def tissues(self) -> Tissues:
        """Values and tissues that a person chose."""
        return dict(self._tissues)

    @tissues.setter
    def tissues(self, tissues: Tissues) -> None:
        self._tissues = dict(tissues)
        self._update()

    @property
    def missing(self) -> tuple[TissueRow, ...]:
        """Labels that have no class."""
        return tuple(row for row in self.table.rows if not row.entry)

    def show_rows(self, rows: Sequence[TissueRow], classes: Sequence[str]) -> None:
        """Show these labels; ``classes`` can be chosen."""
        self.table.show_rows(rows, classes)

    def load_from(self, path: Path) -> None:
        """Take the tissues of a file; raises as :func:`read_tissues` does."""
        self._take(read_tissues(path))

    def _take(self, tissues: Tissues) -> None:
        self.tissues = tissues
        self.changed.emit()

    def _on_edited(self, value: int, tissue: str) -> None:
        others = {own: word for own, word in self._tissues.items() if own != value}
        self._take({**others, value: tissue} if tissue else others)

    def _on_reset(self) -> None:
        self._take({})

    def _load_by_hand(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Tissues", "", _FILES)
        if chosen:
            self._try(self.load_from, Path(chosen))

    def _save_by_hand(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Tissues", "tissues.yaml", _FILES)
        if chosen:
            self._try(self._save_to, Path(chosen))

    def _save_to(self, path: Path) -> None:
        write_tissues(self._tissues, path)

    def _try(self, call: Callable[[Path], None], path: Path) -> None:
        try:
            call(path)
        except MedsynthError as error:
            self.failed.emit(error)

    def _update(self) -> None:
        obstacle = "" if self._tissues else "no tissue was changed; double-click one in the table"
        for part in (self.reset, self.save):
            allow(part, obstacle)
