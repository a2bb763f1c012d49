"""A segmentation as a recipe, a command or Python: the same labels, without the viewer."""

from __future__ import annotations

import shlex
from dataclasses import fields

from ...core.recipe import Recipe
from ...segmentation.options import PredictOptions
from .asked import Asked

#: Files that the copied command and script write.
LABELS, UNCERTAINTY = "labels.nii.gz", "uncertainty.nii.gz"


def as_recipe(asked: Asked) -> str:
    """Return the text of a recipe file, every setting written out."""
    return Recipe(steps=(asked.step(),)).to_yaml()


def as_command(asked: Asked, image: str) -> str:
    """Return a line for a shell (sh, bash, zsh)."""
    return shlex.join(["medsynth", *asked.words(image, LABELS, UNCERTAINTY)]) + "\n"


def as_python(asked: Asked, image: str) -> str:
    """Return a script; options that have their defaults are left out."""
    unsure = asked.options.uncertainty
    write = ", write_volume" if unsure else ""
    last = f'write_volume(found.uncertainty, "{UNCERTAINTY}")\n' if unsure else ""
    return f"""\
from napari_medsynth.core.progress import finish
from napari_medsynth.io import read_volume, write_labels{write}
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.prediction import PredictOptions, predict

model = SegmentationModel.read({str(asked.path)!r})
image = read_volume({image!r})
found = finish(predict(model, image, PredictOptions({_changed(asked.options)}), device={asked.device!r}))
write_labels(found.labels, "{LABELS}")
{last}"""


def _changed(options: PredictOptions) -> str:
    usual, given = PredictOptions(), {field.name: getattr(options, field.name) for field in fields(options)}
    return ", ".join(f"{name}={value!r}" for name, value in given.items() if value != getattr(usual, name))
