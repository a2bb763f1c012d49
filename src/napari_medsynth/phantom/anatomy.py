"""What every anatomy can do: draw a body, and paint it on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from .catalogue import Catalogue
from .frame import Frame

Name = Literal["classic", "torso"]


@dataclass(frozen=True)
class Variation:
    """How much bodies differ: standard deviations relative to the field of view, to each size and to each intensity."""

    position: float
    size: float
    intensity: float


@dataclass(frozen=True)
class Painted:
    """What an anatomy looks like on a grid, before noise and bias field.

    Parameters
    ----------
    values
        ``(z, y, x)`` float32 in the catalogue's intensities; edges fade over a voxel and the blur.
    labels
        ``(z, y, x)`` uint8: the structure that holds most of each voxel.
    """

    values: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


class Anatomy(Protocol):
    """One kind of body."""

    @property
    def catalogue(self) -> Catalogue:
        """Its structures."""

    def draw(self, present: frozenset[str], variation: Variation, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a body that has the target structures ``present`` and no other; plain JSON values.

        What is drawn does not depend on the grid, so that a preview shows the body that will be made. The draws of a
        structure do not depend on which others are present.
        """

    def paint(self, body: Mapping[str, Any], frame: Frame, blur: float) -> Painted:
        """Paint a body that :meth:`draw` gave; ``blur`` is the point spread's standard deviation in voxels.

        Large images are painted slab by slab: what a voxel becomes must not depend on the others in the frame.
        """


@cache
def anatomy(name: Name) -> Anatomy:
    """Return an anatomy by its name; the module of that name is loaded only then."""
    made: Anatomy = getattr(import_module(f"{__package__}.{name}"), name.capitalize())()
    return made
