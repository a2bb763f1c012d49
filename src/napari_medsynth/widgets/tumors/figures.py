"""What the table says of the lesions that were placed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.labels import LabelMap
from ...core.volume import Volume
from ...tumor.measure import LesionFigures, measure_lesions
from .session import Placed, Session


@dataclass(frozen=True)
class Figures:
    """One lesion: what it was made of and, unless others hide it wholly, what it measures."""

    placed: Placed
    measured: LesionFigures | None

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball of the same volume."""
        volume = 0.0 if self.measured is None else self.measured.volume_ml
        return float(np.cbrt(6000 * volume / np.pi))


def figures_of(session: Session) -> tuple[Figures, ...]:
    """Measure the lesions of a session, each in its box."""
    return tuple(Figures(placed, _measured(session, placed)) for placed in session.placed)


def _measured(session: Session, placed: Placed) -> LesionFigures | None:
    where, affine = placed.box.slices, session.image.affine.shifted(placed.box.start)
    own = session.instances[where] == placed.entry.instance
    found = measure_lesions(Volume(session.voxels[where], affine), LabelMap(own, affine))
    return found[0] if found else None
