"""The Browse tab: the cases of a dataset, page by page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QWidget,
)
from superqt import QElidingLabel

from ...core.errors import MedsynthError
from ...datasets.schema import REPORT
from ..background import in_background
from ..controls import allow, button, narrow, refill, remark, row
from ..job_bar import JobBar
from ..jobs import start_job
from ..layers import LayerData, add_layers
from .case_layers import layers_of
from .case_table import CaseTable
from .checklist import Checklist
from .opened import Opened, Wanted, describe_case, describe_found, presence_counts, scenario_counts
from .pager import Page, Pager
from .preview import Preview

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...datasets.reader import Split

_MOST_PROBLEMS, _MOST_LETTERS = 6, 200
_HINT = "Open the folder of a dataset, or one of its .h5 files."


class BrowseTab(QWidget):
    """Page through a dataset, show the cases of a scenario or with some structures, load one, check all.

    Parameters
    ----------
    viewer
        Where cases are shown.
    bar
        Shows what runs.
    """

    def __init__(self, viewer: ViewerModel, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._bar = viewer, bar
        self._opened: Opened | None = None
        self._split: Split | None = None
        self.preview, self.pager = Preview(viewer), Pager(self)
        self.name, self.choose = QElidingLabel(), QPushButton("Open…")
        self.choose.setMenu(self._menu())
        self.split, self.scenario = QComboBox(), QComboBox()
        self.has = Checklist("Show only cases that have these structures", "any structures")
        self.lacks = Checklist("Show only cases without these structures", "none left out")
        self.found, self.case, self.told = remark(), remark(), remark()
        self.table, self.slider, self.number = CaseTable(), QSlider(Qt.Orientation.Horizontal), QSpinBox()
        self.load = button("Load (Enter)", self.load_case, "Load the case as layers of its own, to keep and change")
        self.report = button("Report", self._open_report, "Open the dataset's report in the web browser")
        self.check = button("Verify", self.verify, "Read everything and list what is damaged, altered or twice there")
        self._arrange()
        self._connect()
        self._show_cases()

    @property
    def case_number(self) -> int | None:
        """Number, in its split, of the case that is chosen."""
        row_ = self.table.currentIndex().row()
        return int(self.table.indices[row_]) if row_ >= 0 else None

    @property
    def _report(self) -> Path | None:
        if self._opened is None:
            return None
        folder = self._opened.path if self._opened.path.is_dir() else self._opened.path.parent
        return folder / REPORT if (folder / REPORT).is_file() else None

    def open(self, path: Path, case: int = 0) -> None:
        """Open a dataset's folder or file, and show a case of its first split; a problem is shown in one line."""
        try:
            opened = Opened(path)
        except MedsynthError as error:
            self._say(str(error))
            return
        self._opened = opened
        self._say("")
        self.name.setText(path.name)
        self.name.setToolTip(str(path))
        self.split.blockSignals(True)
        self.split.clear()
        for name in opened.split_names:
            self.split.addItem(name, name)
        self.split.blockSignals(False)
        self._open_split()
        self._select(case)

    def load_case(self) -> None:
        """Load the chosen case as layers of its own, in the background."""
        if self._split is not None and self.case_number is not None:
            call = partial(layers_of, self._split, self.case_number)
            in_background(self, call, self._add, self._on_error)

    def verify(self) -> None:
        """Read everything and list what is wrong, in the background."""
        if self._opened is None:
            return
        from ...datasets.verify import checking

        job = partial(checking, self._opened.path)
        start_job(job, title="Verifying", done=self._on_verified, failed=self._on_error, bar=self._bar)

    def close_viewer(self) -> None:
        """Take the preview out of the viewer."""
        self.pager.want_none()
        self.preview.remove()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Folder of a dataset…").triggered.connect(lambda: self._choose_folder())
        menu.addAction("One .h5 file…").triggered.connect(lambda: self._choose_file())
        return menu

    def _arrange(self) -> None:
        self.choose.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        for box, tip in ((self.split, "Part of the dataset"), (self.scenario, "Show only cases of this scenario")):
            narrow(box)
            box.setToolTip(tip)
        self.slider.setToolTip("Page through the cases that are shown")
        self.number.setToolTip("The case, counted among those that are shown")
        layout = QFormLayout(self)
        layout.addRow("Dataset", row(self.name, self.choose))
        layout.addRow("Split", self.split)
        layout.addRow("Scenario", self.scenario)
        layout.addRow("With", self.has)
        layout.addRow("Without", self.lacks)
        for part in (self.found, self.table, row(self.slider, self.number), self.case):
            layout.addRow(part)
        layout.addRow(row(self.load, self.check, self.report))
        layout.addRow(self.told)
        self._say("")

    def _connect(self) -> None:
        self.split.currentIndexChanged.connect(self._open_split)
        self.scenario.currentIndexChanged.connect(self._show_cases)
        self.has.changed.connect(self._show_cases)
        self.lacks.changed.connect(self._show_cases)
        self.table.chosen.connect(self._on_row)
        self.table.asked.connect(self.load_case)
        self.slider.valueChanged.connect(self.table.select)
        self.number.valueChanged.connect(lambda number: self.table.select(number - 1))
        self.pager.arrived.connect(self._on_page)
        self.pager.failed.connect(self._on_error)

    def _open_split(self, *_: object) -> None:
        """Open the chosen split; the filter stays as far as it makes sense there."""
        self.pager.want_none()
        if self._opened is None:
            return
        try:
            split = self._opened.split(self.split.currentData())
        except MedsynthError as error:
            self._split = None
            self._on_error(error)
        else:
            self._split = split
            self._offer_choices(split)
        self._show_cases()

    def _offer_choices(self, split: Split) -> None:
        scenarios = [(f"{name.replace('_', ' ')}  ·  {count}", name) for name, count in scenario_counts(split).items()]
        refill(self.scenario, [(f"any  ·  {len(split)}", ""), *scenarios])
        present, total = presence_counts(split), max(len(split), 1)
        for box, sign in ((self.has, 1), (self.lacks, -1)):
            counts = [count if sign > 0 else len(split) - count for count in present.values()]
            box.offer(list(present), [f"{count} ({count / total:.0%})" for count in counts])

    def _wanted(self) -> Wanted:
        return Wanted(self.scenario.currentData() or "", self.has.ticked, self.lacks.ticked)

    def _show_cases(self, *_: object) -> None:
        """Show the cases that fit the filter; the one that was chosen stays so if it is among them."""
        before, split = self.case_number, self._split
        indices = np.empty(0, dtype=np.intp) if split is None else self._wanted().found_in(split)
        self.table.show_cases(split, indices)
        for part, low in ((self.slider, 0), (self.number, min(len(indices), 1))):
            part.blockSignals(True)
            part.setRange(low, max(len(indices) - 1 + low, low))
            part.blockSignals(False)
            part.setEnabled(len(indices) > 0)
        self.number.setSuffix(f" of {len(indices)}")
        self.found.setText(_HINT if split is None else describe_found(split, self._wanted(), len(indices)))
        self._select(before or 0)
        self._update()

    def _select(self, case: int) -> None:
        """Choose a case, or the first one if it is not shown."""
        if len(self.table.indices):
            hits = np.flatnonzero(self.table.indices == case)
            self.table.select(int(hits[0]) if hits.size else 0)
        else:
            self.preview.set_visible(False)
            self.case.setText("")

    def _on_row(self, number: int) -> None:
        for part, value in ((self.slider, number), (self.number, number + 1)):
            part.blockSignals(True)
            part.setValue(value)
            part.blockSignals(False)
        case = self.case_number
        if self._split is not None and case is not None:
            self.case.setText(describe_case(self._split, case))
            self.pager.want(self._split, case)
        self._update()

    def _on_page(self, page: Page) -> None:
        if page.split is self._split:
            self.preview.show(page.layers)
            self.preview.set_visible(True)
            self._say("")

    def _add(self, made: list[LayerData]) -> None:
        """Add the layers of a case, and hide the preview beneath until the next page."""
        self.preview.set_visible(False)
        add_layers(self._viewer, made)

    def _on_verified(self, problems: list[str]) -> None:
        more = [f"… and {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
        shown = [shorten(problem, _MOST_LETTERS, placeholder=" …") for problem in problems[:_MOST_PROBLEMS]]
        self._say("\n".join([*shown, *more]) or "Everything is whole and as recorded.", "\n".join(problems))

    def _on_error(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._say(str(error))

    def _update(self) -> None:
        allow(self.load, "" if self.case_number is not None else "choose a case first")
        allow(self.check, "" if self._opened is not None else "open a dataset first")
        allow(self.report, "" if self._report is not None else "there is none; medsynth dataset writes one")

    def _say(self, text: str, details: str = "") -> None:
        self.told.setText(text)
        self.told.setToolTip(details)
        self.told.setVisible(bool(text))

    def _open_report(self) -> None:
        if self._report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report)))

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Dataset", self.name.toolTip())
        if chosen:
            self.open(Path(chosen))

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Dataset", self.name.toolTip(), "Datasets (*.h5)")
        if chosen:
            self.open(Path(chosen))
