"""The Render panel: :class:`RenderPanel`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import napari.viewer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout

from ...core.case import Case
from ...core.errors import ConfigError, MedsynthError
from ...core.recipe import Recipe
from ...io.limits import budget
from ...rendering.presets import preset, preset_names
from ...rendering.prior import Prior
from ...rendering.step import Render
from ..background import in_background
from ..controls import allow, button, later, pick, refill, remark, row, shortcut
from ..copying import CopyButton
from ..dock import DockPanel
from ..filed import path_of, require_upright, warning_of
from ..job_bar import JobBar
from ..jobs import one_step, start_job
from ..layers import LayerData, add_layers
from ..metadata import info_of
from ..views import keep_upright
from .choices import images_like, label_layers
from .estimating import estimated
from .form import RenderForm
from .label_reader import LabelReader
from .label_rows import LabelRows, complaint
from .live import Live, Wish
from .looks import making_layers
from .snippets import as_command, as_python, as_recipe
from .studio import Draft
from .summary import summary_of
from .tissues import keep_tissues, tissues_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels

_KEYS = ("Ctrl+Return", "Ctrl+Enter")
_FILE = "labels.nii.gz"
_REST_MS = 150  #: the table shows other intensities when the preview has rested for so long


class RenderPanel(DockPanel):
    """Give a labels layer an image, with a live preview of the slice; Apply makes the whole as new layers.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._problem = ""
        self._drawn: Draft | None = None
        self._rows, self._far_rows = LabelRows(), LabelRows()
        self._rest = later(self, self._update)
        self._rest.setInterval(_REST_MS)
        self.bar, self.told = JobBar(self), remark()
        self.form = RenderForm(lambda: images_like(napari_viewer, self.layer))
        self.reader, self.view = LabelReader(self), Live(napari_viewer, self)
        self.live = QCheckBox("Live preview")
        self.live.setToolTip("Show the slice that you look at while settings change")
        self.apply = button("Apply (Ctrl+Enter)", self.make, "Make the whole image, as a new layer")
        self.copy = CopyButton({kind: partial(self._text, kind) for kind in ("Recipe", "Command", "Python")})
        self._arrange()
        self._connect()
        keep_upright(napari_viewer)
        self.reset_choices()

    @property
    def layer(self) -> Labels | None:
        """The labels layer that is chosen."""
        return self.form.layers.currentData()  # type: ignore[no-any-return]

    def recipe(self) -> Recipe:
        """Return what is shown as a recipe of one step; raises :class:`ConfigError` if it cannot be used."""
        return Recipe(steps=(self.form.step(),), seed=self.form.seed.value())

    def make(self) -> None:
        """Make the whole image, in the background."""
        self._update()
        if not self.apply.isEnabled() or self.layer is None or self.reader.studio is None:
            return
        step = self.form.step()
        self.view.rest()
        handle = start_job(
            partial(making_layers, self.layer, step, self.form.seed.value()),
            title="Rendering",
            done=self._on_made,
            failed=self._on_failed,
            bar=self.bar,
        )
        handle.finished.connect(self._update)
        self._update()

    def estimate(self, image: Image) -> None:
        """Estimate intensities from an image layer, in the background, and take them."""
        studio = self.reader.studio
        if studio is None or self.bar.is_busy:
            return
        step = self.form.step()
        handle = start_job(
            one_step(partial(estimated, image, studio.labels, step), f"measuring {image.name}"),
            title="Estimating intensities",
            done=partial(self._on_estimated, image.name),
            failed=self._on_failed,
            bar=self.bar,
        )
        handle.finished.connect(self._update)
        self._update()

    def choose_labels(self, layer: Labels, preset_name: str = "") -> None:
        """Choose a labels layer and, if one is named, a preset; for panels that hand their labels over."""
        self.reset_choices()
        pick(self.form.layers, layer)
        if preset_name in preset_names():
            self.form.contrast.choose(preset_name)

    def reset_choices(self) -> None:
        """Show the labels layers that there are now; napari calls this whenever layers change."""
        refill(self.form.layers, [(layer.name, layer) for layer in label_layers(self._viewer)])
        if self.layer is not self.reader.layer:
            self._on_layer()
        self._update()

    def _arrange(self) -> None:
        self.live.setChecked(True)
        self.told.setMinimumHeight(2 * self.told.fontMetrics().lineSpacing())
        self.view.draws.begin_after(self.form.seed.value())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        self.form.head.addRow(self.view.draws)
        layout.addWidget(self.form, 1)
        layout.addWidget(self.told)
        layout.addLayout(row(self.live, self.copy))
        layout.addWidget(self.apply)
        layout.addWidget(self.bar)

    def _connect(self) -> None:
        self.form.layers.currentIndexChanged.connect(self._on_layer)
        self.form.changed.connect(self._on_change)
        self.form.labels.changed.connect(self._keep_tissues)
        self.form.intensities.wanted.connect(self.estimate)
        self.reader.changed.connect(self._on_read)
        self.view.drafted.connect(self._on_drafted)
        self.copy.copied.connect(self._on_copied)
        self.view.draws.picked.connect(self.form.seed.setValue)
        for signal in (
            self.reader.failed,
            self.view.failed,
            self.form.intensities.failed,
            self.form.labels.failed,
        ):
            signal.connect(self._on_failed)
        self.live.toggled.connect(self._on_change)
        self.destroyed.connect(_Closing(self.view, self.reader))
        for key, call in (("R", self.form.seed.roll), *((key, self.make) for key in _KEYS)):
            shortcut(self, key, call)

    def _text(self, kind: str) -> str:
        layer, step, seed = self.layer, self.form.step(), self.form.seed.value()
        if layer is None:
            raise ConfigError("there are no labels to render")
        self.form.intensities.require_saved()
        path = path_of(layer, _FILE)
        if kind == "Python":
            return as_python(step, seed, path)
        require_upright(layer)
        return as_recipe(step, seed) if kind == "Recipe" else as_command(step, seed, path)

    def _on_copied(self, kind: str) -> None:
        """Say, in a moment, if the file that the copy reads holds other labels; a recipe reads none."""
        if self.layer is not None and kind != "Recipe":
            call = partial(warning_of, self.layer, _FILE)
            in_background(self, call, self._on_warning, self._on_failed)

    def _on_warning(self, warning: str) -> None:
        if warning:
            self.told.setText(f"Copied; {warning}")

    def _on_layer(self) -> None:
        """Read another layer, with what was said of its labels before."""
        layer, kept = self.layer, {}
        has_table = False
        try:
            if layer is not None:
                kept, info = tissues_of(layer), info_of(layer)
                has_table = info is not None and len(info.table) > 0
        except MedsynthError as error:
            self._on_failed(error)
        self.form.show_layer(kept, has_table)
        self.reader.follow(layer)

    def _on_read(self) -> None:
        if self.reader.studio is not None:
            self.form.offer_crop(self.reader.studio.labels.shape)
        self._on_change()

    def _keep_tissues(self) -> None:
        if self.layer is not None:
            keep_tissues(self.layer, self.form.labels.tissues)

    def _on_change(self, *_: object) -> None:
        self._problem = ""
        obstacle, studio = self._update(), self.reader.studio
        if obstacle or not self.live.isChecked() or self.layer is None or studio is None:
            self._drawn = None
            self.view.show(None)
            self._rest.start()
        else:
            self.view.show(Wish(self.layer, studio, self.form.step(), self.form.seed.value()))

    def _on_drafted(self, draft: Draft) -> None:
        self._drawn = draft
        self.told.setText(draft.note or summary_of(draft.params))
        self._rest.start()

    def _on_made(self, made: tuple[Case, list[LayerData]]) -> None:
        case, layers = made
        add_layers(self._viewer, layers)
        self.told.setText(summary_of(case.history[-1].params))

    def _on_estimated(self, name: str, prior: Prior) -> None:
        self.form.intensities.take_estimate(prior, name)

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self._problem, self._drawn = str(error), None
        self._update()

    def _update(self) -> str:
        """Show what can be done and what each label gets; return what stands in the way of an image."""
        obstacle = self._obstacle()
        if obstacle or self._problem:
            self.told.setText(obstacle or self._problem)
        allow(self.apply, obstacle or ("something is being worked out" if self.bar.is_busy else ""))
        allow(self.copy, obstacle)
        return obstacle

    def _obstacle(self) -> str:
        if self.layer is None:
            return "there is no labels layer; open one, or make a phantom"
        if self.reader.studio is None:
            return self._problem or "the labels are being read"
        try:
            step = self.form.step()
            self._show_labels(step)
            self.reader.studio.require_affordable(budget())
        except MedsynthError as error:
            return str(error)
        return complaint("", self.form.labels.missing, "") or self._far_obstacle(step)

    def _far_obstacle(self, step: Render) -> str:
        """Return what keeps intensities from being moved to the far end of the slider."""
        toward = step.toward or preset(step.preset).toward
        studio, layer = self.reader.studio, self.layer
        if step.contrast_alpha is None or toward is None or studio is None or layer is None:
            return ""
        rows = self._far_rows.of(studio.named(step), layer, preset(toward).prior, dict(step.tissues))
        return complaint(f" in {toward}", [row for row in rows if not row.entry], "move towards another preset, or ")

    def _show_labels(self, step: Render) -> None:
        """Show what each label is made of, with the intensities of the image that is looked at."""
        studio, prior, layer = self.reader.studio, self.form.intensities.prior, self.layer
        if studio is None or prior is None or layer is None:
            return
        drawn = () if self._drawn is None else self._drawn.params["channels"][0]["intensities"]
        rows = self._rows.of(studio.named(step), layer, prior, dict(step.tissues), drawn)
        self.form.show_labels(rows, sorted(prior.classes))


class _Closing:
    """Gives layers and events back to the viewer when the panel is gone, without touching the panel."""

    def __init__(self, view: Live, reader: LabelReader) -> None:
        self._view, self._reader = view, reader

    def __call__(self, *_: Any) -> None:
        self._view.close()
        self._reader.close()
