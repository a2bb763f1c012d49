"""Where intensities come from: the preset, a file, or an image of one's own: :class:`IntensityBox`."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton

from ...core.errors import ConfigError, MedsynthError
from ...rendering.presets import Preset
from ...rendering.prior import Prior, read_prior, write_prior

if TYPE_CHECKING:
    from napari.layers import Image

_FILES = "YAML (*.yaml *.yml)"
_ESTIMATE = "Estimate contrast from image layer"
_PURPOSE = "Mean and deviation of each class: the preset's, those of an image of yours, or those of a file"


class IntensityBox(QPushButton):
    """A button that says where intensities come from, with a menu to change that.

    What was estimated is kept in a file that goes away with the panel, until a person saves it.

    Parameters
    ----------
    images
        Returns the image layers that lie on the grid of the labels.

    Attributes
    ----------
    changed : Signal()
        Intensities come from elsewhere now.
    wanted : Signal(object)
        They are to be estimated from this image layer.
    failed : Signal(Exception)
        A file could not be read or written.
    """

    changed = Signal()
    wanted = Signal(object)
    failed = Signal(object)

    def __init__(self, images: Callable[[], Iterable[Image]]) -> None:
        super().__init__()
        self._images = images
        self._preset: Preset | None = None
        self._folder: Path | None = None
        self._count = 0
        self.path: Path | None = None
        self._layer = ""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.own = menu.addAction("Those of the preset", self.take_own)
        self.from_image = menu.addMenu(_ESTIMATE)
        menu.addAction("Load from a file…", self._load_by_hand)
        menu.addSeparator()
        menu.addAction("Save to a file…", self._save_by_hand)
        menu.aboutToShow.connect(self._offer)
        self.setMenu(menu)
        self._show()

    @property
    def is_unsaved(self) -> bool:
        """Whether they were estimated and are in no file of the user's."""
        return self.path is not None and self.path.parent == self._folder

    @property
    def prior(self) -> Prior | None:
        """The intensities; None before :meth:`show_preset`. Raises as :func:`read_prior` does."""
        if self.path is not None:
            return read_prior(self.path)
        return None if self._preset is None else self._preset.prior

    def show_preset(self, preset: Preset) -> None:
        """Offer this preset's intensities; others that were taken stay, unless HU take the place of other units."""
        before, self._preset = self._preset, preset
        if before is not None and (before.modality == "CT") != (preset.modality == "CT"):
            self.path, self._layer = None, ""
            self._show()

    def require_saved(self) -> None:
        """Raise :class:`ConfigError` if nobody else could read the intensities."""
        if self.is_unsaved:
            raise ConfigError("the intensities are in no file yet; use Intensities, Save to a file… first")

    def take_own(self) -> None:
        """Take the preset's."""
        self.path, self._layer = None, ""
        self._changed()

    def take_estimate(self, prior: Prior, layer: str) -> None:
        """Take what was estimated from the layer of this name."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="medsynth-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._count += 1
        path = self._folder / f"estimate-{self._count}.yaml"  # another name each time: its reader may cache
        write_prior(prior, path)
        self.path, self._layer = path, layer
        self._changed()

    def load(self, path: Path) -> None:
        """Take those of a file; raises as :func:`read_prior` does, and what was taken before stays."""
        read_prior(path)
        self.path, self._layer = path, ""
        self._changed()

    def save(self, path: Path) -> None:
        """Write them to a file and take that from now on; :class:`WriteError` if it cannot be written."""
        prior = self.prior
        if prior is not None:
            write_prior(prior, path)
        if self.path is not None:
            self.path = path
            self._changed()

    def _offer(self) -> None:
        self.own.setEnabled(self.path is not None)
        self.from_image.clear()
        found = list(self._images())
        for layer in found:
            self.from_image.addAction(layer.name).triggered.connect(partial(self._on_image, layer))
        self.from_image.setEnabled(bool(found))
        self.from_image.setTitle(
            "Estimate from image layer" if found else "Estimate: no image lies on the labels' grid"
        )

    def _on_image(self, layer: Image, *_: Any) -> None:
        self.wanted.emit(layer)

    def _load_by_hand(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Intensities", "", _FILES)
        if chosen:
            self._try(self.load, Path(chosen))

    def _save_by_hand(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Intensities", "intensities.yaml", _FILES)
        if chosen:
            self._try(self.save, Path(chosen))

    def _try(self, call: Callable[[Path], None], path: Path) -> None:
        try:
            call(path)
        except MedsynthError as error:
            self.failed.emit(error)

    def _changed(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        from_ = f"from {self._layer}" if self._layer else f"from {self.path.name}" if self.path else "of the preset"
        self.setText(from_ + (" (not saved)" if self.is_unsaved else ""))
        self.setToolTip(_PURPOSE if self.path is None or self.is_unsaved else f"{_PURPOSE}\n{self.path}")
