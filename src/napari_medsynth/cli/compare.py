"""``medsynth compare``: how well one label map agrees with another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from ..core.errors import WriteError
from .console import Console

if TYPE_CHECKING:
    from ..metrics import StructureScore

_HEAD = f"{'structure':28s} {'Dice':>6s} {'HD95 mm':>8s} {'surface':>8s} {'mL':>9s} {'mL true':>9s}"


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Measure how well one label map agrees with another of the same voxels, structure by structure.

    Told are Dice, the 95 % Hausdorff distance, the surface Dice and both volumes; a dash stands for what has no value,
    because the structure is in neither map.
    """

    found: Annotated[Positional[Path], arg(help="label map that is judged", metavar="FOUND")]
    truth: Annotated[Positional[Path], arg(help="what it should be", metavar="TRUTH")]
    output: Annotated[Path | None, arg(aliases=("-o",), help="JSON file for the figures")] = None
    tolerance_mm: Annotated[float, arg(help="how far surfaces may lie apart and still count as the same, in mm")] = 2.0
    overwrite: Annotated[bool, arg(help="replace what is there")] = False

    def run(self, console: Console) -> None:
        """Read, compare, tell, write."""
        from ..io import read_labels, write_json
        from ..metrics import scores

        if self.output is not None and self.output.exists() and not self.overwrite:
            raise WriteError(f"{self.output} exists; expected a new file, or --overwrite")
        found, truth = read_labels(self.found), read_labels(self.truth)
        made = scores(truth, found.reoriented(truth.affine.orientation), tolerance_mm=self.tolerance_mm)
        console.say("\n".join((_HEAD, *(_line(score) for score in made))))
        if self.output is not None:
            write_json(self.output, {"tolerance_mm": self.tolerance_mm, "scores": [score.to_json() for score in made]})
            console.wrote(self.output)


def _line(score: StructureScore) -> str:
    name = (score.name or f"label {score.value}")[:28]
    figures = ((score.dice, 6, 3), (score.hd95_mm, 8, 1), (score.surface_dice, 8, 3))
    volumes = ((score.found_ml, 9, 2), (score.truth_ml, 9, 2))
    return f"{name:28s} " + " ".join(_figure(*figure) for figure in (*figures, *volumes))


def _figure(value: float, width: int, digits: int) -> str:
    return f"{value:{width}.{digits}f}" if value == value else f"{'–':>{width}s}"
