"""The Phantom panel: :class:`PhantomPanel`."""

from __future__ import annotations

from functools import partial
from typing import Any

import napari.viewer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout

from ...core.errors import MedsynthError
from ...core.recipe import Recipe
from ...io.limits import budget
from ...phantom.step import Phantom
from ..controls import allow, button, later, remark, row, shortcut
from ..copying import CopyButton
from ..dock import DockPanel, scrollable
from ..job_bar import JobBar
from ..jobs import start_job
from ..layers import LayerData, add_layers
from ..planes import VIEWS, look_from
from ..previewer import Previewer
from ..views import keep_upright
from .body_form import BodyForm
from .made import Made, made_small, making
from .preview import Preview
from .sizing import FINE, coarse, estimated
from .snippets import as_command, as_python, as_recipe

_KEYS = ("Ctrl+Return", "Ctrl+Enter")


class PhantomPanel(DockPanel):
    """Vary a body with a live preview; Create makes it in full as image and labels layers.

    Parameters
    ----------
    napari_viewer
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._obstacle = ""
        self.form, self.bar = BodyForm(), JobBar(self)
        self.preview, self.previewer = Preview(napari_viewer), Previewer(self)
        self.size, self.told = remark(), remark()
        self.live = QCheckBox("Live preview")
        self.live.setToolTip("Show a coarse version of the body while settings change")
        self.views = [button(view, partial(look_from, napari_viewer, view), f"{view} view") for view in VIEWS]
        self.create = button("Create (Ctrl+Enter)", self.make, "Make the body in full, as new layers")
        texts = {"Recipe": as_recipe, "Command": as_command, "Python": as_python}
        self.copy = CopyButton({kind: partial(self._text, write) for kind, write in texts.items()})
        self._first = later(self, self._on_change if not napari_viewer.layers else self._update)
        self._arrange()
        self._connect()
        keep_upright(napari_viewer)
        self._first.start()

    def recipe(self) -> Recipe:
        """Return what is shown as a recipe of one step.

        Raises
        ------
        ConfigError
            If it cannot be used.
        """
        return Recipe(steps=(self.form.step(),), seed=self.form.seed.value())

    def make(self) -> None:
        """Make the body in full, in the background."""
        if self._update() is None or self.bar.is_busy:
            return
        step, seed = self.form.step(), self.form.seed.value()
        self.previewer.forget()
        handle = start_job(
            partial(making, step, seed), title="Making a body", done=self._on_made, failed=self._on_failed, bar=self.bar
        )
        handle.finished.connect(self._update)
        self._update()

    def reset_choices(self) -> None:
        """Note that layers came or went; napari calls this."""
        self._update_views()

    def _arrange(self) -> None:
        self.live.setChecked(True)
        self.told.setMinimumHeight(2 * self.told.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(scrollable(self.form), 1)
        layout.addWidget(self.size)
        layout.addWidget(self.told)
        layout.addWidget(self.live)
        layout.addLayout(row(*self.views))
        layout.addLayout(row(self.create, self.copy))
        layout.addWidget(self.bar)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_change)
        self.form.failed.connect(self.told.setText)
        self.live.toggled.connect(self._on_live)
        self.previewer.made.connect(self._on_previewed)
        self.previewer.failed.connect(self._on_failed)
        self.destroyed.connect(self.preview.close)
        for key, call in (("R", self.form.roll), *((key, self.make) for key in _KEYS)):
            shortcut(self, key, call)

    def _text(self, write: Any) -> str:
        return str(write(self.form.step(), self.form.seed.value()))

    def _on_change(self) -> None:
        step = self._update()
        if step is None:
            self.previewer.forget()  # what it would tell is not about what is shown now
        elif self.live.isChecked():
            call = partial(made_small, step, self.form.seed.value())
            self.previewer.ask(call, partial(call, FINE) if coarse(step) != coarse(step, FINE) else None)

    def _on_live(self, wanted: bool) -> None:
        if wanted:
            self._on_change()
        else:
            self.previewer.forget()
            self.preview.remove()

    def _on_previewed(self, made: Made) -> None:
        self.preview.show(made)
        self._tell(made)

    def _on_made(self, result: tuple[Made, list[LayerData]]) -> None:
        made, layers = result
        self.preview.remove()
        add_layers(self._viewer, layers)
        self._tell(made)

    def _tell(self, made: Made) -> None:
        self.form.show_present(made.present)
        self.told.setText(made.summary)
        self._update_views()

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, MedsynthError):
            raise error
        self.told.setText(str(error))

    def _update(self) -> Phantom | None:
        """Say how large the body is and what can be done; return the step if it can be made."""
        step, obstacle = None, ""
        try:
            step = self.form.step()
            estimate = estimated(step)
            self.size.setText(str(estimate))
            estimate.require_affordable(budget())
        except MedsynthError as error:
            obstacle = str(error)
        if obstacle != self._obstacle:
            self._obstacle = obstacle
            self.told.setText(obstacle)
        allow(self.create, obstacle or ("a body is being made" if self.bar.is_busy else ""))
        allow(self.copy, "" if step is not None else obstacle)
        return None if obstacle else step

    def _update_views(self) -> None:
        for view in self.views:
            allow(view, "" if self._viewer.dims.ndim >= 3 else "there is nothing in 3D to look at")
