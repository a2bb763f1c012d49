"""A phantom as a recipe, a command or Python: the same voxels, without the viewer."""

from __future__ import annotations

import dataclasses
from pathlib import PurePath

from ...core.recipe import Recipe
from ...phantom.step import Phantom

#: Folder that the copied command and script write to.
OUTPUT = "phantom"


def as_recipe(step: Phantom, seed: int) -> str:
    """Return the text of a recipe file, every setting written out."""
    return Recipe(steps=(step,), seed=seed).to_yaml()


def as_command(step: Phantom, seed: int) -> str:
    """Return lines for a shell (sh, bash, zsh): the recipe is kept in a file beside what is made of it."""
    return f"cat > {OUTPUT}.yaml <<'END'\n{as_recipe(step, seed)}END\nmedsynth run {OUTPUT}.yaml -o {OUTPUT}\n"


def as_python(step: Phantom, seed: int) -> str:
    """Return a script; settings that have their defaults are left out."""
    return f"""\
{_imports(step)}from napari_medsynth import Case, Phantom, write_case

phantom = Phantom({_arguments(step)})
case = phantom(Case(id="{OUTPUT}"), seed={seed})
write_case(case, "{OUTPUT}")
"""


def _imports(step: Phantom) -> str:
    return "" if step.scenarios is None else "from pathlib import Path\n\n"


def _arguments(step: Phantom) -> str:
    given = [(field.name, getattr(step, field.name), field.default) for field in dataclasses.fields(step)]
    lines = [f"    {name}={_source(value)},\n" for name, value, default in given if value != default]
    return f"\n{''.join(lines)}" if lines else ""


def _source(value: object) -> str:
    """Python that makes a value; of a path, for whichever system the script runs on."""
    return f"Path({str(value)!r})" if isinstance(value, PurePath) else repr(value)
