"""Medical images with exact ground truth, made inside napari and from scripts.

The names below are loaded when they are first used: importing this package loads neither torch nor napari nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core.lazy import lazily
from .core.version import __version__ as __version__

if TYPE_CHECKING:
    from .compat import SpineSynthGenerator, SyntheticAnatomyGenerator, SyntheticDataset, SyntheticDatasetGenerator
    from .core.case import Case
    from .core.errors import MedsynthError
    from .core.labels import Label, LabelMap, LabelTable
    from .core.recipe import Recipe
    from .core.volume import Volume
    from .datasets import LazyMedicalDataset, visualize_sample
    from .io import read_case, write_case
    from .phantom import Phantom
    from .rendering import Render, RenderDataset
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
    "SpineSynthGenerator",
    "SyntheticAnatomyGenerator",
    "SyntheticDataset",
    "SyntheticDatasetGenerator",
    "Volume",
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
    "SpineSynthGenerator": "compat",
    "SyntheticAnatomyGenerator": "compat",
    "SyntheticDataset": "compat",
    "SyntheticDatasetGenerator": "compat",
    "Volume": "core.volume",
    "read_case": "io",
    "visualize_sample": "datasets",
    "write_case": "io",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
