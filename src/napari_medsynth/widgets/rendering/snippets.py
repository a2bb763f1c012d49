"""A rendering as a recipe, a command or Python: the same voxels, without the viewer."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import PurePath

from ...core.recipe import Recipe
from ...core.settings import Settings
from ...rendering.step import Render

#: Folder that the copied command and script write to.
OUTPUT = "render"


def as_recipe(step: Render, seed: int) -> str:
    """Return the text of a recipe file, every setting written out."""
    return Recipe(steps=(step,), seed=seed).to_yaml()


def as_command(step: Render, seed: int, labels: str) -> str:
    """Return lines for a shell (sh, bash, zsh): the recipe is kept in a file beside what is made of it.

    Parameters
    ----------
    step, seed
        What is made.
    labels
        Path of the label map.
    """
    run = shlex.join(["medsynth", "run", f"{OUTPUT}.yaml", "--labels", labels, "-o", OUTPUT])
    return f"cat > {OUTPUT}.yaml <<'END'\n{as_recipe(step, seed)}END\n{run}\n"


def as_python(step: Render, seed: int, labels: str) -> str:
    """Return a script; settings that have their defaults are left out."""
    path = "" if step.prior is None else "from pathlib import Path\n\n"
    return f"""\
{path}from napari_medsynth import Case, Render, write_case
from napari_medsynth.io import read_labels

labels = read_labels({labels!r}).reoriented()  # the viewer counts voxels from here
render = Render({_arguments(step)})
case = render(Case(id="{OUTPUT}", labels=labels), seed={seed})
write_case(case, "{OUTPUT}")
"""


def _arguments(step: Render) -> str:
    given = [(field.name, getattr(step, field.name), field.default) for field in dataclasses.fields(step)]
    lines = [f"    {name}={_source(value)},\n" for name, value, default in given if value != default]
    return f"\n{''.join(lines)}" if lines else ""


def _source(value: object) -> str:
    """Python that makes a value; of a stage, its settings; of a path, for whichever system the script runs on."""
    if isinstance(value, Settings):
        return repr(value.to_json())
    return f"Path({str(value)!r})" if isinstance(value, PurePath) else repr(value)
