"""What the three result tables share: where scans are, training one model, tables of what was found."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_medsynth import Case, Volume
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.splitting import Split
from napari_medsynth.io import write_case, write_json
from napari_medsynth.learning.run import Run
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.prediction import Prediction, PredictOptions, predict
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.training import train

#: Folder of the real scans, as the tests find it.
DATA = Path(os.environ.get("MEDSYNTH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def arguments(description: str, default: str) -> argparse.Namespace:
    """Read the options that all three have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training of each kind a seed")
    parser.add_argument("--output", type=Path, default=Path("results", default), help="models, tables and pictures")
    parser.add_argument("--steps", type=float, default=1.0, help="share of the training steps, to try it out")
    return parser.parse_args()


def keep(folder: Path, case: Case) -> None:
    """Write a case that is not there yet."""
    if not (folder / case.id).exists():
        write_case(replace(case, history=(), host=None), folder / case.id)


def fitted(
    folder: Path, name: str, train_on: Path | Sequence[Any], check_on: Path | Sequence[Any], settings: TrainSettings
) -> SegmentationModel:
    """Train a model, or read it if this was done; tell how long it took."""
    run, start = Run(folder / name), time.perf_counter()
    if not run.exists() or run.about()["state"] != "finished":
        cases, checks = (find_cases(c) if isinstance(c, Path) else tuple(c) for c in (train_on, check_on))
        split = Split(train=tuple(c.id for c in cases), val=tuple(c.id for c in checks), test=())
        finish(train((*cases, *checks), run, settings, split=split, resume=run.exists()))
        print(f"  {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return SegmentationModel.read(run.best)


def segmented(model: SegmentationModel, image: Volume, **options: Any) -> Prediction:
    """Segment an image."""
    return finish(predict(model, image, PredictOptions(**options)))


def found(model: SegmentationModel, image: Volume) -> LabelMap:
    """Return the labels that a model gives an image."""
    return segmented(model, image).labels


def grid(spacing: Sequence[float], orientation: str) -> Affine:
    """Return an affine of voxels in mm, ``(z, y, x)``, and the sides that the array's axes run to."""
    return Affine.from_spacing(tuple(spacing), orientation=orientation)


def named(array: np.ndarray, affine: Affine, names: Mapping[int, str]) -> LabelMap:
    """Make a label map with names."""
    return LabelMap(array, affine, LabelTable.from_names(dict(names)))


def summary(values: Sequence[float | None]) -> str:
    """Mean over everything, and the range of what seeds gave, as text."""
    numbers = [v for v in values if v is not None]
    return "–" if not numbers else f"{np.mean(numbers):.3f} ({min(numbers):.3f} … {max(numbers):.3f})"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def save(folder: Path, name: str, values: Any) -> None:
    """Write what the tables were made of."""
    write_json(folder / name, json.loads(json.dumps(values)))
    print(f"\nwrote {folder / name}")
