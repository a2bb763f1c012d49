"""The Library tab: the seeds that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog, QFormLayout, QLabel, QLineEdit, QMessageBox, QWidget

from ...core.errors import MedsynthError
from ...tumor.seed import ATTACHMENTS, SeedInfo
from ..controls import allow, button, narrow, remark, row
from ..jobs import JobBar, one_step, start_job
from .seed_view import SeedView, item_of
from .shelf import Shelf

_LARGEST_MM = 200.0
_MOST_LINES = 5


class LibraryTab(QWidget):
    """Look through the library, remove seeds, take those of another library over.

    Parameters
    ----------
    shelf
        The library.
    bar
        Shows what runs.
    """

    def __init__(self, shelf: Shelf, bar: JobBar) -> None:
        super().__init__()
        self._shelf, self._bar = shelf, bar
        self.folder = QLabel()
        self.choose = button("Open…", self._choose_folder, "Open the library of another folder")
        self.merge = button("Merge…", self._choose_merge, "Copy all seeds of another library into this one")
        self.check = button("Check", self.check_all, "Read every seed and list those that are damaged")
        self.remove = button("Remove", self._confirm_remove, "Delete the selected seeds and their files")
        self.smallest, self.largest = QDoubleSpinBox(), QDoubleSpinBox()
        self.attachment, self.text = QComboBox(), QLineEdit()
        self.seeds = SeedView(several=True)
        self.told, self.problems = remark(), remark()
        self._arrange()
        self.seeds.selectionModel().selectionChanged.connect(self._update)
        shelf.changed.connect(self.show_library)
        self.show_library()

    def show_library(self) -> None:
        """Show the seeds that fit the filter."""
        infos = self._shelf.infos
        shown = [info for info in infos if self._fits(info)]
        self.seeds.set_items(item_of(info, partial(picture_of, self._shelf, info.id)) for info in shown)
        self.folder.setText(_short(self._shelf.folder))
        self.folder.setToolTip(str(self._shelf.folder))
        empty = "No seeds yet: keep some in the Extract tab." if not infos else ""
        self.told.setText(empty or f"{len(shown)} of {len(infos)} seeds")
        self._show_problems(self._shelf.problems)
        self._update()

    def merge_with(self, folder: Path) -> None:
        """Copy all seeds of another library into this one, in the background."""
        self._start(partial(self._shelf.merge, folder), "Merging libraries")

    def remove_selected(self) -> None:
        """Delete the selected seeds, in the background."""
        self._start(partial(self._shelf.remove, self.seeds.selected), "Removing seeds")

    def check_all(self) -> None:
        """Read every seed and show what is wrong, in the background."""
        self._start(self._shelf.verify, "Checking seeds", self._show_checked)

    def _show_checked(self, problems: list[str]) -> None:
        self._show_problems(problems or ["All seeds are whole."])

    def _arrange(self) -> None:
        for box, value in ((self.smallest, 0.0), (self.largest, _LARGEST_MM)):
            box.setRange(0.0, _LARGEST_MM)
            box.setDecimals(0)
            box.setSuffix(" mm")
            box.setValue(value)
            box.setToolTip("Diameter of the ball of the same volume")
            box.valueChanged.connect(self.show_library)
        self.attachment.addItems(["any", *ATTACHMENTS])
        narrow(self.attachment)
        self.attachment.setToolTip("What the lesion touched where it grew")
        self.attachment.currentIndexChanged.connect(self.show_library)
        self.text.setPlaceholderText("patient, scan or organ")
        self.text.setClearButtonEnabled(True)
        self.text.textChanged.connect(self.show_library)
        layout = QFormLayout(self)
        layout.addRow("Folder", row(self.folder, self.choose))
        layout.addRow("Diameter", row(self.smallest, QLabel("to"), self.largest))
        layout.addRow("Attachment", self.attachment)
        layout.addRow("Search", self.text)
        for part in (self.seeds, self.told, self.problems):
            layout.addRow(part)
        layout.addRow(row(self.merge, self.check, self.remove))

    def _fits(self, info: SeedInfo) -> bool:
        wanted = self.text.text().strip().lower()
        kind = self.attachment.currentText()
        return (
            self.smallest.value() <= info.diameter_mm <= self.largest.value()
            and kind in ("any", info.attachment)
            and any(wanted in text.lower() for text in (info.patient, info.source, info.organ, info.id))
        )

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Seed library", str(self._shelf.folder))
        if chosen:
            self._shelf.open(Path(chosen))

    def _choose_merge(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Library to copy seeds from", str(self._shelf.folder.parent))
        if chosen:
            self.merge_with(Path(chosen))

    def _confirm_remove(self) -> None:
        count = len(self.seeds.selected)
        question = f"Delete {count} seed{'s' * (count != 1)} and their files? This cannot be undone."
        if QMessageBox.question(self, "Remove seeds", question) == QMessageBox.StandardButton.Yes:
            self.remove_selected()

    def _show_problems(self, problems: Sequence[str]) -> None:
        more = [f"… and {len(problems) - _MOST_LINES} more"] if len(problems) > _MOST_LINES else []
        self.problems.setText("\n".join([*problems[:_MOST_LINES], *more]))
        self.problems.setVisible(bool(problems))

    def _start(self, call: Callable[[], Any], title: str, done: Callable[[Any], None] | None = None) -> None:
        def failed(error: Exception) -> None:
            if not isinstance(error, MedsynthError):
                raise error
            self._show_problems([str(error)])

        def announce(_: object) -> None:
            self._shelf.announce()

        start_job(one_step(call), title=title, done=done or announce, failed=failed, bar=self._bar)

    def _update(self, *_: object) -> None:
        allow(self.remove, "" if self.seeds.selected else "select the seeds to remove")


def picture_of(shelf: Shelf, seed_id: str) -> QPixmap:
    """Read a seed's picture; raises :class:`SeedError` if the seed is damaged."""
    return QPixmap(str(shelf.thumbnail(seed_id)))


def _short(folder: Path) -> str:
    """Return the end of a path, for a narrow panel."""
    return str(folder) if len(str(folder)) < 32 else f"…{str(folder)[-30:]}"
