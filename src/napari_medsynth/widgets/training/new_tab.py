"""The New tab: what is trained, on what, and Start: :class:`NewTab`."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from ...core.errors import ConfigError, MedsynthError
from ...core.labels import LabelTable
from ...core.progress import Job, Progress
from ...learning.run import Run
from ..controls import allow, button, remark, row
from ..copying import CopyButton
from ..dock import scrollable
from ..job_bar import JobBar
from ..jobs import start_job
from .data_box import DataBox
from .form import TrainForm
from .found import relabelled
from .order import CONFIG, DATA, ORDER, OUTPUT, Order, writing_cases

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

_OURS = {CONFIG, DATA, ORDER, OUTPUT}


class NewTab(QWidget):
    """Ask for a training.

    Parameters
    ----------
    viewer
        Whose layers can be trained on.
    bar
        Shows layers being written.

    Attributes
    ----------
    ready : Signal(Order)
        Everything is written; the process can be started.
    folder_changed : Signal()
        Another folder of models is named.
    """

    ready = Signal(object)
    folder_changed = Signal()

    def __init__(self, viewer: ViewerModel, bar: JobBar) -> None:
        super().__init__()
        self._bar, self._problem = bar, ""
        self.data, self.form, self.told = DataBox(viewer), TrainForm(viewer), remark()
        self.start = button("Start", self.begin, "Train, in a process of its own that goes on when napari is closed")
        texts = {"Command": Order.command, "Python": Order.python, "Config": Order.config}
        self.copy = CopyButton({kind: partial(self._text, text) for kind, text in texts.items()})
        self._arrange()
        self.data.changed.connect(self._on_change)
        self.form.changed.connect(self._on_change)
        self.form.folder.textChanged.connect(self.folder_changed)
        self._on_change()

    @property
    def models(self) -> Path | None:
        """The folder of models; None if none is named."""
        try:
            return self.form.target.parent
        except ConfigError:
            return None

    def order(self) -> Order:
        """Return what is shown.

        Raises
        ------
        ConfigError
            If it cannot be used.
        """
        found = self.data.found
        structures = found.structures if found is not None else LabelTable()
        relabel = relabelled(structures, self.data.structures.wanted)
        target, path = self.form.target, self.data.path
        settings = self.form.settings(relabel=relabel, scheme=self.data.scheme_name)
        data, layout = (target / DATA, "folder") if path is None else (path, self.data.layout_name)
        test = 0.0 if path is None else self.form.test.value() / 100  # layers that are ticked are there to learn from
        return Order(run=Run(target), settings=settings, data=data, layout=layout, test=test)

    def begin(self) -> None:
        """Write what is needed, in the background; :attr:`ready` is emitted then."""
        self.update_state()
        if not self.start.isEnabled():
            return
        order = self.order()
        self.form.keep_folder()
        handle = start_job(
            partial(_writing, order, self.data.pairs(), self.data.structures.table),
            title="Preparing the training",
            done=self.ready.emit,
            failed=self._on_failed,
            bar=self._bar,
        )
        handle.finished.connect(self.update_state)
        self.update_state()

    def fail(self, message: str) -> None:
        """Say what went wrong."""
        self._problem = message
        self.update_state()

    def update_state(self) -> None:
        """Show what stands in the way, and offer a name that is free."""
        self._offer_name()
        obstacle = self._obstacle()
        allow(self.start, obstacle)
        allow(self.copy, obstacle)
        self.told.setText(self._problem or (f"{obstacle[:1].upper()}{obstacle[1:]}." if obstacle else ""))
        self.told.setVisible(bool(self.told.text()))

    def _arrange(self) -> None:
        asked = QWidget()
        boxes = QVBoxLayout(asked)
        boxes.setContentsMargins(0, 0, 0, 0)
        for title, part in (("Learn from", self.data), ("Model", self.form)):
            box = QGroupBox(title)
            QVBoxLayout(box).addWidget(part)
            boxes.addWidget(box)
        boxes.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scrollable(asked), 1)
        layout.addWidget(self.told)
        layout.addLayout(row(self.start, self.copy))

    def _on_change(self) -> None:
        self._problem = ""
        self.update_state()

    def _offer_name(self) -> None:
        """Name the run after what it learns from, with a number if there is one of that name."""
        pairs, path, models = self.data.pairs(), self.data.path, self.models
        stem = path.name if path is not None else pairs[0][0].name.removesuffix(" labels") if pairs else "model"
        stem = f"{stem} {self.form.source}"
        self.form.offer_name(stem)
        number = 1
        while models is not None and _taken(models / self.form.name.placeholderText()):
            number += 1
            self.form.offer_name(f"{stem} {number}")

    def _obstacle(self) -> str:
        if self._bar.is_busy:
            return "the training is being prepared"
        obstacle = self.data.obstacle(self.form.source)
        if obstacle:
            return obstacle
        try:
            return _taken(self.order().run.folder)
        except MedsynthError as error:
            return str(error)

    def _text(self, text: object) -> str:
        order = self.order()
        if self.data.path is None and text is not Order.config:
            raise ConfigError("the layers are in no folder yet; start it, and copy from its run")
        return text(order)  # type: ignore[operator]

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self.fail(str(error))


def _taken(folder: Path) -> str:
    """Why a folder cannot be that of a new run; empty if it can: what a start that failed has left is no obstacle."""
    if Run(folder).best.exists():
        return f"a model called {folder.name} is there already; choose another name"
    if not folder.exists():
        return ""
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= _OURS:
        return ""
    return f"{folder.name} is there already; choose another name"


def _writing(order: Order, pairs: list[tuple[Labels, Image | None]], names: LabelTable) -> Job[Order]:
    """Write layers and settings; if that is stopped or fails, nothing is left."""
    folder = order.run.folder
    shutil.rmtree(folder, ignore_errors=True)
    done = False
    try:
        if pairs:
            yield from writing_cases(pairs, order.data, names)
        yield Progress(0, 0, "writing the settings")
        order.write()
        done = True
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
    return order
