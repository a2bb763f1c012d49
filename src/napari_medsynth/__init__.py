"""Medical images with exact ground truth, made inside napari and from scripts.

The names below are loaded when they are first used: importing this package loads neither torch nor napari nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core.lazy import lazily
from .core.version import __version__ as __version__

if TYPE_CHECKING:
    from .compat import (
        SpineSynthGenerator,
        SyntheticAnatomyGenerator,
        SyntheticDataset,
        SyntheticDatasetGenerator,
        UNet,
        evaluate_model,
        load_model,
    )
    from .core.case import Case
    from .core.errors import MedsynthError
    from .core.labels import Label, LabelMap, LabelTable
    from .core.recipe import Recipe
    from .core.volume import Volume
    from .datasets import LazyMedicalDataset, visualize_sample
    from .io import read_case, write_case
    from .phantom import Phantom
    from .rendering import Render, RenderDataset
    from .segmentation import Segment
    from .tumor import InsertTumors

__all__ = [
    "Case",
    "InsertTumors",
    "Label",
    "LabelMap",
    "LabelTable",
    "LazyMedicalDataset",
    "MedsynthError",
    "Phantom",
    "Recipe",
    "Render",
    "RenderDataset",
    "Segment",
    "SpineSynthGenerator",
    "SyntheticAnatomyGenerator",
    "SyntheticDataset",
    "SyntheticDatasetGenerator",
    "UNet",
    "Volume",
    "evaluate_model",
    "load_model",
    "read_case",
    "visualize_sample",
    "write_case",
]

_HOME = {
    "Case": "core.case",
    "InsertTumors": "tumor.insert",
    "Label": "core.labels",
    "LabelMap": "core.labels",
    "LabelTable": "core.labels",
    "LazyMedicalDataset": "datasets",
    "MedsynthError": "core.errors",
    "Phantom": "phantom.step",
    "Recipe": "core.recipe",
    "Render": "rendering.step",
    "RenderDataset": "rendering.dataset",
    "Segment": "segmentation.step",
    "SpineSynthGenerator": "compat",
    "SyntheticAnatomyGenerator": "compat",
    "SyntheticDataset": "compat",
    "SyntheticDatasetGenerator": "compat",
    "UNet": "compat",
    "Volume": "core.volume",
    "evaluate_model": "compat",
    "load_model": "compat",
    "read_case": "io",
    "visualize_sample": "datasets",
    "write_case": "io",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
