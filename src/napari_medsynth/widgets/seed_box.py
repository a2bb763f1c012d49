"""The seed of all random draws, to be seen, typed and rolled: :class:`SeedBox`."""

from __future__ import annotations

import secrets

from qtpy.QtWidgets import QSpinBox

from .preferences import default_seed

#: The largest seed that Qt's spin box can hold.
LARGEST = 2**31 - 1
_MOST_ROLLED = 1_000_000


class SeedBox(QSpinBox):
    """A whole number that begins with the one of the preferences."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, LARGEST)
        self.setValue(default_seed())
        self.setToolTip("Seed of all random draws: the same number gives the same voxels")

    def roll(self) -> None:
        """Take another one, at random."""
        self.setValue(secrets.randbelow(_MOST_ROLLED))
