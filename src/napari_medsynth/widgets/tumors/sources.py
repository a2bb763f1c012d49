"""What a lesion to be placed is made of: a seed of the library or one made of numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.rng import stream
from ...tumor.insert import open_library
from ...tumor.morph import Morph, Variation
from ...tumor.seed import Seed
from ...tumor.synthetic import Kind, SyntheticLesion

#: Drawn shapes differ from the seed in all but size, which stays what the person chose.
_SAME_SIZE = Variation(scale=(1.0, 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """Where a lesion comes from.

    Parameters
    ----------
    seed
        The seed.
    made
        How it was made, if it is not from a library.
    library
        The folder that it is from, if it is.
    """

    seed: Seed
    made: SyntheticLesion | None = None
    library: Path | None = None

    @classmethod
    def from_library(cls, folder: Path, seed_id: str) -> Source:
        """Take a seed of a library; raises :class:`SeedError` if it is damaged."""
        return cls(seed=open_library(folder).load(seed_id), library=folder)

    @classmethod
    def from_kind(cls, kind: Kind, diameter_mm: float = 14.0, seed: int = 0) -> Source:
        """Make a lesion of a kind."""
        made = SyntheticLesion(kind=kind, diameter_mm=diameter_mm, seed=seed)
        return cls(seed=made.make(), made=made)

    @property
    def name(self) -> str:
        """Name for people."""
        return self.seed.info.id if self.made is None else f"made, {self.made.kind}"

    @property
    def origin(self) -> dict[str, Any]:
        """The fields of an :class:`~napari_medsynth.tumor.insert.Insertion` that name it."""
        if self.made is not None:
            return {"synthetic": self.made}
        return {"seed_id": self.seed.info.id, "sha256": self.seed.info.sha256}

    def redrawn(self, seed: int, diameter_mm: float) -> tuple[Source, Morph]:
        """Draw a new shape of the same size; a made lesion is made anew, one of a library is morphed.

        Parameters
        ----------
        seed
            Seed of the drawing: the same one gives the same shape.
        diameter_mm
            Diameter of the ball of the same volume.
        """
        rng = stream(seed, step="place_by_hand")
        source = self
        if self.made is not None:
            made = replace(self.made, seed=seed, diameter_mm=min(max(diameter_mm, 2.0), 120.0))
            source = replace(self, seed=made.make(), made=made)
        morph = _SAME_SIZE.draw(source.seed.info.diameter_mm, rng)
        return source, replace(morph, scale=scale_for(source.seed, diameter_mm))


def scale_for(seed: Seed, diameter_mm: float) -> float:
    """Return the scale at which a seed has this diameter, as near as may be."""
    return min(max(diameter_mm / seed.info.diameter_mm, 0.1), 10.0)
