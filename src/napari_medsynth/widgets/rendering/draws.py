"""A strip of images with other seeds, to pick from: :class:`Draws`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

from ..background import in_background
from ..controls import later
from ..seed_box import LARGEST
from .pictures import SIDE, Picture

#: How many there are.
COUNT = 6

_REST_MS = 500  #: they wait until a hand has rested for so long


class Draws(QWidget):
    """Six small pictures, made one after the other while nothing else is under way; a click takes a seed.

    Parameters
    ----------
    is_busy
        Whether something that a person waits for more is under way.

    Attributes
    ----------
    picked : Signal(int)
        A person clicked on the picture of this seed.
    """

    picked = Signal(int)

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._is_busy = is_busy
        self._make: Callable[[int], Picture] | None = None
        self._number = 0
        self._left: list[int] = []
        self._working = False
        self._rest = later(self, self._next)
        self._rest.setInterval(_REST_MS)
        self.seeds: tuple[int, ...] = ()
        self.buttons = [QToolButton() for _ in range(COUNT)]
        self.more = QToolButton()
        self._arrange()

    @property
    def is_under_way(self) -> bool:
        """Whether pictures are still to come."""
        return self._working or bool(self._left)

    def begin_after(self, seed: int) -> None:
        """Offer the seeds that follow this one."""
        self.seeds = tuple((seed + n + 1) % (LARGEST + 1) for n in range(COUNT))
        for button, own in zip(self.buttons, self.seeds, strict=True):
            button.setToolTip(f"Seed {own}: click to take it")
        self._restart()

    def show_with(self, make: Callable[[int], Picture] | None) -> None:
        """Draw all pictures anew; those under way are dropped.

        Parameters
        ----------
        make
            Makes the picture of a seed, ``(height, width)``; called in a worker thread. None: there is nothing to draw.
        """
        self._make = make
        self._restart()

    def _arrange(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for number, button in enumerate(self.buttons):
            button.setIconSize(QSize(SIDE, SIDE))
            button.setFixedSize(SIDE + 4, SIDE + 4)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(partial(self._on_click, number))
            layout.addWidget(button, 0, number)
        self.more.setText("›")
        self.more.setToolTip("Six others")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.more.clicked.connect(lambda: self.begin_after(self.seeds[-1]))
        layout.addWidget(self.more, 0, COUNT)
        layout.setColumnStretch(COUNT + 1, 1)

    def _restart(self) -> None:
        self._number += 1
        self._left = list(range(COUNT)) if self._make is not None and self.seeds else []
        for button in self.buttons:
            button.setEnabled(bool(self._left))
            if not self._left:
                button.setIcon(QIcon())
        if self._left:
            self._rest.start()
        else:
            self._rest.stop()

    def _next(self) -> None:
        if self._working or not self._left or self._make is None:
            return
        if self._is_busy() or not self.isVisible():
            self._rest.start()
            return
        place = self._left.pop(0)
        self._working = True
        call = partial(self._make, self.seeds[place])
        ended = partial(self._end, self._number, place)
        in_background(self, call, ended, lambda _: ended(None))  # why it failed, the preview says

    def _end(self, number: int, place: int, picture: Picture | None) -> None:
        self._working = False
        if number == self._number:
            self.buttons[place].setIcon(QIcon() if picture is None else QIcon(_pixmap(picture)))
            self._next()
        elif not self._rest.isActive():
            self._rest.start()

    def _on_click(self, place: int) -> None:
        if self.seeds:
            self.picked.emit(self.seeds[place])


def _pixmap(picture: Picture) -> QPixmap:
    height, width = picture.shape
    image = QImage(picture.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    smooth = Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(image.copy()).scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)
