"""``medsynth demo``: the main job end to end, on a made thorax or on a real scan."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from ..core.case import Case
from ..core.errors import ConfigError
from ..core.labels import Label, LabelTable
from ..core.progress import Job, Progress
from ..core.recipe import Recipe
from ..tumor.insert import InsertTumors
from ..tumor.morph import Variation
from ..tumor.truth import TUMOR_COLOUR
from .console import Console
from .tumor import write_result


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Cut the tumors out of a scan, change them, place three in it, and show it before and after.

    Without data, a CT-like thorax is made first. Everything goes into one folder: ``seeds`` is a seed library,
    ``case`` holds image, labels, instances, the table of the lesions, the recipe and a picture.
    """

    output: Annotated[Path, arg(aliases=("-o",), help="folder to write to")] = Path("demo")
    data: Annotated[
        tuple[Path, Path] | None, arg(help="a scan and its label map, to use instead", metavar="CT LABELS")
    ] = None
    lesion: Annotated[tuple[int, ...], arg(help="values of the label map that are lesions")] = (1,)
    count: Annotated[int, arg(help="tumors to place")] = 3
    seed: Annotated[int, arg(help="seed of all random draws")] = 7
    overwrite: Annotated[bool, arg(help="replace what an earlier demo wrote")] = False

    def run(self, console: Console) -> None:
        """Do it."""
        if self.count < 1:
            raise ConfigError(f"--count is {self.count}; expected 1 or more")
        case, recipe, pictures = console.finish(self._work())
        write_result(console, case, recipe, self.output / "case", overwrite=self.overwrite, **pictures)
        console.say(f"look at {self.output / 'case' / 'before_after.png'}")

    def _work(self) -> Job[tuple[Case, Recipe, dict[str, bytes]]]:
        from .picture import before_after

        yield Progress(0, 4, "reading" if self.data else "making a thorax")
        case = self._start()
        yield Progress(1, 4, "cutting tumors out")
        library = yield from self._cut_out(case)
        yield Progress(2, 4, "finding the lungs and placing tumors")
        step = InsertTumors(
            library=library, count=(self.count, self.count), variation=Variation(size="range", diameter_mm=(10, 28))
        )
        recipe = Recipe(steps=(step,), seed=self.seed)
        result = recipe(case)
        yield Progress(3, 4, "drawing and writing")
        return result, recipe, {"before_after": before_after(case, result)}

    def _start(self) -> Case:
        """Return the scan to begin with; a made one is written too, so that the recipe can be run again."""
        if self.data is None:
            from ..io import write_case
            from ..phantom.thorax import thorax

            case = replace(thorax(), host=None)  # found again, as it is when the recipe is run on what is written
            write_case(case, self.output / "input", overwrite=self.overwrite)
            return case
        from ..io import read_case

        case = read_case(*self.data)
        if case.labels is None:
            return case
        known = {entry.value for entry in case.labels.table}
        new = tuple(Label(v, "tumor", "lesion", colour=TUMOR_COLOUR) for v in self.lesion if v not in known)
        return replace(case, labels=replace(case.labels, table=LabelTable((*case.labels.table, *new))))

    def _cut_out(self, case: Case) -> Job[Path]:
        from ..tumor.extract import extract_seeds
        from ..tumor.library import SeedLibrary

        folder = self.output / "seeds"
        if self.overwrite and (folder / "index.json").is_file():
            shutil.rmtree(folder)
        values = self.lesion if self.data else case.labels.table.lesions() if case.labels else ()
        seeds = yield from extract_seeds(case, values, organ="lung")
        SeedLibrary.create(folder).add(seeds)
        return folder
