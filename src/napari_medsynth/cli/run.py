"""``medsynth run``: a recipe on one case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ..core.case import Case, case_id
from ..core.errors import ConfigError
from ..core.recipe import Recipe
from .console import Console


@dataclass(frozen=True, kw_only=True)
class Run:
    """Apply the steps of a recipe, one after the other, and write image, labels and how they were made."""

    recipe: Annotated[Positional[Path], arg(help="the recipe, in YAML", metavar="RECIPE")]
    output: Annotated[Path, arg(aliases=("-o",), help="folder to write the case to")]
    image: Annotated[Path | None, arg(aliases=("-i",), help="scan to begin with, or a case that was written")] = None
    labels: Annotated[Path | None, arg(aliases=("-l",), help="label map on the same grid")] = None
    seed: Annotated[int | None, arg(help="seed of all random draws; none keeps the recipe's")] = None
    overwrite: Annotated[bool, arg(help="replace what is in the output folder")] = False

    def run(self, console: Console) -> None:
        """Read, apply, write."""
        from ..io import write_case

        recipe = Recipe.read(self.recipe)
        if self.seed is not None:
            recipe = replace(recipe, seed=self.seed)
        case = console.finish(recipe.run(self._start(recipe)))
        extras = {"recipe.yaml": recipe.to_yaml()}
        console.wrote(write_case(case, self.output, extras=extras, overwrite=self.overwrite))

    def _start(self, recipe: Recipe) -> Case:
        from ..io import read_case, read_labels

        if self.image is not None:
            return read_case(self.image, self.labels)
        if self.labels is None and not recipe.steps:
            raise ConfigError(f"{self.recipe} has no steps, and no scan is given; expected one of them")
        name = case_id((self.labels or self.recipe).name.partition(".")[0])
        return Case(id=name, labels=None if self.labels is None else read_labels(self.labels))
