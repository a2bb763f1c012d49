"""What ``medsynth example`` draws of training: networks so small that they learn something in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from PIL import Image

from ..core.labels import LabelMap
from ..core.progress import Job
from ..core.volume import Volume
from ..datasets.finding import find_cases
from ..learning.run import Run
from ..learning.settings import FitSettings
from ..metrics.scoring import mean_dice, scores
from ..segmentation.dummy import dummy_body, dummy_data, dummy_scan
from ..segmentation.model import SegmentationModel
from ..segmentation.prediction import predict
from ..segmentation.prepare import Relabel
from ..segmentation.samples import Samples, preparing
from ..segmentation.settings import TrainSettings
from ..segmentation.spine import spine_relabel, spine_settings
from ..segmentation.training import train
from .example_drawing import Column, coloured, curve, grey, sheet, stacked

#: Phantoms: how many are learned from and drawn, and the voxels of each along z, y, x, of about 2.6 mm.
_LEARNED, _UNSEEN = 6, 2
SIZE = (100, 58, 60)
_SPACING, _PATCH = (2.6, 2.6), (112, 64)

#: Pixels for each of those voxels.
_SCALE = 3

_VERTEBRA, _DISC, _CANAL = 1, 2, 3

#: Examples that are drawn.
_EXAMPLES = 6
_GAP = 3

#: Batches an epoch, and epochs.
STEPS, EPOCHS = 12, 11


@dataclass(frozen=True)
class _Learned:
    """What a training gave: the examples, the best model, losses and validation Dice of the epochs."""

    samples: Samples
    model: SegmentationModel
    losses: list[float]
    dice: list[float]


#: What was learned in this process, by seed and size: both demos draw from one training.
_KNOWN: dict[tuple[object, ...], _Learned] = {}


def inference(seed: int) -> Job[Image.Image]:
    """Learn from rendered label maps of some spines, and segment T1 and T2 of others."""
    learned = yield from _learned(seed)
    columns = []
    for contrast in ("t1", "t2"):
        rows, dice = [], []
        for number in range(_LEARNED + 1, _LEARNED + 1 + _UNSEEN):
            scan = dummy_scan(dummy_body(number, size=SIZE, seed=seed), contrast, seed=seed, index=number)
            image = cast("Volume", scan.image)
            truth = Relabel.of(_settings(seed)).applied(cast("LabelMap", scan.labels))
            found = (yield from predict(learned.model, image)).labels
            rows.append(_planes(image, truth, found))
            dice.append(mean_dice(scores(truth, found, surfaces=False)))
        titles = (f"{contrast.upper()}, never seen", "truth", f"found: Dice {np.mean(dice):.2f}")
        columns += [Column(title, pictures) for title, pictures in zip(titles, zip(*rows, strict=True), strict=True)]
    return sheet(columns)


def training(seed: int) -> Job[Image.Image]:
    """Train for some steps, and draw what is learned from and how the loss falls."""
    learned = yield from _learned(seed)
    columns = []
    for number in range(_EXAMPLES):
        item = learned.samples[number]
        image, classes = (array.numpy()[:, ::-1] for array in (item["image"][0], item["labels"]))  # the front is left
        columns.append(Column(f"example {number + 1}", (grey(image, _SCALE), coloured(classes, _SCALE))))
    examples = sheet(columns)
    half = (examples.width // 2 - _GAP, 220)
    curves = [
        Column(f"{name}, by epochs of {STEPS} batches", (curve(values, half),))
        for name, values in (("loss", learned.losses), ("validation Dice", learned.dice))
    ]
    return stacked(examples, sheet(curves))


def _learned(seed: int) -> Job[_Learned]:
    """Train on label maps of phantoms that are made first; no file of it is left."""
    key = (seed, SIZE, STEPS, EPOCHS)
    if key not in _KNOWN:
        _KNOWN[key] = yield from _learning(_settings(seed), seed)
    return _KNOWN[key]


def _learning(settings: TrainSettings, seed: int) -> Job[_Learned]:
    with TemporaryDirectory() as folder:
        yield from dummy_data(Path(folder, "data"), patients=_LEARNED, size=SIZE, seed=seed)
        cases = [case for case in find_cases(Path(folder, "data")) if case.id.endswith("_t1")]
        data = yield from preparing(cases[1:], cases[:1], settings)
        run = Run(Path(folder, "run"))
        trained = yield from train(data, run, settings)
        log = run.log()
        losses, dice = ([float(entry[name]) for entry in log] for name in ("loss", "val_dice"))
        return _Learned(data.train, SegmentationModel.read(trained.model), losses, dice)


def _settings(seed: int) -> TrainSettings:
    """Return settings for three structures: which vertebra is which takes longer to learn than a demo may."""
    spine = spine_settings()
    kinds = {value: _CANAL if value == 100 else _DISC if value > 200 else _VERTEBRA for value, _ in spine_relabel(20)}
    fit = FitSettings(epochs=EPOCHS, steps_per_epoch=STEPS, batch_size=8, lr=5e-3, seed=seed)
    inputs = replace(spine.inputs, spacing=_SPACING, patch=_PATCH)
    return replace(spine, inputs=inputs, relabel=tuple(kinds.items()), foreground=1.0, fit=fit)


def _planes(image: Volume, truth: LabelMap, found: LabelMap) -> tuple[Image.Image, ...]:
    """Draw the middle sagittal slice."""
    middle = image.shape[2] // 2
    plane = image.array[:, :, middle].astype(np.float32)
    labels = (coloured(part.array[:, :, middle].astype(np.int64), _SCALE) for part in (truth, found))
    return grey(plane / max(float(np.quantile(plane, 0.995)), 1e-6), _SCALE), *labels
