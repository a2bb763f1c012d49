"""A structure of one body: :class:`Part`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..catalogue import Structure
from .curves import smooth

Course = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  #: points ``(n, 3)`` and the radius at each, in mm

_PIECES = 3  #: pieces between two points of a course


@dataclass(frozen=True, eq=False)
class Part:
    """A structure of one body: its entry in the catalogue, and what was drawn for it.

    Parameters
    ----------
    entry
        What the catalogue says.
    shift
        Millimetres that it lies away from its usual place, ``(z, y, x)``.
    size
        Its size relative to the usual one along ``(z, y, x)``.
    hu
        Its mean value.
    wave
        How much its surface waves, relative to its radius, and three phases.
    seed
        For what else is drawn about it.
    is_present
        Whether the body has it; its context always is.
    """

    entry: Structure
    shift: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    hu: float
    wave: tuple[float, float, float, float]
    seed: int
    is_present: bool

    @property
    def name(self) -> str:
        """Name of the structure."""
        return self.entry.name

    @property
    def label(self) -> int:
        """Its value in a label map."""
        return self.entry.label.value

    @property
    def details(self) -> Mapping[str, Any]:
        """What its shape needs to know."""
        return self.entry.details

    @property
    def centre(self) -> npt.NDArray[np.float32]:
        """Where its middle lies."""
        return np.asarray(self.entry.centre + self.shift, dtype=np.float32)

    @property
    def radii(self) -> npt.NDArray[np.float32]:
        """Half of its extents."""
        return np.asarray(np.multiply(self.entry.size, self.size) / 2, dtype=np.float32)

    @cached_property
    def courses(self) -> tuple[Course, ...]:
        """The courses of a tube or of its branches, without corners."""
        return tuple(self.course(branch) for branch in self.details.get("branches", (self.details,)))

    @cached_property
    def rods(self) -> tuple[Course, ...]:
        """The courses of what a bone is made of besides balls and plates."""
        return tuple(self.course(rod) for rod in self.details.get("rods", ()))

    @cached_property
    def vessels(self) -> tuple[Course, ...]:
        """The courses of the vessels inside an organ."""
        return tuple(self.course(vessel) for vessel in self.details.get("vessels", ()))

    def course(self, branch: Mapping[str, Any], pieces: int = _PIECES) -> Course:
        """Return points and radii of one branch ``{points, radii}``, moved and sized as drawn."""
        radii = np.multiply(branch["radii"], self.size.mean())
        fine = smooth(np.column_stack((np.add(branch["points"], self.shift), radii)), pieces)
        return fine[:, :3], fine[:, 3]


def part_of(entry: Structure, drawn: Mapping[str, Any], present: set[str]) -> Part:
    """Return the part that an entry of the catalogue is in a body; ``present`` are the names of what it has."""
    amount, *phases = drawn["wave"]
    return Part(
        entry,
        np.asarray(drawn["shift"]),
        np.asarray(drawn["size"]),
        drawn["value"],
        (amount, phases[0], phases[1], phases[2]),
        drawn["seed"],
        not entry.target or entry.name in present,
    )
