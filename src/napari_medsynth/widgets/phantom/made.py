"""A body that was made, in full or as a preview: :class:`Made`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...core.case import Case, case_id
from ...core.progress import Job, Progress
from ...phantom.catalogue import Catalogue, catalogue
from ...phantom.step import Phantom
from ..layers import LayerData
from ..previews import compile_colours
from .looks import phantom_layers
from .sizing import QUICK, coarse


@dataclass(frozen=True, eq=False)
class Made:
    """What the ``phantom`` step made.

    Parameters
    ----------
    case
        Image, labels, and how they were made.
    about
        The catalogue of its anatomy.
    """

    case: Case
    about: Catalogue

    @property
    def scenario(self) -> str:
        """Name of the scenario that it was drawn from; ``"custom"`` if structures were chosen."""
        return str(self.case.history[-1].params["scenario"])

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the target structures that it has."""
        return tuple(self.case.history[-1].params["present"])

    @property
    def summary(self) -> str:
        """One line for a person."""
        return f"{self.scenario.replace('_', ' ')}: {len(self.present)} of {len(self.about.targets)} structures"

    def layers(self) -> list[LayerData]:
        """Return its layers, named after anatomy and scenario."""
        return phantom_layers(replace(self.case, id=case_id(f"{self.about.name}-{self.scenario}")), self.about)


def made_small(step: Phantom, seed: int, voxels: int = QUICK) -> Made:
    """Make a coarse version of a body: draws do not depend on the grid, so it is the very same one."""
    compile_colours()  # here, and not in the viewer's thread
    return _made(coarse(step, voxels), seed)


def making(step: Phantom, seed: int) -> Job[tuple[Made, list[LayerData]]]:
    """Make a body in full, and its layers."""
    yield Progress(0, 0, "painting it")  # nobody knows how far it is
    made = _made(step, seed)
    yield Progress(1, 2, "measuring its structures")
    layers = made.layers()
    yield Progress(2, 2, "done")
    return made, layers


def _made(step: Phantom, seed: int) -> Made:
    return Made(step(Case(id="phantom"), seed=seed), catalogue(step.anatomy))
