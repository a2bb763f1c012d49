"""Medical images with exact ground truth, made inside napari and from scripts.

The names below are loaded when they are first used: importing this package loads neither torch nor napari nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core.lazy import lazily

if TYPE_CHECKING:
    from .core.case import Case
    from .core.errors import MedsynthError
    from .core.labels import Label, LabelMap, LabelTable
    from .core.recipe import Recipe
    from .core.volume import Volume
    from .io import read_case, write_case
    from .tumor import InsertTumors

__version__ = "0.1.0"

__all__ = [
    "Case",
    "InsertTumors",
    "Label",
    "LabelMap",
    "LabelTable",
    "MedsynthError",
    "Recipe",
    "Volume",
    "read_case",
    "write_case",
]

_HOME = {
    "Case": "core.case",
    "InsertTumors": "tumor.insert",
    "Label": "core.labels",
    "LabelMap": "core.labels",
    "LabelTable": "core.labels",
    "MedsynthError": "core.errors",
    "Recipe": "core.recipe",
    "Volume": "core.volume",
    "read_case": "io",
    "write_case": "io",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
