"""What is rendered, and how: :class:`RenderForm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QTabWidget, QVBoxLayout, QWidget

from ...rendering.step import Render
from ..controls import button, narrow, row, without_arrows
from ..dock import scrollable
from ..form import form_of
from ..seed_box import SeedBox
from .contrast_box import ContrastBox
from .intensity_box import IntensityBox
from .label_tab import LabelTab
from .names_box import NamesBox
from .stage_list import StageList
from .tissue_table import TissueRow

if TYPE_CHECKING:
    from napari.layers import Image

_CROP = 160  #: voxels along each axis, those that SynthSeg was trained on
_MORE = ("random_contrast", "crop", "grid")


class RenderForm(QWidget):
    """Settings of the ``render`` step and the seed.

    Parameters
    ----------
    images
        Returns the image layers that intensities could be estimated from.

    Attributes
    ----------
    changed : Signal()
        A person changed something other than the choice of the layer.
    """

    changed = Signal()

    def __init__(self, images: Callable[[], Iterable[Image]]) -> None:
        super().__init__()
        self.layers, self.names, self.seed = QComboBox(), NamesBox(), SeedBox()
        narrow(self.layers)
        self.contrast, self.intensities = ContrastBox(), IntensityBox(images)
        self.stages, self.labels = StageList(), LabelTab()
        self.more = form_of(Render, only=_MORE)
        self.roll = button("Roll (R)", self.seed.roll, "Another image, by another seed")
        self.head, self.tabs = QFormLayout(), QTabWidget()
        self._has_table = False
        self._arrange()
        self._connect()
        self._on_preset()

    def step(self) -> Render:
        """Return the step that is shown.

        Raises
        ------
        ConfigError
            If it cannot be used.
        """
        settings: dict[str, Any] = {
            "preset": self.contrast.preset.name,
            "contrast_alpha": self.contrast.alpha,
            "toward": self.contrast.toward,
            "prior": self.intensities.path,
            "scheme": self.names.scheme,
            "tissues": tuple(sorted(self.labels.tissues.items())),
            **self.stages.settings(),
        }
        return replace(self.more.settings(), **settings)

    def show_layer(self, tissues: Mapping[int, str], has_table: bool) -> None:
        """Show what is kept with another layer."""
        self._has_table = has_table
        self.labels.tissues = dict(tissues)
        self.names.show_own(self.contrast.preset, has_table)

    def offer_crop(self, shape: Sequence[int]) -> None:
        """Begin with a part that fits into labels of this shape, until a person asks for a part."""
        crop = self.more.row("crop")
        if not crop[0].value:
            with self.more.changed.blocked():
                for part, size in zip(crop[1], (1, *shape)[-3:], strict=True):
                    part.value = min(size, _CROP)

    def show_labels(self, rows: Sequence[TissueRow], classes: Sequence[str]) -> None:
        """Show what each label is made of, and in the tab's title how many have no class."""
        self.labels.show_rows(rows, classes)
        missing = len(self.labels.missing)
        self.tabs.setTabText(self.tabs.indexOf(self.labels), f"Labels ({missing} missing)" if missing else "Labels")

    def _arrange(self) -> None:
        self.layers.setToolTip("The labels that get an image; the layer itself stays as it is")
        self.seed.setSizePolicy(self.names.sizePolicy())
        seed = row(self.seed, self.roll)
        seed.setSpacing(6)
        for label, part in (
            ("Labels", self.layers),
            ("Names", self.names),
            ("Preset", self.contrast.presets),
            ("Contrast", self.contrast),
            ("Intensities", self.intensities),
            ("Seed", seed),
        ):
            self.head.addRow(label, part)
        self.head.setContentsMargins(0, 0, 0, 0)
        self.head.setVerticalSpacing(3)
        without_arrows(self.more.row("crop").native)
        self.tabs.addTab(scrollable(self.stages), "Image")
        self.tabs.addTab(self.labels, "Labels")
        self.tabs.addTab(_at_the_top(self.more.native), "More")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self.head)
        layout.addWidget(self.tabs, 1)

    def _connect(self) -> None:
        self.contrast.picked.connect(self._on_preset)
        for signal in (
            self.contrast.changed,
            self.intensities.changed,
            self.names.currentIndexChanged,
            self.seed.valueChanged,
            self.stages.changed,
            self.labels.changed,
        ):
            signal.connect(self._on_change)
        self.more.changed.connect(self._on_change)

    def _on_preset(self) -> None:
        """Show what the preset does of its own; what was set before was for another one."""
        own = self.contrast.preset
        self.stages.show_preset(own)
        self.intensities.show_preset(own)
        self.names.show_own(own, self._has_table)
        self.changed.emit()

    def _on_change(self, *_: object) -> None:
        self.changed.emit()


def _at_the_top(part: QWidget) -> QWidget:
    """Put a form of few rows at the top of a tab."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 4, 0, 0)
    layout.addWidget(part)
    layout.addStretch()
    return page
