"""Datasets in the layouts of other tools, out and in: NIfTI pairs, nnU-Net, MONAI datalists.

The names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazily

if TYPE_CHECKING:
    from .exporting import export_dataset
    from .formats import FORMATS, FormatName
    from .importing import import_dataset

__all__ = ["FORMATS", "FormatName", "export_dataset", "import_dataset"]

_HOME = {
    "FORMATS": "formats",
    "FormatName": "formats",
    "export_dataset": "exporting",
    "import_dataset": "importing",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
