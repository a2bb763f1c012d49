"""Movement while k-space is read: :class:`Motion`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...core.settings import require_interval, setting
from ..lattice import Lattice
from ..stage import Artefact, Params, uniform

if TYPE_CHECKING:
    import torch

LARGEST_TURN = 10.0  #: degrees at strength 1
LARGEST_SHIFT = 10.0  #: mm at strength 1, along each axis
MOST_ANGLES = 8  #: a drift is done in this many turns; shifts are done line by line

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Motion(Artefact):
    """The patient moves, rigidly, while the lines of k-space are read one after another, from one end to the other.

    Each line is taken from the image as it lies at that time: shifted, which is a phase in k-space, and turned about
    the middle of the slice. All slices move alike, as they do where their lines are read in turn. The pose in which
    the middle of k-space is read is that of the labels, so they stay where the image shows them.
    """

    name: ClassVar[str] = "motion"

    strength: tuple[float, float] = setting(
        (0.1, 0.5), "Strength; 1: turns by up to 10 degrees and shifts by up to 10 mm", low=0, high=1
    )
    movements: tuple[int, int] = setting((1, 4), "How often the patient moves", low=1, high=16)
    kind: Literal["sudden", "slow"] = setting("sudden", "From one pose to the next at once, or in a drift")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "strength", "movements")

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Draw the strength, the poses and the phase-encoding axis.

        A pose is its time (0 … 1), and as shares of the largest ones its angle and its shifts along the phase-encoding
        and the read-out axis. Times lie near the middle of the acquisition: before and after, only lines are read that
        show hardly anything, and movement goes unseen.
        """
        count = int(rng.integers(*self.movements, endpoint=True))
        times = sorted(uniform(rng, (0.25, 0.75)) for _ in range(count))
        return {
            "strength": uniform(rng, self.strength),
            "poses": [[time, *(_share(rng) for _ in range(3))] for time in times],
            "swap": bool(rng.random() < 0.5),
            "kind": self.kind,
        }

    @staticmethod
    def apply(image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice) -> torch.Tensor:
        """Return the image as it was read; see :meth:`Artefact.apply`."""
        from .kspace import axes_of, replace_slices
        from .reading import Reading

        axes = axes_of(lattice, params["swap"])
        poses = _poses(lattice.shape[axes[1]], params)
        if not poses.any():
            return image
        spacing = (lattice.spacing[axes[1]], lattice.spacing[axes[2]])
        reading = Reading(poses, (lattice.shape[axes[1]], lattice.shape[axes[2]]), spacing, image.device)
        return replace_slices(image, axes, reading.take)


def _share(rng: np.random.Generator) -> float:
    return uniform(rng, (0.3, 1)) * (1 if rng.random() < 0.5 else -1)


def _poses(size: int, params: Mapping[str, Any]) -> FloatArray:
    """Return the pose in which each line is read, ``(phase, 3)``, relative to the middle one's."""
    known = np.array([[0, 0, 0, 0], *params["poses"]])
    known[:, 1:] *= params["strength"] * np.array([LARGEST_TURN, LARGEST_SHIFT, LARGEST_SHIFT])
    times = (np.arange(size) + 0.5) / size
    if params["kind"] == "slow":
        found = np.stack([np.interp(times, known[:, 0], values) for values in known[:, 1:].T], axis=1)
    else:
        found = known[np.searchsorted(known[:, 0], times, side="right") - 1, 1:]
    found = np.fft.ifftshift(found - found[size // 2], axes=0)
    if len(np.unique(found[:, 0])) > MOST_ANGLES:
        step = np.ptp(found[:, 0]) / (MOST_ANGLES - 1)
        found[:, 0] = np.rint(found[:, 0] / step) * step
    return np.asarray(found, dtype=np.float64)
