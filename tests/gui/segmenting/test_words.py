"""The words that the panel starts and copies mean to the command line what was chosen in the panel."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from napari_medsynth.cli import app
from napari_medsynth.cli.segment import Segment
from napari_medsynth.core.labels import LabelTable
from napari_medsynth.learning.card import ModelCard
from napari_medsynth.segmentation.options import PredictOptions
from napari_medsynth.widgets.segmenting.asked import Asked

CARD = ModelCard(kind="segmentation", name="m", network={}, inputs={}, labels=LabelTable())
CHOICES = [
    PredictOptions(),
    PredictOptions(largest_component=True, uncertainty=True),
    *(PredictOptions(flips=flips) for flips in get_args(get_type_hints(PredictOptions)["flips"])),
]


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize(("device", "anyway"), [("auto", False), ("cpu", True)])
def test_the_command_line_understands_what_is_asked(options: PredictOptions, device: str, anyway: bool) -> None:
    asked = Asked(path=Path("m 1.safetensors"), card=CARD, options=options, device=device, anyway=anyway)
    name, *words = asked.words("scan 1.nii.gz", "labels.nii.gz", "unsure.nii.gz")
    found = app._parsed(name, words)
    assert isinstance(found, Segment)
    assert (found.images, found.model, found.output) == ((Path("scan 1.nii.gz"),), asked.path, Path("labels.nii.gz"))
    assert (found.device, found.anyway) == (device, anyway)
    assert found.uncertainty == (Path("unsure.nii.gz") if options.uncertainty else None)
    assert found._step().options == options
