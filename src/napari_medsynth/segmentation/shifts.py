"""Scans made worse, or other, by a known amount: how far a model can be trusted is a curve over these.

Each shift takes its draws from (seed, case), not from the level: along a curve a case has one pattern of noise, one
bias field, one way to move, which only get stronger.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError
from ..core.rng import stream
from ..core.volume import Volume

#: Changes an image, or a whole case, by an amount; the generator is that of (seed, case).
Change = Callable[[Volume, float, np.random.Generator], Volume]
Move = Callable[[Case, float, np.random.Generator], Case]


@dataclass(frozen=True)
class Shift:
    """One way in which scans differ, by an amount that is called its level.

    Parameters
    ----------
    name
        As in :data:`SHIFTS`.
    about
        What it does, in a few words, for a table or an axis.
    unit
        Of the level, e.g. ``"×"`` or ``"°"``.
    levels
        Those of a usual curve, ascending; :attr:`neutral` is one of them.
    neutral
        The level at which nothing changes.
    low, high
        Levels that can be asked for, ends included.
    change
        Changes the image; labels stay.
    move
        Changes image and labels together.
    volumes_only
        Whether it needs more than one slice.
    """

    name: str
    about: str
    unit: str
    levels: tuple[float, ...]
    neutral: float
    low: float
    high: float
    change: Change | None = None
    move: Move | None = None
    volumes_only: bool = False

    def apply(self, case: Case, level: float, seed: int) -> Case:
        """Return the case as it would be with this much of the shift.

        Parameters
        ----------
        case
            With an image. It is on the same grid afterwards.
        level
            How much; at :attr:`neutral` the case itself is returned.
        seed
            Of everything random; cases differ by their id.

        Returns
        -------
        Case
            Its image is float32. It has no history, as this is a test of a model and not a step that can be repeated.

        Raises
        ------
        ConfigError
            If the level is out of range, or the case has no image, one with values that are not finite, or one of
            two dimensions where slices are needed.
        """
        if not self.low <= level <= self.high:
            raise ConfigError(f"{self.name} shift has level {level:g}; expected {self.low:g} to {self.high:g}")
        if case.image is None or not case.image.is_finite:
            what = "no image" if case.image is None else "an image with values that are not finite"
            raise ConfigError(f"case {case.id!r} has {what}; expected an image to shift")
        if self.misfit(case):
            raise ConfigError(f"{self.name} shift of case {case.id!r}: {self.misfit(case)}")
        if level == self.neutral:
            return case
        rng = stream(seed, zlib.crc32(case.id.encode()), f"shift {self.name}")
        if self.move is not None:
            return replace(self.move(case, level, rng), history=())
        image = self.change(case.image, level, rng) if self.change is not None else case.image
        return replace(case, image=image, history=())

    def misfit(self, case: Case) -> str:
        """Return why this shift cannot be done to a case with an image; empty if it can."""
        flat = case.image is not None and sum(size > 1 for size in case.image.shape) < 3
        return "the image is one slice; expected a volume" if self.volumes_only and flat else ""


def _loaded(name: str) -> Change:
    """Return a change of :mod:`.shifting`, which loads torch when it is first used."""

    def change(image: Volume, level: float, rng: np.random.Generator) -> Volume:
        from . import shifting

        made: Volume = getattr(shifting, name)(image, level, rng)
        return made

    return change


def _turned(case: Case, level: float, rng: np.random.Generator) -> Case:
    from .shifting import turned

    return turned(case, level, rng)


_ALL = (
    Shift(
        "resolution", "Larger voxels in the plane of the slices", "×", (1, 2, 3, 4), 1, 1, 16, _loaded("coarser")
    ),
    Shift("slice_thickness", "Thicker slices", "×", (1, 2, 4, 6), 1, 1, 32, _loaded("thicker"), volumes_only=True),
    Shift(
        "noise", "Noise: deviation as a share of the image's range", "", (0, 0.02, 0.05, 0.1, 0.2), 0, 0, 2,
        _loaded("noisier"),
    ),
    Shift(
        "bias_field", "Uneven brightness: deviation of its logarithm", "", (0, 0.1, 0.2, 0.3, 0.5), 0, 0, 3,
        _loaded("uneven"),
    ),
    Shift("motion", "Movement while it is taken; 1: up to 10° and 10 mm", "", (0, 0.1, 0.2, 0.4, 0.6), 0, 0, 1,
          _loaded("moved")),
    Shift("rotation", "Turned in the plane of the slices", "°", (0, 5, 10, 20, 30), 0, 0, 180, move=_turned),
    Shift("gamma", "Range bent: exponent", "", (0.5, 0.7, 1, 1.4, 2), 1, 0.1, 10, _loaded("bent")),
    Shift("inversion", "Bright becomes dark", "", (0, 1), 0, 0, 1, _loaded("inverted")),
)  # fmt: skip

#: All shifts by name.
SHIFTS: Mapping[str, Shift] = MappingProxyType({shift.name: shift for shift in _ALL})
