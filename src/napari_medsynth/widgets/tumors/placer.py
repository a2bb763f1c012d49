"""Placing lesions in a scan by hand, without Qt: :class:`Placer`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from ...core.case import Case, case_id
from ...core.errors import HostError
from ...core.progress import Job
from ...core.record import Record
from ...tumor.host import Host
from ...tumor.insert import InsertTumors
from ...tumor.place import Placement, Surroundings, broken_rule
from ...tumor.truth import require_image
from ..layers import history_of, labels_of, volume_of
from .figures import Figures, figures_of
from .ghost import Ghost, Index
from .outputs import Outputs
from .preview import Preview
from .scatter import Scattered, Survey, scatter
from .session import Batch, Placed, Session
from .sight import show_place
from .sources import Source, scale_for

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels


class Placer:
    """Places lesions in one scan: a live ghost first, then a commit into new layers.

    It works on any ``ViewerModel``. Positions are array indices ``(z, y, x)`` of the scan or, where said, the
    viewer's world in mm; scaled and translated layers, other orders of the dimensions and 3D views are all the same.

    Parameters
    ----------
    viewer
        The viewer.
    image_layer
        The scan; never changed.
    labels_layer
        Its label map, if there is one: the lesions in it are kept clear of.

    Attributes
    ----------
    ghost_changed : Signal()
        The ghost was moved, shaped, shown or hidden.
    lesions_changed : Signal()
        Lesions were placed or taken out.
    warning : str
        Which rule the ghost breaks where it is; empty if none is known.
    is_settled : bool
        Whether the ghost is what :meth:`commit` would place, its place checked.
    remark : str
        Why lesions are not held inside an organ; empty if they are.

    Raises
    ------
    GridError
        If the layer is no 3D scan, is rotated or sheared, or the labels are on another grid.
    HostError
        If the scan has NaN or infinite voxels.
    """

    ghost_changed = Signal()
    lesions_changed = Signal()

    def __init__(self, viewer: ViewerModel, image_layer: Image, labels_layer: Labels | None = None) -> None:
        self.viewer = viewer
        self.layer = image_layer
        labels = None if labels_layer is None else labels_of(labels_layer)
        self.case = Case(id=case_id(image_layer.name), image=volume_of(image_layer), labels=labels)
        self.session = Session(require_image(self.case), labels)
        self.ghost = Ghost(self.session.image)
        self.rules = Placement()
        self.organ: object = None
        self.warning, self.is_settled = "", False
        self.remark = "the organ is not found yet"
        self.preview = Preview(viewer, image_layer)
        self.outputs = Outputs(viewer, image_layer, self.session)
        self._there = Surroundings(self.session.voxels, self.session.image.spacing, None, ())

    @property
    def host(self) -> Host | None:
        """The organ that lesions are held inside; None while it is not known."""
        return self._there.host

    def take_survey(self, found: Survey) -> None:
        """Take the organ, and the lesions that the scan had from the start, once they are found."""
        self._there = found.there
        self.remark = found.remark
        self.refresh()

    def scatter_job(self, step: InsertTumors, seed: int) -> Callable[[], Job[Scattered]]:
        """Return a job that places lesions in the scan as it is now, for :meth:`take_scattered`.

        Nothing may be placed or taken out until the job has ended.

        Raises
        ------
        HostError
            If the organ is not known.
        """
        if self.host is None:
            raise HostError(self.remark or "the organ is not found yet; expected one to scatter lesions in")
        case = self.session.case(self.case.id, self.host.labels)
        occurrence = sum(record.step == step.name for record in self.history())
        return lambda: scatter(case, step, seed, occurrence)

    def take_scattered(self, found: Scattered) -> None:
        """Place what a :meth:`scatter_job` found."""
        if found.placed:
            self.session.add(found.placed, found.patches)
            self.show_lesions()

    def choose(self, source: Source) -> None:
        """Choose what is placed next; sliders keep their values, but the size becomes the seed's own."""
        self.ghost.source = source
        self.ghost.morph = replace(self.ghost.morph, scale=1.0)
        self.refresh()

    def reshape(self, **changes: Any) -> None:
        """Change fields of the ghost's :class:`Morph`; raises :class:`ConfigError` if one is out of range."""
        self.ghost.morph = replace(self.ghost.morph, **changes)
        self.refresh()

    def resize(self, diameter_mm: float) -> None:
        """Give the ghost this diameter, of the ball of the same volume, as nearly as its range allows."""
        if self.ghost.source is not None:
            self.reshape(scale=scale_for(self.ghost.source.seed, diameter_mm))

    def reblend(self, **changes: Any) -> None:
        """Change fields of the ghost's :class:`Blend`; raises :class:`ConfigError` if one is out of range."""
        self.ghost.blend = replace(self.ghost.blend, **changes)
        self.refresh()

    def redraw(self, seed: int) -> None:
        """Give the ghost a new random shape and noise of the same size; the same seed gives the same ones."""
        source = self.ghost.source
        if source is not None:
            diameter = source.seed.info.diameter_mm * self.ghost.morph.scale
            self.ghost.source, self.ghost.morph = source.redrawn(seed, diameter)
            self.ghost.blend = replace(self.ghost.blend, seed=seed)
            self.refresh()

    def place(self, index: Sequence[float]) -> None:
        """Bring the ghost to the voxel nearest to ``index`` ``(z, y, x)``.

        Raises
        ------
        HostError
            If that lies outside the scan.
        """
        z, y, x = (round(float(i)) for i in index)
        shape = self.session.image.shape
        if not all(0 <= i < n for i, n in zip((z, y, x), shape, strict=True)):
            raise HostError(f"voxel {(z, y, x)} lies outside the scan of {shape} voxels; expected a place inside it")
        self._move_to((z, y, x))

    def place_world(self, position: Sequence[float]) -> None:
        """Bring the ghost to a position in the viewer's world; raises as :meth:`place` does."""
        self.place(self.layer.world_to_data(position)[-3:])

    def nudge(self, step: Sequence[int]) -> None:
        """Move the ghost by whole voxels ``(z, y, x)``; it stays inside the scan."""
        if self.ghost.is_shown:
            self._move_to(self.ghost.moved_by(step))

    def refresh(self) -> None:
        """Show the ghost as it is now."""
        self.warning, self.is_settled = "", False
        if self.ghost.is_shown:
            self._show()
        else:
            self.preview.hide()
        self.ghost_changed.emit()

    def settle(self) -> None:
        """Work the ghost out in full and check the rules for its place; for when the hand rests."""
        if self.ghost.is_shown:
            self.ghost.settle()
            self.warning, self.is_settled = self._broken_rule(), True
            self._show()
            self.ghost_changed.emit()

    def hide(self) -> None:
        """Put the ghost away."""
        self.ghost.centre = None
        self.warning = ""
        self.preview.remove()
        self.ghost_changed.emit()

    def commit(self) -> Placed:
        """Place the ghost: it goes into the new layers, and the ghost waits for its next place.

        Raises
        ------
        HostError
            If no seed was chosen or the ghost has no place yet.
        """
        source = self.ghost.source
        if source is None or self.ghost.centre is None:
            raise HostError("the lesion has no place yet; expected a seed to be chosen and a click in the scan")
        entry, lesion = self.ghost.insertion(self.session.next_instance, self._cutting_host)
        box = lesion.box.clipped(self.session.image.shape)
        placed = Placed(entry=entry, seed=source.seed, box=box, batch=self._batch(source))
        self.session.add([placed], [entry.patch(lesion, self.session.voxels, self.session.image.spacing)])
        self.ghost.centre = None
        self.preview.hide()
        self.show_lesions()
        return placed

    def remove(self, instance: int) -> None:
        """Take the lesion of this number out."""
        self.session.remove(instance)
        self.show_lesions()

    def undo(self) -> None:
        """Take the last thing that was done back."""
        if self.session.can_undo:
            self.session.undo()
            self.show_lesions()

    def redo(self) -> None:
        """Do what was undone again."""
        if self.session.can_redo:
            self.session.redo()
            self.show_lesions()

    def figures(self) -> tuple[Figures, ...]:
        """Measure the lesions that were placed."""
        return figures_of(self.session)

    def history(self) -> tuple[Record, ...]:
        """How the scan as it is now was made, oldest record first."""
        return (*history_of(self.layer), *self.session.records())

    def show_lesions(self) -> None:
        """Show the session's voxels, and the ghost over them."""
        if self.session.placed or self.outputs.layers:
            self.outputs.show({p.entry.instance: p.name for p in self.session.placed})
        self.lesions_changed.emit()
        self.refresh()

    def jump_to(self, instance: int) -> None:
        """Bring the viewer to the middle of a lesion; a view that shows the place already is not moved sideways."""
        box = next(p.box for p in self.session.placed if p.entry.instance == instance)
        middle = [(a + b - 1) / 2 for a, b in zip(box.start, box.stop, strict=True)]
        show_place(self.viewer, self.layer.data_to_world(middle)[-3:])

    def select_scan(self) -> None:
        """Select the scan's layer: a labels layer that is selected keeps Enter and Ctrl+Z for itself."""
        if self.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layer

    def close(self) -> None:
        """Take the ghost out of the viewer and listen no longer; what was placed stays."""
        self.ghost.centre = None
        self.preview.close()

    @property
    def _cutting_host(self) -> Host | None:
        """The organ that cuts the ghost off: none where its middle lies outside, for a person wants it there."""
        centre = self.ghost.centre
        if self.host is None or centre is None or not self.host.labels.array[centre]:
            return None
        return self.host

    @property
    def surroundings(self) -> Surroundings:
        """What the rules for places look at, as the scan is now."""
        taken = (*self._there.taken, *self.session.taken)
        return replace(self._there, image=self.session.voxels, taken=taken)

    def _move_to(self, centre: Index) -> None:
        self.ghost.centre = centre
        self.refresh()

    def _show(self) -> None:
        patch = self.ghost.patch(self.session.voxels, self._cutting_host)
        self.preview.show(patch, warned=bool(self.warning))

    def _broken_rule(self) -> str:
        if self.host is not None and self._cutting_host is None:
            return "outside the organ: the lesion is not cut off at its wall"
        return broken_rule(self.ghost.lesion, self.surroundings, self.rules)

    def _batch(self, source: Source) -> Batch:
        """Put lesions of one library that follow each other into one record."""
        last = self.session.placed[-1].batch if self.session.placed else None
        if last is not None and not last.rng and (source.library in (None, last.step.library)):
            return last
        return Batch(step=InsertTumors(library=source.library))
