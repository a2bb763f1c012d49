"""The Place tab: lesions are put into a scan, by hand with a live ghost, or scattered."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.components import ViewerModel
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from ...core.errors import MedsynthError
from ...tumor.insert import InsertTumors
from ...tumor.morph import Morph
from ...tumor.place import Placement
from ...tumor.prepare import prepare
from ...tumor.seed import ATTACHMENTS
from ...tumor.sketch import sketch
from ..background import in_background
from ..controls import allow, button, later, narrow, refill, remark, row
from ..jobs import JobBar, start_job
from ..preferences import default_seed
from .choices import LUNGS, organs, scans
from .copying import copy_button
from .desk import Desk
from .lesion_table import LesionTable
from .library_tab import picture_of
from .made import draw_kinds, kind_of, made_items
from .placer import Placer
from .refiner import Refiner
from .scatter import Scattered, Survey, survey
from .seed_view import SeedView, item_of
from .session import State
from .shape_form import ShapeForm
from .shelf import Shelf
from .shortcuts import Shortcuts
from .sources import Source

_MOST_SCATTERED = 200
_LARGEST_SEED = 999_999
_WALLS = (("anywhere", "any"), *((kind, kind) for kind in ATTACHMENTS))


class PlaceTab(QWidget):
    """Pick a seed, click in the scan, shape the ghost, place it; or scatter some.

    Parameters
    ----------
    viewer
        The viewer.
    shelf
        The library that seeds are picked from.
    bar
        Shows what runs.
    """

    def __init__(self, viewer: ViewerModel, shelf: Shelf, bar: JobBar) -> None:
        super().__init__()
        self._viewer, self._shelf, self._bar = viewer, shelf, bar
        self._pictures: dict[Any, Any] = {}
        self.desk = Desk(viewer, self.redraw)
        self._refiner = Refiner(self)
        self._organ_timer = later(self, self._survey)
        self.image, self.organ, self.wall = QComboBox(), QComboBox(), QComboBox()
        self.seeds, self.form, self.table = SeedView(compact=True), ShapeForm(), LesionTable()
        self.number, self.count = QSpinBox(), QSpinBox()
        self.host_told, self.told = remark(), remark()
        self._message = ""
        self._listed: State = ()
        self.new_shape = button("New shape (R)", self.redraw, "Draw a new random shape of the same size")
        self.reset = button("Reset", self._reset, "Take all changes of shape back")
        self.place = button("Place (Enter)", self.desk.commit, "Put the lesion into a new image layer")
        self.stop = button("Stop (Esc)", self._stop, "Put the ghost away")
        self.undo = button("Undo (Ctrl+Z)", self.desk.undo, "Take the last lesion back")
        self.redo = button("Redo (Ctrl+Y)", self.desk.redo, "Do what was undone again")
        self.scatter = button("Scatter", self.scatter_lesions, "Place lesions at random within the organ")
        self.delete = button("Delete (Del)", self.table.delete_selected, "Restore the voxels beneath the lesion")
        self.copy = copy_button(self.desk)
        self._shortcuts = Shortcuts(self, self.desk)
        self._arrange()
        self._connect()
        self.show_library()
        self.reset_choices()
        later(self, self._draw_kinds).start()

    def reset_choices(self) -> None:
        """Show the layers that there are now."""
        refill(self.image, [(layer.name, layer) for layer in scans(self._viewer, self.desk.made_layers)])
        self._refill_organs()
        self._update()

    def show_library(self) -> None:
        """Show the seeds of the library, and the kinds that can be made."""
        items = [item_of(info, partial(picture_of, self._shelf, info.id)) for info in self._shelf.infos]
        self.seeds.set_items([*items, *made_items(self._pictures)])

    def tell(self, message: str) -> None:
        """Show one line, or several; a warning about the ghost's place goes before it."""
        self._message = message
        self._update()

    def redraw(self) -> None:
        """Draw a new random shape: the next seed number."""
        if self.desk.placer is not None and self.desk.placer.ghost.source is not None:
            self.number.setValue((self.number.value() + 1) % _LARGEST_SEED)

    def scatter_lesions(self) -> None:
        """Place lesions at random within the organ, in the background."""
        placer = self.desk.placer
        if placer is None:
            return
        job = placer.scatter_job(self._step(), self.number.value())
        self.desk.set_busy("lesions are being scattered")
        handle = start_job(
            job, title="Scattering", done=partial(self._on_scattered, placer), failed=self._on_failed, bar=self._bar
        )
        handle.finished.connect(lambda: self.desk.set_busy(""))

    def choose(self, key: str) -> None:
        """Take a seed, or a kind to be made, for the next lesion; it is prepared in the background."""
        placer, kind = self.desk.placer, kind_of(key)
        if placer is None:
            return
        folder, number, grid = self._shelf.folder, self.number.value(), placer.session.image.affine

        def load() -> Source:
            source = Source.from_library(folder, key) if kind is None else Source.from_kind(kind, seed=number)
            sketch(prepare(source.seed), Morph(), grid, (0, 0, 0))  # the first click finds all that it needs at hand
            return source

        in_background(self, load, partial(self._on_chosen, key), self._on_failed)

    def _arrange(self) -> None:
        self.number.setRange(0, _LARGEST_SEED)
        self.number.setValue(default_seed())
        self.number.setToolTip("Seed of all random draws: the same number gives the same lesions")
        self.count.setRange(1, _MOST_SCATTERED)
        self.count.setValue(3)
        self.count.setToolTip("How many lesions to scatter")
        for text, wall in _WALLS:
            self.wall.addItem(text, wall)
        self.wall.setToolTip("What a scattered lesion touches")
        for box in (self.image, self.organ, self.wall):
            narrow(box)
        self.seeds.setFixedHeight(182)
        self.told.setMinimumHeight(2 * self.told.fontMetrics().lineSpacing())
        self.table.setMinimumHeight(112)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 6, 6, 2)
        layout.setSpacing(4)
        top = QFormLayout()
        top.addRow("Image", self.image)
        top.addRow("Inside", self.organ)
        layout.addLayout(top)
        for part in (self.host_told, self.seeds, self.form):
            layout.addWidget(part)
        layout.addLayout(row(QLabel("Seed"), self.number, self.new_shape, self.reset))
        layout.addWidget(self.told)
        layout.addLayout(row(self.place, self.stop))
        layout.addLayout(row(self.undo, self.redo))
        layout.addLayout(row(self.count, self.wall, self.scatter))
        layout.addWidget(self.table, 1)
        layout.addLayout(row(self.delete, self.copy))

    def _connect(self) -> None:
        self.image.currentIndexChanged.connect(self._on_image)
        self.organ.currentIndexChanged.connect(self._on_organ)
        self.seeds.chosen.connect(self.choose)
        self._refiner.failed.connect(self._on_failed)
        self.number.valueChanged.connect(self._on_number)
        self.form.resized.connect(lambda mm: self._change("resize", mm))
        self.form.reshaped.connect(lambda changes: self._change("reshape", **changes))
        self.form.reblended.connect(lambda changes: self._change("reblend", **changes))
        self.table.chosen.connect(self._on_lesion)
        self.table.deleted.connect(self.desk.remove)
        self.desk.changed.connect(self._update)
        self.desk.told.connect(self.tell)
        self._shelf.changed.connect(self.show_library)

    def _on_image(self) -> None:
        try:
            self.desk.open(self.image.currentData())
        except MedsynthError as error:
            self._on_failed(error)
        self._refiner.follow(self.desk.placer)
        self._refill_organs()
        self._on_organ()

    def _refill_organs(self) -> None:
        made = self.desk.made_layers
        refill(self.organ, [(o.title, o) for o in organs(self._viewer, self.image.currentData(), made)])

    def _on_organ(self) -> None:
        self._organ_timer.start()

    def _survey(self) -> None:
        """Look for the organ that is chosen, unless that was done."""
        placer, organ = self.desk.placer, self.organ.currentData()
        if placer is None or organ is None or placer.organ == organ:
            return
        placer.organ = organ
        try:
            job = partial(survey, placer.case, organ.label_map(), find=organ.find)
        except MedsynthError as error:
            self._on_failed(error)
            return

        def done(found: Survey) -> None:
            if placer.organ == organ:
                placer.take_survey(found)

        start_job(job, title="Finding the organ", done=done, failed=self._on_failed, bar=self._bar)

    def _on_chosen(self, key: str, source: Source) -> None:
        if self.desk.placer is None or key not in self.seeds.selected:
            return
        self.desk.placer.choose(source)
        self.desk.start()
        self.tell("Click in the scan to place it; drag it to move it.")

    def _on_number(self, number: int) -> None:
        self._change("redraw", number)

    def _change(self, what: str, *args: Any, **changes: Any) -> None:
        if self.desk.placer is not None:
            try:
                getattr(self.desk.placer, what)(*args, **changes)
            except MedsynthError as error:
                self._on_failed(error)

    def _reset(self) -> None:
        self._change("reshape", **{name: getattr(Morph(), name) for name in Morph.__dataclass_fields__})
        self._change("reblend", edge_mm=0.0)

    def _stop(self) -> None:
        self.desk.stop()
        self.seeds.clearSelection()
        self.tell("")

    def _step(self) -> InsertTumors:
        """Return what Scatter places: of the kind that is selected if that is a made one, else of the library."""
        options: dict[str, Any] = {
            "count": (self.count.value(), self.count.value()),
            "placement": Placement.from_json({"wall": self.wall.currentData()}),
            "organ": "lung" if self.organ.currentData() in (None, LUNGS) else self.organ.currentText(),
        }
        if kinds := tuple(kind for key in self.seeds.selected if (kind := kind_of(key)) is not None):
            return InsertTumors(kinds=kinds, **options)
        return InsertTumors(library=self._shelf.folder if self._shelf.infos else None, **options)

    def _on_scattered(self, placer: Placer, found: Scattered) -> None:
        placer.take_scattered(found)
        self.tell(found.summary)

    def _on_lesion(self, instance: int) -> None:
        if self.desk.placer is not None:
            self.desk.placer.jump_to(instance)

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self.tell(str(error))

    def _draw_kinds(self) -> None:
        def done(pictures: dict[Any, Any]) -> None:
            self._pictures = pictures
            self.show_library()

        in_background(self, draw_kinds, done, self._on_failed)

    def _update(self) -> None:
        placer = self.desk.placer
        obstacle = "" if placer is not None else "open a 3D image first"
        self.host_told.setText(obstacle or (placer.remark if placer is not None else ""))
        self.host_told.setVisible(bool(self.host_told.text()))
        warning = f"⚠ {placer.warning}" if placer is not None and placer.warning else ""
        self.told.setText("\n".join(line for line in (warning, self._message) if line))
        chosen = placer is not None and placer.ghost.source is not None
        shown = placer is not None and placer.ghost.is_shown
        pick = obstacle or ("" if chosen else "pick a seed first")
        self.form.setEnabled(chosen)
        allow(self.new_shape, pick)
        allow(self.reset, pick)
        allow(self.stop, pick)
        allow(self.place, pick or self.desk.busy or ("" if shown else "click in the scan first"))
        self._update_lesions(placer, obstacle)
        if placer is not None and chosen:
            self.form.show_ghost(placer.ghost)

    def _update_lesions(self, placer: Placer | None, obstacle: str) -> None:
        busy = obstacle or self.desk.busy
        allow(self.undo, busy or ("" if placer and placer.session.can_undo else "nothing to undo"))
        allow(self.redo, busy or ("" if placer and placer.session.can_redo else "nothing to redo"))
        allow(self.scatter, busy or (placer.remark if placer is not None else ""))
        lesions = () if placer is None else placer.session.placed
        if lesions != self._listed:  # measuring them takes longer than moving the ghost may
            self._listed = lesions
            self.table.show_figures(() if placer is None else placer.figures())
        allow(self.delete, busy or ("" if lesions else "no lesion was placed yet"))
        self.copy.setEnabled(bool(lesions))
