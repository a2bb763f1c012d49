"""What was placed, as a recipe, a command or Python: the same voxels, without the viewer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from ...core.errors import ConfigError
from ...core.recipe import Recipe
from ...core.record import Record
from ...tumor.insert import InsertTumors

_BY_HAND = "lesions were placed or taken out by hand; copy as Python, which repeats them exactly"


def as_recipe(records: Sequence[Record]) -> str:
    """Return lesions that were scattered as the text of a recipe.

    Raises
    ------
    ConfigError
        If there are none, or a person placed or took out some: a recipe draws, it does not repeat.
    """
    return Recipe(steps=tuple(_step(r) for r in records), seed=_seed(records)).to_yaml()


def as_command(records: Sequence[Record], image: str) -> str:
    """Return lesions that were scattered as a command; raises as :func:`as_recipe` does, and for several scatterings.

    Parameters
    ----------
    records
        The history.
    image
        Path of the scan.
    """
    seed = _seed(records)
    if len(records) > 1:
        raise ConfigError("lesions were scattered more than once; copy as recipe, which repeats all of it")
    step = _step(records[0])
    words = ["medsynth", "tumor", "insert", image, "-o", "out", "--count", str(step.count[0]), "--seed", str(seed)]
    if step.library is not None:
        words += ["--library", str(step.library)]
    else:
        words += ["--kinds", ",".join(step.kinds)]
    if step.placement.wall != "any":
        words += ["--placement.wall", step.placement.wall]
    return shlex.join(words)


def as_python(records: Sequence[Record], image: str) -> str:
    """Return a script that makes the same voxels again, lesions placed by hand included.

    Raises
    ------
    ConfigError
        If nothing was placed.
    """
    if not records:
        raise ConfigError("nothing was placed yet")
    history = json.dumps([record.to_json() for record in records], indent=1)
    return f"""\
import json

from napari_medsynth import read_case, write_case
from napari_medsynth.core.record import Record
from napari_medsynth.core.step import replay

HISTORY = json.loads(r'''
{history}
''')

case = read_case({image!r})
turned = case.image.reoriented()  # the viewer shows and counts voxels from here
case = replay(type(case)(id=case.id, image=turned), tuple(Record.from_json(entry) for entry in HISTORY))
write_case(case, "out")
"""


def _step(record: Record) -> InsertTumors:
    step = InsertTumors.from_json(record.config, record.step)
    whole = len(record.params["lesions"]) + len(record.params["not_placed"]) == step.count[0]
    if not record.rng or not whole:
        raise ConfigError(_BY_HAND)
    if step.organ != "lung":
        raise ConfigError(f"lesions were scattered inside {step.organ!r}; copy as Python, which repeats them exactly")
    return step


def _seed(records: Sequence[Record]) -> int:
    if not records:
        raise ConfigError("nothing was placed yet")
    seeds = {record.rng.get("seed") for record in records}
    occurrences = [record.rng.get("occurrence") for record in records]
    seed = seeds.pop()
    if seed is None or seeds or occurrences != list(range(len(records))):
        raise ConfigError(_BY_HAND)
    return int(seed)
